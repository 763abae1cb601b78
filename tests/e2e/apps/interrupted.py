"""A job whose main thread is interrupted often by a signal handler that flushes, as SIGTERM's does once.

``interrupted.py inside|outside SECONDS``: queries inside operations, or outside any.
"""

from __future__ import annotations

import signal
import sqlite3
import sys
import time

from opentelemetry import trace


def main(where: str, seconds: float) -> None:
    """Query for *seconds*, flushed by a signal some hundred times a second, one at a time."""
    tracer = trace.get_tracer("job")
    flushes = 0

    def flush(*_: object) -> None:
        nonlocal flushes
        flushes += 1
        trace.get_tracer_provider().force_flush()  # type: ignore[attr-defined]
        signal.setitimer(signal.ITIMER_REAL, 0.002)

    connection = sqlite3.connect(":memory:")
    signal.signal(signal.SIGALRM, flush)
    signal.setitimer(signal.ITIMER_REAL, 0.002)
    end, number = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        number += 1
        if where == "outside":
            connection.execute("select 1")
            continue
        with tracer.start_as_current_span("job"):
            connection.execute("select 1")
    signal.setitimer(signal.ITIMER_REAL, 0)
    print(number, flushes)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
