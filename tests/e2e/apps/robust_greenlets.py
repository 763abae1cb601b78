"""A plain gevent script: ``robust_greenlets.py GREENLETS OPERATIONS``; each greenlet runs so many, giving way inside.

Prints the longest time that an operation took, in seconds.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import sqlite3  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402

import gevent  # noqa: E402
from opentelemetry import trace  # noqa: E402

_tracer = trace.get_tracer("greenlets")


def work(operations: int) -> float:
    """The longest of *operations* operations with two queries each."""
    longest = 0.0
    for _ in range(operations):
        begun = time.perf_counter()
        with _tracer.start_as_current_span("greenlet"):
            connection = sqlite3.connect(":memory:")
            for number in range(2):
                connection.execute("select ?", (number,)).fetchall()
                gevent.sleep(0.001)
            connection.close()
        longest = max(longest, time.perf_counter() - begun)
    return longest


if __name__ == "__main__":
    greenlets = [gevent.spawn(work, int(sys.argv[2])) for _ in range(int(sys.argv[1]))]
    gevent.joinall(greenlets, raise_error=True)
    print(max(greenlet.value for greenlet in greenlets), flush=True)
