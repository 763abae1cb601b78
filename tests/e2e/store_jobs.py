"""Jobs on a store, each in a process that can be killed: forked off one that has imported everything."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e import store_steps

_CHECKOUT = Path(__file__).resolve().parents[2]
_PATIENCE_S = 120.0


@dataclass(frozen=True)
class Order:
    """What one process does: *job* on the store *root*, at the time *now_s*, and what shall befall it.

    ``options`` are variables as in the environment.
    ``kill_after_s`` and ``kill_at`` (the number of a step) end it as a crash does. ``steps`` is a file for the steps.
    ``uid`` is the user that it runs as, ``file_bytes`` the largest file that it may write.
    """

    job: str
    root: str
    sources: list[str]
    now_s: float
    options: dict[str, str] = field(default_factory=dict)
    kill_after_s: float | None = None
    kill_at: int | None = None
    steps: str | None = None
    uid: int | None = None
    file_bytes: int | None = None
    wait_s: float = 20.0


@dataclass(frozen=True)
class Outcome:
    """How the process ended: ``said`` is what the job returned, ``error`` the VereinError that it raised.

    ``fault`` is the trace of any other exception, which none of our jobs may raise.
    """

    status: int
    seconds: float
    said: Any = None
    error: str | None = None
    fault: str | None = None

    @property
    def killed(self) -> bool:
        return self.status == -signal.SIGKILL

    def sound(self) -> Any:
        """What the job returned; fails where it did not come so far."""
        assert (0, None, None) == (self.status, self.error, self.fault), self.fault or self.error or self.status
        return self.said


class Jobs:
    """One process at a time, in the order of the calls; several of these run side by side."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-B", "-m", "tests.e2e.store_jobs"],
            cwd=_CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._unread = b""

    def run(self, order: Order) -> Outcome:
        """Start the process and wait for its end."""
        self.start(order)
        return self.wait()

    def start(self, order: Order) -> int:
        """Start the process; its id."""
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(asdict(order)).encode() + b"\n")
        self._server.stdin.flush()
        return int(self._answer()["pid"])

    def has_ended(self, seconds: float) -> bool:
        """Whether the process that was started last ends within so many seconds."""
        return b"\n" in self._unread or self._receive(seconds)

    def wait(self) -> Outcome:
        """How the process that was started last ended."""
        return Outcome(**self._answer())

    def _answer(self) -> dict[str, Any]:
        while b"\n" not in self._unread:
            assert self._receive(_PATIENCE_S), "the process that starts the jobs does not answer"
        line, _, self._unread = self._unread.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _receive(self, seconds: float) -> bool:
        """Take what the server said, if it says something within so many seconds."""
        assert self._server.stdout is not None
        pipe = self._server.stdout.fileno()
        if not select.select([pipe], [], [], seconds)[0]:
            return False
        said = os.read(pipe, 65536)
        assert said, "the process that starts the jobs is gone"
        self._unread += said
        return True

    def close(self) -> None:
        """End what still runs."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._server.pid, signal.SIGKILL)
        self._server.communicate()


@contextmanager
def jobs() -> Iterator[Jobs]:
    """A starter of jobs, gone afterwards with all that it started."""
    starter = Jobs()
    try:
        yield starter
    finally:
        starter.close()


def _serve() -> None:
    """Fork for every order on standard input; the pid, and then the outcome, go to standard output."""
    from tests.e2e import store_calls  # everything is imported before the first fork

    for line in sys.stdin:
        order = Order(**json.loads(line))
        read, write = os.pipe()
        started = time.monotonic()
        pid = os.fork()
        if not pid:
            os.close(read)
            _child(order, write, store_calls)
        os.close(write)
        print(json.dumps({"pid": pid}), flush=True)
        if order.kill_after_s is not None:
            _kill(pid, order.kill_after_s)
        with os.fdopen(read) as pipe:
            text = pipe.read()
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        whole = json.loads(text) if text.endswith("\n") else {}
        print(json.dumps({"status": status, "seconds": time.monotonic() - started, **whole}), flush=True)


def _kill(pid: int, after_s: float) -> None:
    handle = os.pidfd_open(pid)
    try:
        if not select.select([handle], [], [], after_s)[0]:
            os.kill(pid, signal.SIGKILL)
    finally:
        os.close(handle)


def _child(order: Order, write: int, calls: Any) -> None:
    from otel_verein.errors import VereinError

    said: dict[str, Any] = {}
    try:
        _befall(order)
        said["said"] = calls.CALLS[order.job](order)
    except VereinError as error:
        said["error"] = str(error)
    except BaseException:
        said["fault"] = traceback.format_exc()
    os.write(write, json.dumps(said, default=str).encode() + b"\n")
    os._exit(0)


def _befall(order: Order) -> None:
    """Arm this process with what shall befall it."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # standard output is the way of the answers
    if order.file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order.file_bytes, order.file_bytes))
    if order.uid is not None:
        os.setgroups([])
        os.setgid(order.uid)
        os.setuid(order.uid)
    places = [Path(order.root).parent]
    if order.kill_at is not None:
        store_steps.kill_before(order.kill_at, places)
    if order.steps is not None:
        store_steps.write_down(Path(order.steps), places)


if __name__ == "__main__":
    _serve()
