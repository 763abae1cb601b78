"""Jobs of RQ that query and then end in every way a job can."""

from __future__ import annotations

import threading
import time

import witness
from rq import get_current_job


def plain(queries: int) -> int:
    """Query and return."""
    witness.query("rq_jobs.plain", queries)
    return queries


def failing(queries: int) -> None:
    """Query and raise."""
    witness.query("rq_jobs.failing", queries)
    raise LookupError("the job's own")


def endless(queries: int) -> None:
    """Query and go on for ever; the worker's timeout ends it."""
    witness.query("rq_jobs.endless", queries)
    while True:
        time.sleep(0.05)


def retried(queries: int) -> int:
    """Query, and fail unless it is the last try."""
    witness.query("rq_jobs.retried", queries)
    job = get_current_job()
    if job is not None and job.retries_left:
        raise LookupError("once more")
    return queries


def with_meta(queries: int) -> dict[str, object]:
    """Query, and return the job's meta as the job sees it."""
    witness.query("rq_jobs.with_meta", queries)
    job = get_current_job()
    assert job is not None
    return dict(job.meta)


def stuck(queries: int) -> None:
    """Query and wait in a way that no timeout interrupts; only the end of its process ends it."""
    witness.query("rq_jobs.stuck", queries)
    threading.Event().wait()
