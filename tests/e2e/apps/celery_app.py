"""A Celery application whose tasks query and then end in every way a task can."""

from __future__ import annotations

import os
import threading

import witness
from celery import Celery
from celery.exceptions import Ignore, Reject

app = Celery("celery_app", broker=os.environ["BROKER"], backend=os.environ.get("BACKEND", os.environ["BROKER"]))
app.conf.update(
    task_always_eager=os.environ.get("EAGER") == "1",
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
    task_acks_late=False,
)


@app.task(name="shop.plain")
def plain(queries: int) -> int:
    """Query and return."""
    witness.query("shop.plain", queries)
    return queries


@app.task(name="shop.failing")
def failing(queries: int) -> None:
    """Query and raise."""
    witness.query("shop.failing", queries)
    raise LookupError("the task's own")


@app.task(name="shop.retried", bind=True, max_retries=2, default_retry_delay=0)
def retried(self, queries: int) -> int:  # type: ignore[no-untyped-def]
    """Query, and do so twice more under the same id."""
    witness.query("shop.retried", queries)
    if self.request.retries < 2:
        raise self.retry(countdown=0)
    return queries


@app.task(name="shop.ignored")
def ignored(queries: int) -> None:
    """Query and leave no result."""
    witness.query("shop.ignored", queries)
    raise Ignore


@app.task(name="shop.rejected", acks_late=True)
def rejected(queries: int) -> None:
    """Query and refuse the message."""
    witness.query("shop.rejected", queries)
    raise Reject("the task's own", requeue=False)


@app.task(name="shop.nested")
def nested(queries: int) -> None:
    """Query, and run another task inside, at once."""
    witness.query("shop.nested", queries)
    plain.apply((queries,))


@app.task(name="shop.endless")
def endless(queries: int) -> None:
    """Query and wait for ever."""
    witness.query("shop.endless", queries)
    threading.Event().wait()
