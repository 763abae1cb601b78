"""One cell of the matrix: a framework with a driver, asked and ended; what we counted and what the witness saw."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tests import segments
from tests.e2e.launch import environment
from tests.integration.harness import witnessed
from tests.services.ports import LOOPBACK, accepts, free_port
from tests.services.process import wait_until

APPS = Path(__file__).parent / "apps"
READY_S, DONE_S = 30.0, 300.0
RUN = ("otel-verein", "run", "--quiet", "--")
SETTINGS = {
    "VEREIN_SAMPLING_RATIO": "1",  # every operation is exported, so every one can be compared
    "VEREIN_EXPORT_QUEUE_OPERATIONS": "100000",
    "VEREIN_LIMITS_RECORDS_PER_OPERATION": "10",  # folding is part of what is tested
    "VEREIN_EXPORT_SHUTDOWN_S": "30",
}


@dataclass(frozen=True)
class Targets:
    """Where the databases and the broker are; only what a cell needs is set."""

    postgres: str | None = None
    mysql: dict[str, object] | None = None
    redis: str | None = None


@dataclass(frozen=True)
class Outcome:
    """Query counts by request, as we exported them and as the database saw them: one each, if all is well."""

    counted: dict[int, list[int]]
    expected: dict[int, list[int]]
    output: str


@dataclass(frozen=True)
class Cell:
    """One framework with one driver."""

    framework: str
    driver: str

    def __str__(self) -> str:
        return f"{self.framework}-{self.driver}"

    def run(
        self, directory: Path, requests: int, targets: Targets, statements: Callable[[], list[str]] | None
    ) -> Outcome:
        """Have *requests* requests or jobs done; *statements* reads the server's log, None for SQLite's own."""
        run = "m" + uuid4().hex[:10]
        witness = directory / "witness"
        witness.mkdir()
        target = {
            "sqlite": str(directory / "matrix.sqlite3"),
            "witness": str(witness),
            "postgres": targets.postgres,
            "mysql": targets.mysql,
        }
        extra = SETTINGS | {
            "MATRIX_RUN": run,
            "MATRIX_DRIVER": self.driver,
            "MATRIX_TARGET": json.dumps(target),
            "MATRIX_REDIS": targets.redis or "",
        }
        environ = environment(extra)
        environ["PYTHONPATH"] = str(APPS)
        out = directory / "output.txt"
        FRAMEWORKS[self.framework](Place(directory, environ, out, requests))
        seen = witnessed(statements() if statements else _trace(witness), run)
        return Outcome(
            counted=_counted(directory / ".verein/otlp"),
            expected={number: [len(seen[number])] for number in range(requests)},
            output=out.read_text(errors="replace"),
        )


@dataclass(frozen=True)
class Place:
    """Where a framework is started, with which environment, and for how many requests."""

    directory: Path
    environ: dict[str, str]
    out: Path
    requests: int

    def start(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """*command* under ``otel-verein run``, in a process group of its own."""
        with self.out.open("ab") as out:
            return subprocess.Popen(
                [*RUN, *command],
                cwd=self.directory, env=self.environ, stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip

    @contextmanager
    def running(self, command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
        """*command*, ended by SIGTERM, or hard if it does not end."""
        process = self.start(command)
        try:
            yield process
            process.terminate()
            process.wait(timeout=60)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def finish(self, command: Sequence[str]) -> None:
        """Run *command* to its end."""
        process = self.start(command)
        try:
            status = process.wait(timeout=DONE_S)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        assert status == 0, self.out.read_text(errors="replace")


def _trace(directory: Path) -> list[str]:
    return [line for path in directory.glob("*.log") for line in path.read_text().splitlines()]


def _counted(directory: Path) -> dict[int, list[int]]:
    """By request, the query counts of the operations of its trace: one each, if all is well.

    The number stands on the span that was current in the application, which need not be the root.
    """
    numbers: dict[str, int] = {}
    counts: list[tuple[str, int]] = []
    for _, span in segments.spans(directory):
        attributes = segments.attributes(span)
        if "test.operation" in attributes:
            numbers[span["traceId"]] = attributes["test.operation"]
        if "verein.db.query_count" in attributes:
            counts.append((span["traceId"], attributes["verein.db.query_count"]))
    found: dict[int, list[int]] = {}
    for trace, count in counts:
        if trace in numbers:
            found.setdefault(numbers[trace], []).append(count)
    return found


def _http(command: Sequence[str], page: str = "do") -> Callable[[Place], None]:
    def serve(place: Place) -> None:
        port = free_port()
        with place.running([part.format(port=port, host=LOOPBACK) for part in command]) as process:
            assert wait_until(lambda: accepts(port) or process.poll() is not None, READY_S)
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda first: _ask(port, page, range(first, place.requests, 8)), range(8)))

    return serve


def _ask(port: int, page: str, numbers: Sequence[int]) -> None:
    """Requests one after the other on one connection that is kept alive, as far as the server keeps it."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=60)
    for number in numbers:
        for attempt in range(3):
            try:
                connection.request("GET", f"/{page}/{number}")
                answer = connection.getresponse()
                break
            except (ConnectionError, http.client.HTTPException):
                connection.close()  # the server closed the idle connection before it took this request
                if attempt == 2:
                    raise
        body = answer.read()
        assert answer.status == 200, (number, answer.status, body[:2000])
    connection.close()


