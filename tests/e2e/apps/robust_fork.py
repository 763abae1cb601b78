"""Forks under load: ``robust_fork.py CHILDREN`` prints, as JSON, what it ran itself and how its children ended.

Four threads run operations at full rate, one logs in a loop, and the main thread forks inside an operation of its own.
Each child runs three operations and leaves in one of three ways in turn. One that hangs dies of SIGALRM.

SQLite itself does not survive a fork while another thread is inside of it: its mutexes stay taken in the child. So
all calls of SQLite, which are below the hooks, and all forks happen under one lock of the application.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import signal
import sqlite3
import sys
import threading
from collections import Counter
from typing import Any

from opentelemetry import trace

RECORDERS = 4
QUERIES = 2
DEADLINE_S = 20
_log = logging.getLogger("application")
_tracer = trace.get_tracer("application")
_stopped = threading.Event()
_sqlite = threading.RLock()


class _Unbuffered(logging.Handler):
    """Writes without a buffer: the lock of one that another thread holds at a fork would hang the child anyway."""

    def emit(self, record: logging.LogRecord) -> None:
        os.write(self.sink, self.format(record).encode() + b"\n")

    def __init__(self) -> None:
        super().__init__()
        self.sink = os.open("application.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)


class _Cursor(sqlite3.Cursor):
    """Enters SQLite under the lock."""

    def execute(self, *args: Any) -> sqlite3.Cursor:
        with _sqlite:
            return super().execute(*args)

    def fetchall(self) -> list[Any]:
        with _sqlite:
            return super().fetchall()


def _connected() -> sqlite3.Connection:
    with _sqlite:
        return sqlite3.connect(":memory:", check_same_thread=False)


def operation(name: str, connection: sqlite3.Connection) -> None:
    """One operation with its queries."""
    with _tracer.start_as_current_span(name):
        for number in range(QUERIES):
            cursor = connection.cursor(_Cursor)
            cursor.execute("select ?", (number,))
            cursor.fetchall()


def _record(connection: sqlite3.Connection, done: list[int]) -> None:
    count = 0
    while not _stopped.is_set():
        operation("recorded", connection)
        count += 1
    done.append(count)


def _chatter() -> None:
    while not _stopped.is_set():
        _log.warning("still here")


def child() -> None:
    """What every child does."""
    signal.alarm(DEADLINE_S)
    _log.warning("child")
    connection = _connected()
    for _ in range(3):
        operation("in child", connection)


def _flush_and_go() -> None:
    child()
    flushed = trace.get_tracer_provider().force_flush()  # type: ignore[attr-defined]
    os._exit(0 if flushed else 9)


def _exit() -> None:
    child()
    sys.exit(0)


def _fork(ending: int) -> int:
    """The exit code of a child that ends the way *ending* says."""
    if ending == 2:
        process = multiprocessing.get_context("fork").Process(target=child)
        with _sqlite:
            process.start()
        process.join()
        return process.exitcode or 0
    with _sqlite:
        pid = os.fork()
    if pid == 0:
        (_flush_and_go, _exit)[ending]()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main(children: int) -> None:
    """Fork *children* times under load."""
    sys.setswitchinterval(0.0002)
    logging.getLogger().addHandler(_Unbuffered())
    done: list[int] = []
    connections = [_connected() for _ in range(RECORDERS)]
    threads = [threading.Thread(target=_record, args=(each, done)) for each in connections]
    threads.append(threading.Thread(target=_chatter))
    for thread in threads:
        thread.start()
    codes: Counter[int] = Counter()
    with _tracer.start_as_current_span("forking"):
        for number in range(children):
            codes[_fork(number % 3)] += 1
    _stopped.set()
    for thread in threads:
        thread.join()
    print(json.dumps({"recorded": sum(done), "codes": codes}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
