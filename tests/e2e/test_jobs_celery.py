"""Celery: every run of a task is one operation with its exact queries, in every pool and however the run ends."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.jobs import QUIET, SETTINGS, Worker, booked, faults, outside, roots, runs, witnessed
from tests.e2e.launch import APPS, environment
from tests.e2e.robust import settled
from tests.services.redis import Redis

celery = pytest.importorskip("celery")
TASKS = ("shop.plain", "shop.failing", "shop.retried", "shop.ignored", "shop.rejected", "shop.nested")
ROUNDS = 4
RUNS_PER_ROUND = len(TASKS) + 2 + 1  # a retried task runs three times; a nested one runs another inside
POOLS = {
    "prefork": ["--pool=prefork", "-c", "2"],
    "prefork, children replaced": ["--pool=prefork", "-c", "2", "--max-tasks-per-child", "3"],
    "threads": ["--pool=threads", "-c", "4"],
    "solo": ["--pool=solo"],
    "gevent": ["--pool=gevent", "-c", "4"],
}


def _worker(redis: Redis, directory: Path, *options: str) -> Worker:
    command = [
        "celery",
        "-A",
        "celery_app",
        "worker",
        "-l",
        "warning",
        "--without-gossip",
        "--without-mingle",
        *options,
    ]
    return Worker(command, directory, {"BROKER": redis.url})


def _sender(redis: Redis) -> Any:
    return celery.Celery("sender", broker=redis.url, backend=redis.url, set_as_current=False)


def _expected(directory: Path) -> dict[str, tuple[int, int]]:
    """The witness's figures, with what ran inside of ``shop.nested`` counted there."""
    seen = witnessed(directory)
    times, queries = seen["shop.nested"]
    plain_times, plain_queries = seen["shop.plain"]
    return seen | {
        "shop.nested": (times, 2 * queries),
        "shop.plain": (plain_times - times, plain_queries - queries),
    }


@pytest.mark.parametrize("options", POOLS.values(), ids=POOLS.keys())
def test_every_run_is_one_operation_in_every_pool(options: list[str], redis: Redis, tmp_path: Path) -> None:
    """Operations and queries by task are what sqlite saw; failed ones say so; nothing is outside, and nothing hangs."""
    with _worker(redis, tmp_path, *options) as worker:
        sender = _sender(redis)
        for number in range(ROUNDS):
            for task in TASKS:
                sender.send_task(task, (number + 1,))
        worker.wait_for(lambda: runs(tmp_path) == ROUNDS * RUNS_PER_ROUND)
        status = worker.terminate()

    assert status == 0, worker.output
    assert _expected(tmp_path) == booked(tmp_path), worker.output
    assert {"shop.failing": witnessed(tmp_path)["shop.failing"]} == booked(tmp_path, "error")
    assert (0, 0) == (outside(tmp_path), faults(tmp_path)), worker.output
    settled(tmp_path)


def test_terminated_task_is_an_operation_that_failed(redis: Redis, tmp_path: Path) -> None:
    """``revoke(terminate=True)`` ends the run and its process; both the run and the next one are counted."""
    with _worker(redis, tmp_path, "--pool=prefork", "-c", "1") as worker:
        sender = _sender(redis)
        endless = sender.send_task("shop.endless", (5,))
        worker.wait_for(lambda: runs(tmp_path) == 1)
        sender.control.revoke(endless.id, terminate=True)
        sender.send_task("shop.plain", (2,))
        worker.wait_for(lambda: runs(tmp_path) == 2)
        worker.terminate()

    assert {"shop.endless": (1, 5), "shop.plain": (1, 2)} == booked(tmp_path), worker.output
    assert {"shop.endless": (1, 5)} == booked(tmp_path, "error")


IN_MEMORY = {"EAGER": "1", "BROKER": "memory://", "BACKEND": "cache+memory://"}
EAGER = {
    "alone": {"shop.plain": (1, 2), "shop.retried": (3, 9), "shop.nested": (1, 8)},
    "span": {"outer": (1, 19)},
}
"""Without an operation each eager run, each try too, is one with all that runs in it; in one all belong to that."""


@pytest.mark.parametrize(("how", "expected"), EAGER.items(), ids=EAGER.keys())
def test_eager_runs_belong_to_the_operation_around_them(
    how: str, expected: dict[str, tuple[int, int]], tmp_path: Path
) -> None:
    """An eager task, also one that retries itself under its own id, runs inside what called it, and all of it ends."""
    done = _script(tmp_path, "celery_eager.py", how, **IN_MEMORY, VEREIN_COMMAND_OPERATION="0")

    assert done.returncode == 0, done.stderr
    assert expected == booked(tmp_path), done.stderr
    assert (19, 0) == (sum(queries for _, queries in witnessed(tmp_path).values()), faults(tmp_path))


def test_eager_runs_of_a_script_belong_to_the_script(tmp_path: Path) -> None:
    """A command that runs its tasks eagerly is one operation, and does not turn into a server by that."""
    done = _script(tmp_path, "celery_eager.py", "alone", **IN_MEMORY)

    assert {"celery_eager.py": (1, 19)} == booked(tmp_path), done.stderr


def test_run_is_linked_to_what_asked_for_it(redis: Redis, tmp_path: Path) -> None:
    """A run has a trace of its own, with a link to the trace of the code that sent the task."""
    asked = _script(tmp_path, "publishing.py", "celery", "3", BROKER=redis.url).stdout.strip()
    with _worker(redis, tmp_path, "--pool=solo") as worker:
        worker.wait_for(lambda: runs(tmp_path) == 1)
        worker.terminate()

    (run,) = [root for root in roots(tmp_path) if root["name"] == "shop.plain"]
    assert [asked] == [link["traceId"] for link in run["links"]]
    assert asked != run["traceId"]
    assert ("celery", "celery", "SUCCESS", 0) == tuple(
        run["attributes"].get(key)
        for key in ("messaging.system", "messaging.destination.name", "celery.state", "celery.retries")
    )


def _script(directory: Path, script: str, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    settings = SETTINGS | {"WITNESS": str(directory / "witness.txt")} | extra
    return subprocess.run(
        [*QUIET, "python", str(APPS / script), *arguments],
        cwd=directory, env=environment(settings), capture_output=True, text=True, check=False, timeout=40,
    )  # fmt: skip
