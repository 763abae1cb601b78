"""Servers and jobs in processes of their own, started as a user starts them."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.services.ports import LOOPBACK, accepts, free_port
from tests.services.process import wait_until

APPS = Path(__file__).parent / "apps"
BIN = Path(sys.executable).parent
READY_S = 20.0


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a child: ours without telemetry settings, with the test applications."""
    kept = {
        name: text for name, text in os.environ.items() if not name.startswith(("OTEL_", "VEREIN_", "COV_", "PYTHON"))
    }
    path = f"{BIN}{os.pathsep}{kept.get('PATH', '')}"
    return kept | {"PATH": path, "PYTHONPATH": str(APPS)} | dict(extra or {})


@dataclass(frozen=True)
class Answer:
    """One answered request."""

    number: int
    status: int
    pid: int
    finished: float


class Server:
    """An HTTP server under test; a context manager that ends it hard if the test did not end it well."""

    def __init__(
        self,
        command: Callable[[int], Sequence[str]],
        directory: Path,
        extra: Mapping[str, str] | None = None,
        before: Callable[[], None] | None = None,
    ) -> None:
        self.port = free_port()
        self._out = directory / "stderr.txt"
        with self._out.open("wb") as out:
            self.process = subprocess.Popen(
                command(self.port),
                cwd=directory,
                env=environment(extra),
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=before,
            )

    def __enter__(self) -> Server:
        if not wait_until(lambda: self.process.poll() is not None or accepts(self.port), READY_S):
            raise AssertionError(f"no answer on its port:\n{self.output}")
        if self.process.poll() is not None:
            raise AssertionError(f"ended with {self.process.returncode}:\n{self.output}")
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    @property
    def output(self) -> str:
        """What server and application wrote so far."""
        return self._out.read_text(errors="replace")

    def get(self, number: int, path: str) -> Answer:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=10)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        pid = int(body) if response.status == 200 else 0
        return Answer(number, response.status, pid, time.monotonic())

    def get_all(self, paths: Iterable[str], threads: int = 4) -> list[Answer]:
        """All of *paths*, several at once."""
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(self.get, *zip(*enumerate(paths), strict=True)))

    def terminate(self) -> int:
        """SIGTERM to the process that was started; its exit status."""
        if "gunicorn" in self.process.args:  # type: ignore[operator]
            await_workers(self.process.pid)
        self.process.terminate()
        return self.process.wait(timeout=15)


def await_workers(pid: int) -> None:
    """Wait until the workers of gunicorn have their own signal handlers.

    One that is told to end before that has its master's, which does nothing in it, and goes on for half a minute.
    """
    wait_until(lambda: all(map(_is_ready, _children(pid))), READY_S)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _is_ready(pid: int) -> bool:
    """The master catches SIGTERM and SIGUSR2; a worker lets go of both, in this order, and then takes SIGTERM again."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True  # it has gone
    caught = int(next(line for line in status.splitlines() if line.startswith("SigCgt:")).split()[1], 16)
    return bool(caught >> (signal.SIGTERM - 1) & 1 and not caught >> (signal.SIGUSR2 - 1) & 1)


def gunicorn(
    *options: str, runner: Sequence[str] = ("otel-verein", "run", "--"), app: str = "flask_app:app"
) -> Callable[[int], list[str]]:
    """The command line of gunicorn with a WSGI application, under *runner*."""
    return lambda port: [
        *runner, "gunicorn", "--bind", f"{LOOPBACK}:{port}", "--log-level", "warning", *options,
        app,
    ]  # fmt: skip


def uvicorn(*options: str, app: str = "fastapi_app:app") -> Callable[[int], list[str]]:
    """The command line of uvicorn with an ASGI application, under ``otel-verein run``."""
    return lambda port: [
        "otel-verein", "run", "--", "uvicorn", "--port", str(port), "--log-level", "warning", *options,
        app,
    ]  # fmt: skip


def job(
    directory: Path,
    *arguments: str,
    runner: Sequence[str] = ("otel-verein", "run", "--"),
    script: str = "script.py",
    extra: Mapping[str, str] | None = None,
    seconds: float = 30,
) -> subprocess.CompletedProcess[str]:
    """Run a script of ``apps`` to its end; fails if it takes longer than *seconds*."""
    command = [*runner, "python", str(APPS / script), *arguments]
    return subprocess.run(
        command,
        cwd=directory,
        env=environment(extra),
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