def _script(how: str) -> Callable[[Place], None]:
    return lambda place: place.finish(["python", str(APPS / "matrix_script.py"), how, str(place.requests)])


def _celery(*options: str) -> Callable[[Place], None]:
    def work(place: Place) -> None:
        command = ["celery", "-A", "matrix_celery", "worker", "--loglevel", "warning", "--without-gossip", *options]
        with place.running(command):
            publish = "from matrix_celery import job\nfor n in range({}): done.append(job.delay(n))\n"
            _publish(place, publish, "r.get(timeout=120)")

    return work


def _rq(*options: str) -> Callable[[Place], None]:
    def work(place: Place) -> None:
        publish = (
            "from redis import Redis; from rq import Queue; from matrix_rq import job; import os\n"
            "queue = Queue('matrix', connection=Redis.from_url(os.environ['MATRIX_REDIS']))\n"
            "for n in range({}): queue.enqueue(job, n)\n"
        )
        _publish(place, publish)
        place.finish(["rq", "worker", "--url", place.environ["MATRIX_REDIS"], "--burst", *options, "matrix"])

    return work


def _publish(place: Place, program: str, wait: str = "") -> None:
    """Run *program*, uninstrumented, and wait for what it put into ``done``."""
    program = "done = []\n" + program.format(place.requests) + (f"for r in done: {wait}\n" if wait else "")
    subprocess.run(
        ["python", "-c", program],
        cwd=place.directory, env=place.environ, check=True, timeout=DONE_S,
    )  # fmt: skip


_GUNICORN = ("gunicorn", "--bind", "{host}:{port}", "--log-level", "warning", "--keep-alive", "30")
_UVICORN = ("uvicorn", "--host", "{host}", "--port", "{port}", "--log-level", "warning")

FRAMEWORKS: dict[str, Callable[[Place], None]] = {
    "django-gunicorn-sync": _http([*_GUNICORN, "-w", "2", "matrix_django:wsgi"]),
    "django-gunicorn-threads": _http([*_GUNICORN, "-w", "2", "--threads", "4", "matrix_django:wsgi"]),
    "django-asgi-threads": _http([*_UVICORN, "matrix_django:asgi"]),
    "django-asgi-tasks": _http([*_UVICORN, "matrix_django:asgi"], "async"),
    "flask-gunicorn-threads": _http([*_GUNICORN, "-w", "2", "--threads", "4", "--preload", "matrix_flask:app"]),
    "fastapi-threads": _http([*_UVICORN, "matrix_fastapi:app"]),
    "fastapi-tasks": _http([*_UVICORN, "matrix_fastapi:app"], "async"),
    "fastapi-tasks-workers": _http([*_UVICORN, "--workers", "2", "matrix_fastapi:app"], "async"),
    "celery-prefork": _celery("--pool", "prefork", "--concurrency", "2", "--max-tasks-per-child", "50"),
    "celery-threads": _celery("--pool", "threads", "--concurrency", "8"),
    "rq-fork": _rq(),
    "rq-simple": _rq("--worker-class", "rq.SimpleWorker"),
    "script-threads": _script("threads"),
    "script-fork": _script("fork"),
    "script-spawn": _script("spawn"),
}
"""How each framework has its requests or jobs done, all of them before it returns."""

SYNC_DRIVERS = ("sqlite3", "psycopg", "psycopg2", "pymysql", "mysqlclient", "mysql-connector")
ASYNC_DRIVERS = ("asyncpg", "psycopg-async", "aiomysql", "aiosqlite")

CELLS = [
    Cell(framework, driver)
    for framework in FRAMEWORKS
    for driver in (ASYNC_DRIVERS if "tasks" in framework else SYNC_DRIVERS)
]
"""All of them: 12 frameworks with 6 drivers, 3 with 4."""
