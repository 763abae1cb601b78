"""SIGTERM and normal exit lose nothing: what the segments say is what was asked of the application."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests import segments
from tests.e2e.launch import APPS, Server, environment, gunicorn, job, uvicorn
from tests.e2e.robust import settled
from tests.services.process import wait_until

REQUESTS = 60
QUERIES = [number % 7 for number in range(REQUESTS)]
TWO_WORKERS = {
    "two workers": gunicorn("-w", "2"),
    "preload": gunicorn("-w", "2", "--preload"),
    "threads": gunicorn("-w", "2", "--threads", "4"),
    "opentelemetry-instrument": gunicorn("-w", "2", runner=["opentelemetry-instrument"]),
}


@pytest.mark.parametrize("command", TWO_WORKERS.values(), ids=TWO_WORKERS.keys())
def test_gunicorn_counts_every_request_and_query(command: Callable[[int], Sequence[str]], tmp_path: Path) -> None:
    """After SIGTERM the metrics of both workers add up to the requests and queries, exactly."""
    with Server(command, tmp_path) as server:
        answers = server.get_all(f"/run/{queries}" for queries in QUERIES)
        status = server.terminate()

    found = settled(tmp_path)
    assert ({200}, 0) == ({answer.status for answer in answers}, status), server.output
    assert (REQUESTS, sum(QUERIES)) == (found.started, found.queries), server.output
    assert [] == segments.open_segments(tmp_path / ".verein/otlp")


@pytest.mark.parametrize("preload", [[], ["--preload"]], ids=["plain", "preload"])
def test_workers_are_instances_of_their_own(preload: list[str], tmp_path: Path) -> None:
    """Each worker reports what it served itself, under an id of its own."""
    with Server(gunicorn("-w", "2", *preload), tmp_path) as server:
        answers = server.get_all(["/run/1"] * REQUESTS)
        answers += server.get_all(["/run/1"] * REQUESTS)
        server.terminate()

    served: dict[int, int] = {}
    for answer in answers:
        served[answer.pid] = served.get(answer.pid, 0) + 1
    by_instance = segments.sums(tmp_path / ".verein/otlp").by_instance
    assert sorted(served.values()) == sorted(by_instance.values()), server.output
    assert "" not in by_instance


@pytest.mark.parametrize(("page", "workers"), [("run", "1"), ("threaded", "1"), ("run", "2")])
def test_uvicorn_counts_every_request_and_query(page: str, workers: str, tmp_path: Path) -> None:
    """The same for an ASGI application, in the event loop and in threads, in one process or spawned ones."""
    with Server(uvicorn("--workers", workers), tmp_path) as server:
        server.get_all(f"/{page}/{queries}" for queries in QUERIES)
        server.terminate()

    found = settled(tmp_path)
    assert (REQUESTS, sum(QUERIES)) == (found.started, found.queries), server.output


ENDINGS = {"return": 0, "exit": 3, "raise": 1}
RUNNERS = {
    "otel-verein run": ["otel-verein", "run", "--"],
    "opentelemetry-instrument": ["opentelemetry-instrument"],
}


@pytest.mark.parametrize(("ending", "status"), ENDINGS.items(), ids=ENDINGS.keys())
@pytest.mark.parametrize("runner", RUNNERS.values(), ids=RUNNERS.keys())
def test_job_that_ends_by_itself_loses_nothing(runner: list[str], ending: str, status: int, tmp_path: Path) -> None:
    """However a script ends, its status is its own and everything it did is in the segments."""
    done = job(tmp_path, "20", ending, runner=runner)

    found = segments.sums(tmp_path / ".verein/otlp", "job")
    assert (status, "done\n") == (done.returncode, done.stdout), done.stderr
    assert (20, sum(range(20))) == (found.operations, found.queries), done.stderr
    settled(tmp_path)


def test_job_ended_by_sigterm_loses_nothing(tmp_path: Path) -> None:
    """A script without handler that gets SIGTERM dies of it as it would without us, and loses nothing."""
    out = tmp_path / "out.txt"
    with out.open("wb") as sink:
        process = subprocess.Popen(
            ["otel-verein", "run", "--", "python", str(APPS / "script.py"), "20", "wait"],
            cwd=tmp_path,
            env=environment(),
            stdout=sink,
            stderr=sink,
        )
    try:
        assert wait_until(lambda: b"done" in out.read_bytes(), 15), out.read_text()
        process.terminate()
        status = process.wait(timeout=10)
    finally:
        process.kill()

    found = segments.sums(tmp_path / ".verein/otlp", "job")
    assert -signal.SIGTERM == status, out.read_text()
    assert (20, sum(range(20))) == (found.operations, found.queries), out.read_text()
    settled(tmp_path)


@pytest.mark.parametrize("how", ["fork", "spawn", "forkserver", "executor"])
def test_child_processes_that_end_lose_nothing(how: str, tmp_path: Path) -> None:
    """Children of multiprocessing end without the interpreter's exit handlers, and lose nothing."""
    done = job(tmp_path, how, "20", script="pool.py")

    found = segments.sums(tmp_path / ".verein/otlp", "job")
    assert done.returncode == 0, done.stderr
    assert (3 * 20, 3 * sum(range(20))) == (found.operations, found.queries), done.stderr
    settled(tmp_path)


@pytest.mark.parametrize("where", ["inside", "outside"])
def test_flush_in_a_signal_handler_neither_hangs_nor_loses(where: str, tmp_path: Path) -> None:
    """A handler that flushes may interrupt the main thread at any point of ours, as SIGTERM's does."""
    # Else the queries outside of any span are those of the script.
    done = job(tmp_path, where, "1.5", script="interrupted.py", extra={"VEREIN_COMMAND_OPERATION": "0"})

    assert done.returncode == 0, done.stderr
    done_queries, flushes = map(int, done.stdout.split())
    found = segments.sums(tmp_path / ".verein/otlp", "job")
    outside = segments.counter(tmp_path / ".verein/otlp", "verein.db.queries.unattributed")
    assert flushes > 20
    assert done_queries == (found.queries if where == "inside" else outside)


def test_plain_interpreter_is_left_alone(tmp_path: Path) -> None:
    """Without ``otel-verein run`` or ``opentelemetry-instrument`` nothing is hooked or written."""
    done = job(tmp_path, "3", runner=[])

    assert (0, "done\n", "") == (done.returncode, done.stdout, done.stderr)
    assert not (tmp_path / ".verein").exists()
