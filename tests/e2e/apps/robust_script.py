"""Scripts that end in hard ways: ``robust_script.py WHAT``; each says, first of all, how many operations had ended.

WHAT is ``endless`` (waits within an operation), ``thread`` (the main thread ends while another works, which then
exits), ``daemon`` (daemon threads record until the interpreter is gone), ``short`` (some operations, at once) or
``steady`` (one after the other for ever, each of which the witness sees).
"""

from __future__ import annotations

import signal
import sqlite3
import sys
import threading
import time

import witness
from opentelemetry import trace

OPERATIONS = 20
_tracer = trace.get_tracer("script")


def operations(number: int) -> None:
    """Run *number* operations with a query each."""
    for _ in range(number):
        with _tracer.start_as_current_span("script"):
            connection = sqlite3.connect(":memory:")
            connection.execute("select 1").fetchall()
            connection.close()


def endless() -> None:
    """Wait within an operation."""
    operations(OPERATIONS)
    print(OPERATIONS, flush=True)
    with _tracer.start_as_current_span("script"):
        print("inside", flush=True)
        signal.pause()


def thread() -> None:
    """Leave the main thread while another works; that one ends by ``sys.exit``, which ends the thread only."""
    ended = threading.Event()

    def work() -> None:
        ended.wait()
        time.sleep(0.1)  # the main thread is on its way out then
        operations(OPERATIONS)
        sys.exit(3)

    threading.Thread(target=work).start()
    print(OPERATIONS, flush=True)
    ended.set()


def daemon() -> None:
    """Leave while daemon threads record at full rate."""

    def work() -> None:
        while True:
            operations(1)

    for _ in range(3):
        threading.Thread(target=work, daemon=True).start()
    operations(OPERATIONS)
    print(OPERATIONS, flush=True)


def short() -> None:
    """Some operations, and the end."""
    operations(OPERATIONS)
    print(OPERATIONS, flush=True)


def steady() -> None:
    """Operations for ever."""
    while True:
        with _tracer.start_as_current_span("script"):
            witness.query("script", 1)
        time.sleep(0.002)


if __name__ == "__main__":
    {"endless": endless, "thread": thread, "daemon": daemon, "short": short, "steady": steady}[sys.argv[1]]()
