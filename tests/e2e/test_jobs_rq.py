"""RQ: every run of a job is one operation with its exact queries, with and without a fork, however the run ends."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests import segments
from tests.e2e.jobs import QUIET, SETTINGS, Worker, booked, faults, outside, roots, runs, witnessed
from tests.e2e.launch import APPS, environment
from tests.e2e.robust import settled
from tests.services.redis import Redis

rq = pytest.importorskip("rq")
WORKERS = {
    "fork": [],
    "simple": ["--worker-class", "rq.SimpleWorker"],
    "spawn": ["--worker-class", "rq.worker.SpawnWorker"],
}
JOBS = 100


def _queue(redis: Redis) -> Any:
    import redis as client

    return rq.Queue("default", connection=client.Redis.from_url(redis.url))


def _worker(redis: Redis, directory: Path, *options: str) -> Worker:
    command = ["rq", "worker", "--quiet", "--url", redis.url, "--burst", *options, "default"]
    return Worker(command, directory, {"BROKER": redis.url})


def _finish(worker: Worker, seconds: float = 90) -> None:
    assert worker.process.wait(timeout=seconds) == 0, worker.output


def test_hundred_burst_jobs_are_hundred_operations(redis: Redis, tmp_path: Path) -> None:
    """Each job runs in a process of its own that leaves without exit handlers, and none is lost."""
    queue = _queue(redis)
    for number in range(JOBS):
        queue.enqueue("rq_jobs.plain", number % 5)
    with _worker(redis, tmp_path) as worker:
        _finish(worker)

    assert {"rq_jobs.plain": (JOBS, sum(number % 5 for number in range(JOBS)))} == witnessed(tmp_path), worker.output
    assert witnessed(tmp_path) == booked(tmp_path), worker.output
    assert JOBS == len(roots(tmp_path))
    assert [] == segments.open_segments(tmp_path / ".verein/otlp")
    assert (0, 0) == (outside(tmp_path), faults(tmp_path)), worker.output
    settled(tmp_path)


@pytest.mark.parametrize("options", WORKERS.values(), ids=WORKERS.keys())
def test_every_run_is_one_operation_in_every_worker(options: list[str], redis: Redis, tmp_path: Path) -> None:
    """A job that returns, raises, runs into its timeout or is tried again: each run counts, and failed ones say so."""
    queue = _queue(redis)
    queue.enqueue("rq_jobs.plain", 2)
    queue.enqueue("rq_jobs.failing", 3)
    queue.enqueue("rq_jobs.endless", 4, job_timeout=1)
    queue.enqueue("rq_jobs.retried", 5, retry=rq.Retry(max=2))
    with _worker(redis, tmp_path, *options) as worker:
        _finish(worker)

    failed = {"rq_jobs.failing": (1, 3), "rq_jobs.endless": (1, 4), "rq_jobs.retried": (2, 10)}
    assert {**failed, "rq_jobs.plain": (1, 2), "rq_jobs.retried": (3, 15)} == witnessed(tmp_path), worker.output
    assert witnessed(tmp_path) == booked(tmp_path), worker.output
    assert failed == booked(tmp_path, "error")
    assert (0, 0) == (outside(tmp_path), faults(tmp_path)), worker.output
    settled(tmp_path)


def test_job_whose_process_is_killed_hurts_no_other(redis: Redis, tmp_path: Path) -> None:
    """A work horse that is killed loses its own run; the worker and the next job go on as without us."""
    queue = _queue(redis)
    stuck = queue.enqueue("rq_jobs.stuck", 3)
    queue.enqueue("rq_jobs.plain", 2)
    with _worker(redis, tmp_path) as worker:
        worker.wait_for(lambda: runs(tmp_path) == 1)
        os.kill(_child(worker.process.pid), signal.SIGKILL)
        _finish(worker)

    assert "failed" == stuck.get_status(refresh=True)
    assert {"rq_jobs.plain": (1, 2)} == booked(tmp_path), worker.output


def _child(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def test_run_is_linked_to_what_asked_for_it_and_meta_is_untouched(redis: Redis, tmp_path: Path) -> None:
    """A run has a trace of its own and a link; the job sees the meta it was given, and so does who asks for it."""
    asked = _publish(redis, tmp_path)
    seen = _queue(redis).enqueue("rq_jobs.with_meta", 1, meta={"theirs": 2})
    with _worker(redis, tmp_path) as worker:
        _finish(worker)

    by_name = {root["name"]: root for root in roots(tmp_path)}
    run, unlinked = by_name["rq_jobs.plain"], by_name["rq_jobs.with_meta"]
    assert [asked] == [link["traceId"] for link in run["links"]]
    assert asked != run["traceId"]
    assert [] == unlinked.get("links", [])
    assert ({"theirs": 2}, {"theirs": 2}) == (seen.return_value(), seen.get_meta()), worker.output


def test_failed_job_has_the_traceback_it_would_have_without_us(redis: Redis, tmp_path: Path) -> None:
    """What RQ keeps of the exception, as text, names no file of ours."""
    job = _queue(redis).enqueue("rq_jobs.failing", 1)
    with _worker(redis, tmp_path) as worker:
        _finish(worker)

    kept = job.latest_result().exc_string
    assert "LookupError: the job's own" in kept
    assert "otel_verein" not in kept


def _publish(redis: Redis, directory: Path) -> str:
    settings = SETTINGS | {"BROKER": redis.url, "WITNESS": str(directory / "witness.txt")}
    done = subprocess.run(
        [*QUIET, "python", str(APPS / "publishing.py"), "rq", "3"],
        cwd=directory, env=environment(settings), capture_output=True, text=True, check=False, timeout=40,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
