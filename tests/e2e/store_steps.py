"""Every step of a process that others can see, and the end of the process before a chosen one.

The interpreter itself tells of files opened for writing, renames and removals, and SQLite of its statements; the code
under test knows nothing of it.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_FILES = frozenset(("os.rename", "os.remove", "os.link", "os.mkdir", "os.rmdir", "os.truncate"))
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_READS = ("SELECT", "PRAGMA", "WITH", "EXPLAIN", "--")


class Steps:
    """The steps under *places*, told to *seen* one after the other, each before it is taken.

    There is no way to take this back: it is for a process that ends afterwards.
    """

    def __init__(self, places: list[Path], seen: Callable[[str], None]) -> None:
        self._places = tuple(str(place) for place in places)
        self._seen = seen
        self._telling = False
        sys.addaudithook(self._audited)
        connect = sqlite3.connect

        def traced(*arguments: Any, **options: Any) -> sqlite3.Connection:
            connection = connect(*arguments, **options)
            connection.set_trace_callback(self._stated)
            return connection

        sqlite3.connect = traced

    def _audited(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _FILES or (event == "open" and _is_write(arguments)):
            named = [os.fsdecode(each) for each in arguments[:2] if isinstance(each, (str, bytes, os.PathLike))]
            if event == "open":
                named = named[:1]
            is_nothing = event == "os.mkdir" and os.path.exists(named[0])
            if any(name.startswith(self._places) for name in named) and not is_nothing:
                self._tell(" ".join([event, *named]))

    def _stated(self, statement: str) -> None:
        if not statement.lstrip().upper().startswith(_READS):
            self._tell(f"sqlite {' '.join(statement.split())[:80]}")

    def _tell(self, step: str) -> None:
        if not self._telling:  # what we write ourselves is none
            self._telling = True
            try:
                self._seen(step)
            finally:
                self._telling = False


def _is_write(arguments: tuple[Any, ...]) -> bool:
    _, mode, flags = arguments
    if isinstance(flags, int):
        return bool(flags & _WRITES)
    return isinstance(mode, str) and any(letter in mode for letter in "wax+")


def kill_before(number: int, places: list[Path]) -> None:
    """End this process as a crash does, before the step of that *number*, from 1."""
    left = number

    def seen(step: str) -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    Steps(places, seen)


def write_down(file: Path, places: list[Path]) -> None:
    """A line of *file* for each step of this process, and for whatever it has the disk keep."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)

    def seen(step: str) -> None:
        os.write(handle, step.encode() + b"\n")

    Steps(places, seen)
    synced = os.fsync

    def sync(descriptor: int) -> None:
        synced(descriptor)
        seen(f"fsync {os.readlink(f'/proc/self/fd/{descriptor}')}")

    os.fsync = sync
