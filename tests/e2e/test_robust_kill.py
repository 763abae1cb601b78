"""kill -9: at most what came after the last export is lost, and what is there still adds up."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.jobs import Worker, runs
from tests.e2e.launch import APPS, Answer, Server, gunicorn, uvicorn
from tests.e2e.robust import killed
from tests.services.process import wait_until
from tests.services.redis import Redis

TRAFFIC_S = 2.0
LOSS_S = 1.0
"""The interval of export, 0.5 s, and as much again for the export itself on a loaded machine."""

FLASK = "robust_site:app"
SERVERS = [
    pytest.param(gunicorn("-w", "2", app=FLASK), id="gunicorn sync"),
    pytest.param(gunicorn("-w", "2", "--threads", "4", app=FLASK), id="gunicorn threads", marks=pytest.mark.soak),
    pytest.param(gunicorn("-w", "2", "--preload", app=FLASK), id="gunicorn preload", marks=pytest.mark.soak),
    pytest.param(gunicorn("-k", "gevent", "-w", "2", app=FLASK), id="gunicorn gevent", marks=pytest.mark.soak),
    pytest.param(uvicorn(app="robust_asgi:app"), id="uvicorn", marks=pytest.mark.soak),
    pytest.param(uvicorn("--workers", "2", app="robust_asgi:app"), id="uvicorn, two workers", marks=pytest.mark.soak),
]
KEEP_ALL = {"VEREIN_SAMPLING_RATIO": "1.0"}


class _Client:
    """Asks on and on, one request after the other; knows what was answered, when, and by whom."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._stopped = threading.Event()
        self.answers: list[Answer] = []
        self.unanswered = 0

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Requests go on inside."""
        thread = threading.Thread(target=self._ask)
        thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            thread.join()

    def _ask(self) -> None:
        while not self._stopped.is_set():
            try:
                self.answers.append(self._server.get(len(self.answers), "/run/2"))
            except (OSError, http.client.HTTPException):
                self.unanswered += 1
                self._stopped.wait(0.05)


@pytest.mark.parametrize("command", SERVERS)
def test_server_killed_with_all_its_workers_loses_at_most_its_last_second(
    command: Callable[[int], Sequence[str]], tmp_path: Path
) -> None:
    """What was answered more than a second before is counted; nothing is counted that was not asked."""
    with Server(command, tmp_path, KEEP_ALL) as server:
        client = _Client(server)
        with client.asking():
            assert not server_ended(server, TRAFFIC_S)
            at = time.monotonic()
            os.killpg(server.process.pid, signal.SIGKILL)
            server.process.wait()

    due = sum(answer.finished < at - LOSS_S for answer in client.answers)
    _assert_within(tmp_path, due, len(client.answers) + 1)


def test_killed_worker_of_uvicorn_takes_nothing_of_the_others_along(tmp_path: Path) -> None:
    """The supervisor starts another one, and only the last second of the killed one can be missing."""
    with Server(uvicorn("--workers", "2", app="robust_asgi:app"), tmp_path, KEEP_ALL) as server:
        client = _Client(server)
        with client.asking():
            assert not server_ended(server, TRAFFIC_S)
            victim, at = client.answers[-1].pid, time.monotonic()
            os.kill(victim, signal.SIGKILL)
            answered = len(client.answers)
            assert wait_until(lambda: len(client.answers) > answered + 20, 10), server.output
        server.terminate()

    lost = sum(answer.pid == victim and answer.finished >= at - LOSS_S for answer in client.answers)
    _assert_within(tmp_path, len(client.answers) - lost, len(client.answers) + client.unanswered, window=lost + 1)


def server_ended(server: Server, seconds: float) -> bool:
    """Whether the server ended within *seconds*."""
    return wait_until(lambda: server.process.poll() is not None, seconds)


JOBS = 3000
CELERY = ["celery", "-A", "celery_app", "worker", "-l", "warning", "--without-gossip", "--without-mingle"]
WORKERS = {
    "Celery, prefork": ("celery", [*CELERY, "--pool=prefork", "-c", "2"], 2),
    "Celery, threads": ("celery", [*CELERY, "--pool=threads", "-c", "4"], 4),
    "RQ, fork": ("rq", ["rq", "worker", "--quiet"], 1),
    "RQ, simple": ("rq", ["rq", "worker", "--quiet", "--worker-class", "rq.SimpleWorker"], 1),
}


@pytest.mark.parametrize(("system", "command", "at_once"), WORKERS.values(), ids=WORKERS.keys())
def test_worker_killed_with_all_its_processes_loses_at_most_its_last_second(
    system: str, command: list[str], at_once: int, redis: Redis, tmp_path: Path
) -> None:
    """Jobs that ran more than a second before are counted; none is counted that did not run."""
    _enqueue(system, redis, JOBS)
    where = ["--url", redis.url] if system == "rq" else []
    with Worker([*command, *where], tmp_path, {"BROKER": redis.url} | KEEP_ALL) as worker:
        worker.wait_for(lambda: runs(tmp_path) > 0)
        due, ran = _ran_when_killed(tmp_path, worker.process.pid)
        worker.process.wait()

    assert ran < JOBS, "the worker was done before it was killed"
    _assert_within(tmp_path, due - at_once, ran + at_once)


def _enqueue(system: str, redis: Redis, jobs: int) -> None:
    if system == "rq":
        import redis as client
        import rq

        queue = rq.Queue("default", connection=client.Redis.from_url(redis.url))
        queue.enqueue_many([rq.Queue.prepare_data("rq_jobs.plain", (2,)) for _ in range(jobs)])
        return
    import celery

    sender = celery.Celery("sender", broker=redis.url, backend=redis.url, set_as_current=False)
    with sender.connection_for_write() as connection, sender.amqp.Producer(connection) as producer:
        for _ in range(jobs):
            sender.send_task("shop.plain", (2,), producer=producer, ignore_result=True)


def test_killed_script_loses_at_most_its_last_second(tmp_path: Path) -> None:
    """What a script had done a second before it is killed is counted."""
    with Worker(["python", str(APPS / "robust_script.py"), "steady"], tmp_path, KEEP_ALL) as worker:
        worker.wait_for(lambda: runs(tmp_path) > 0)
        due, ran = _ran_when_killed(tmp_path, worker.process.pid)
        worker.process.wait()

    _assert_within(tmp_path, due - 1, ran)


def _ran_when_killed(directory: Path, group: int) -> tuple[int, int]:
    """Kill *group* after a while; what had run a second before that, and what had run in all."""
    seen: list[tuple[float, int]] = []
    end = time.monotonic() + TRAFFIC_S
    while time.monotonic() < end:
        seen.append((time.monotonic(), runs(directory)))
        time.sleep(0.05)
    at = time.monotonic()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
    return max(number for moment, number in seen if moment < at - LOSS_S), runs(directory)


def _assert_within(directory: Path, least: int, most: int, window: int | None = None) -> None:
    """The metrics tell of *least* operations to *most*, and spans are at most as far from them as that allows."""
    assert least > 5, "too little happened early enough to tell"
    found = killed(directory, most - least if window is None else window)
    assert least <= found.started <= most, f"{found.started} is not within {least}..{most}"
