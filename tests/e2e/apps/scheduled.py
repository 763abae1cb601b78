"""Jobs of APScheduler 3: ``scheduled.py EXECUTOR`` runs some in that executor until each ran as often as it should.

EXECUTOR is ``threads``, ``processes``, ``asyncio`` or ``inside`` (threads, started inside of a span that goes on).
"""

from __future__ import annotations

import asyncio
import datetime
import logging
import sys
import threading
from typing import Any

import witness
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_MISSED
from apscheduler.executors.pool import ProcessPoolExecutor, ThreadPoolExecutor
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.schedulers.background import BackgroundScheduler
from opentelemetry import trace

TIMES = 3
logging.getLogger("apscheduler").setLevel(logging.CRITICAL)


def plain(queries: int) -> None:
    """Query."""
    witness.query("plain", queries)


def failing(queries: int) -> None:
    """Query and raise."""
    witness.query("nightly import", queries)
    raise LookupError("the job's own")


async def awaited(queries: int) -> None:
    """Query between awaits."""
    await asyncio.sleep(0)
    witness.query("awaited", queries)


def add_jobs(scheduler: Any) -> None:
    """Two jobs that run a few times each, one that has a name and fails, one whose time has long gone."""
    now = datetime.datetime.now(datetime.timezone.utc)
    until = now + datetime.timedelta(seconds=0.2 * TIMES + 0.05)
    every = {"trigger": "interval", "seconds": 0.2, "end_date": until, "misfire_grace_time": 30, "max_instances": 9}
    scheduler.add_job(plain, args=(2,), id="random id", **every)
    scheduler.add_job(failing, args=(3,), name="nightly import", **every)
    missed = now - datetime.timedelta(hours=1)
    scheduler.add_job(plain, "date", run_date=missed, args=(50,), name="too late", misfire_grace_time=1)


class Done:
    """Set once all runs and the missed one were told of."""

    def __init__(self, scheduler: Any, runs: int) -> None:
        self._left = runs
        self._event = threading.Event()
        self.tracebacks: list[str] = []
        scheduler.add_listener(self._heard, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR | EVENT_JOB_MISSED)

    def _heard(self, event: Any) -> None:
        self._left -= 1
        self.tracebacks += [event.traceback] if event.code == EVENT_JOB_ERROR else []
        if self._left <= 0:
            self._event.set()

    def wait(self) -> None:
        """Wait, with a deadline."""
        assert self._event.wait(25), self._left


def background(executor: Any) -> Done:
    """Run the jobs on a thread of their own."""
    scheduler = BackgroundScheduler(executors={"default": executor}, timezone="UTC")
    done = Done(scheduler, 2 * TIMES + 1)
    add_jobs(scheduler)
    scheduler.start()
    done.wait()
    scheduler.shutdown()
    return done


async def in_loop() -> Done:
    """Run the jobs in the event loop, and a coroutine besides."""
    scheduler = AsyncIOScheduler(timezone="UTC")
    done = Done(scheduler, 2 * TIMES + 2)
    add_jobs(scheduler)
    scheduler.add_job(awaited, args=(4,))
    scheduler.start()
    await asyncio.wait_for(asyncio.to_thread(done.wait), 30)
    scheduler.shutdown()
    return done


def main(executor: str) -> Done:
    """Run the jobs as told."""
    if executor == "asyncio":
        return asyncio.run(in_loop())
    if executor == "processes":
        return background(ProcessPoolExecutor(2))
    if executor == "threads":
        return background(ThreadPoolExecutor(4))
    with trace.get_tracer("job").start_as_current_span("around"):
        witness.query("around", 1)
        return background(ThreadPoolExecutor(4))


if __name__ == "__main__":
    told = main(sys.argv[1])
    print("ours" if any("otel_verein" in text for text in told.tracebacks) else "theirs", len(told.tracebacks))
