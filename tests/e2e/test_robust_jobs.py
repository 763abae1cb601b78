"""SIGTERM to a worker in the middle of its jobs: it ends them, as without us, and each of them is counted."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.e2e.jobs import Worker, booked, witnessed
from tests.e2e.robust import MARGIN_S, SHUTDOWN_S, settled
from tests.services.redis import Redis

JOBS = 6
QUERIES = 2
JOB_S = 1.0
CELERY = ["celery", "-A", "robust_jobs", "worker", "-l", "warning", "--without-gossip", "--without-mingle"]
WORKERS = {
    "Celery, prefork": ("celery", [*CELERY, "--pool=prefork", "-c", "2"], 2),
    "Celery, threads": ("celery", [*CELERY, "--pool=threads", "-c", "2"], 2),
    "RQ, fork": ("rq", ["rq", "worker", "--quiet"], 1),
    "RQ, simple": ("rq", ["rq", "worker", "--quiet", "--worker-class", "rq.SimpleWorker"], 1),
}


@pytest.mark.parametrize(("system", "command", "at_once"), WORKERS.values(), ids=WORKERS.keys())
def test_sigterm_in_a_job_loses_nothing(
    system: str, command: list[str], at_once: int, redis: Redis, tmp_path: Path
) -> None:
    """The jobs under way are ended and counted with all their queries, no other is begun, and the exit is in time."""
    _enqueue(system, redis)
    where = ["--url", redis.url] if system == "rq" else []
    with Worker([*command, *where], tmp_path, {"BROKER": redis.url, "SYSTEM": system}) as worker:
        worker.wait_for(lambda: _runs(tmp_path, "begun") == at_once)
        begun = time.monotonic()
        status = worker.terminate()
        seconds = time.monotonic() - begun

    ended = _runs(tmp_path, "ended")
    assert (0, ended) == (status, _runs(tmp_path, "begun")), worker.output
    assert at_once <= ended < JOBS
    assert seconds < 2 * JOB_S + SHUTDOWN_S + MARGIN_S
    assert {"robust_jobs.slow": (ended, 2 * QUERIES * ended)} == booked(tmp_path), worker.output
    assert ended == settled(tmp_path).started


def _runs(directory: Path, what: str) -> int:
    return witnessed(directory).get(what, (0, 0))[0]


def _enqueue(system: str, redis: Redis) -> None:
    if system == "rq":
        import redis as client
        import rq

        queue = rq.Queue("default", connection=client.Redis.from_url(redis.url))
        for _ in range(JOBS):
            queue.enqueue("robust_jobs.slow", QUERIES)
        return
    import celery

    sender = celery.Celery("sender", broker=redis.url, set_as_current=False)
    for _ in range(JOBS):
        sender.send_task("robust_jobs.slow", (QUERIES,), ignore_result=True)
