"""A server process that is started, awaited and stopped; also the poll with a deadline that tests use."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

READY_S = 30.0
STOP_S = 10.0


class ServiceAbsent(Exception):
    """The server's programs are not installed; the message says what would install them."""


class ServiceFailed(Exception):
    """The server is installed and did not start; the message ends with the tail of its log."""


def wait_until(condition: Callable[[], object], seconds: float, every: float = 0.02) -> bool:
    """Whether *condition* became true within *seconds*."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def account(name: str) -> str | None:
    """The user to run a server as: *name* when we are root (servers refuse root), else None for ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(name)
    except KeyError:
        raise ServiceAbsent(f"user {name} is missing; run scripts/install-services") from None
    return name


class ServerProcess:
    """One server in a directory, both gone after :meth:`stop`; a *directory* that is given stays.

    After :meth:`kill` or :meth:`end` the directory is still there, and :meth:`start` starts the server in it again.
    """

    def __init__(self, name: str, user: str | None, directory: Path | None = None) -> None:
        self.name = name
        self.user = user
        self._given = directory is not None
        self.directory = directory or Path(tempfile.mkdtemp(prefix=f"verein-{name}-"))
        if user:
            shutil.chown(self.directory, user, pwd.getpwnam(user).pw_gid)
        self.log = self.directory / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, command: Sequence[str]) -> None:
        """Run a set-up program as the server's user; raises :class:`ServiceFailed` with what it said."""
        try:
            done = subprocess.run(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
                timeout=120,
                **self._as_user(),
            )
        except BaseException:  # an interrupt, too, must not leave the directory behind
            self._remove()
            raise
        if done.returncode:
            self._remove()
            said = done.stdout.decode(errors="replace")[-2000:]
            raise ServiceFailed(f"{command[0]} ended with {done.returncode}:\n{said}")

    def start(
        self, command: Sequence[str], ready: Callable[[], bool], environment: Mapping[str, str] | None = None
    ) -> None:
        """Start the server and return once *ready*; raises :class:`ServiceFailed` if it never is.

        Without an *environment* it has ours.
        """
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=environment,
                **self._as_user(),
            )
        process = self._process
        try:
            wait_until(lambda: process.poll() is not None or ready(), READY_S)
        except BaseException:  # an interrupt while waiting must not leave the server behind
            self.stop()
            raise
        if process.poll() is not None or not ready():
            tail = self.tail()
            self.stop()
            raise ServiceFailed(f"{self.name} was not ready within {READY_S:.0f} s; its log ends:\n{tail}")

    def tail(self, characters: int = 3000) -> str:
        """The end of the server's log."""
        return self.log.read_text(errors="replace")[-characters:] if self.log.exists() else "(no log)"

    def said(self, words: str) -> bool:
        """Whether *words* are in the server's log; the end alone may be full of what came right after them."""
        return self.log.exists() and words in self.log.read_text(errors="replace")

    @property
    def pid(self) -> int:
        """The server's process; raises :class:`ServiceFailed` with its log where it does not run."""
        if self._process is None or self._process.poll() is not None:
            raise ServiceFailed(f"{self.name} does not run; its log ends:\n{self.tail()}")
        return self._process.pid

    def kill(self) -> None:
        """End the server as a crash does, with all it started, and keep its directory."""
        os.killpg(self.pid, signal.SIGKILL)
        assert self._process is not None
        self._process.wait(STOP_S)

    def end(self, how: signal.Signals = signal.SIGTERM, seconds: float = STOP_S) -> int | None:
        """Ask the server to end and keep its directory; its exit code, None where it did not run.

        One that still runs after *seconds* is killed, which its exit code tells.
        """
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return None
        process.send_signal(how)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return process.wait(STOP_S)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the server and remove its directory; safe to call twice."""
        self.end(how)
        self._remove()

    def _remove(self) -> None:
        if not self._given:
            shutil.rmtree(self.directory, ignore_errors=True)

    def _as_user(self) -> dict[str, Any]:
        settings: dict[str, Any] = {"cwd": self.directory}
        if self.user:
            settings |= {"user": self.user, "group": pwd.getpwnam(self.user).pw_gid, "extra_groups": []}
        return settings
