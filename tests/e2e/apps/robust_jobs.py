"""A job that takes a second, for Celery and for RQ; the witness knows of it when it has begun and when it has ended."""

from __future__ import annotations

import os
import time

import witness

SECONDS = 1.0


def slow(queries: int) -> int:
    """Query, wait, query once more."""
    witness.query("begun", queries)
    time.sleep(SECONDS)
    witness.query("ended", queries)
    return queries


if os.environ.get("SYSTEM") == "celery":
    from celery import Celery

    app = Celery("robust_jobs", broker=os.environ["BROKER"])
    app.conf.update(broker_connection_retry_on_startup=True, worker_hijack_root_logger=False)
    app.task(name="robust_jobs.slow")(slow)
