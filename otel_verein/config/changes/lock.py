"""The lock that one writer of a configuration holds at a time."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from otel_verein.clock import Clock
from otel_verein.config.changes.atomic import make_directory, told
from otel_verein.errors import ConfigError, Problem

NAME = "lock"
WAIT_S = 10.0  # a change takes some milliseconds; who holds the lock for longer is stuck
_EVERY_S = 0.01


@contextmanager
def locked(state: Path, seconds: float = WAIT_S) -> Iterator[None]:
    """Hold the lock of the *state* directory, which is made if need be; processes and threads exclude each other.

    Raises :class:`ConfigError` if another one holds it for *seconds*. The system frees it when a process dies.
    """
    make_directory(state)
    path = state / NAME
    with told(path, "locked"):
        handle = _acquired(path, seconds)
    try:
        yield
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)  # also for a child that was forked meanwhile and has the same file open
        os.close(handle)


def _acquired(path: Path, seconds: float) -> int:
    deadline = Clock.seconds() + seconds
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o664)
        try:
            _wait(handle, path, seconds, deadline)
            if _is(handle, path):
                os.ftruncate(handle, 0)
                os.pwrite(handle, b"%d\n" % os.getpid(), 0)
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # somebody has removed the directory meanwhile: this is the lock of nothing


def _wait(handle: int, path: Path, seconds: float, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if Clock.seconds() >= deadline:
                what = f"{_holder(handle)} has held it for {seconds:g} s; see what that does, and try again"
                raise ConfigError([Problem(str(path), what)]) from None
        time.sleep(_EVERY_S)


def _holder(handle: int) -> str:
    said = os.pread(handle, 20, 0).strip()
    return f"process {int(said)}" if said.isdigit() else "another process"


def _is(handle: int, path: Path) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(handle), there)
