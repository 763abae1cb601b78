"""A job: ``script.py OPERATIONS [ENDING]`` runs operation n with n queries, then ends as told.

ENDING is ``return`` (the default), ``exit`` (sys.exit(3)), ``raise`` or ``wait`` (for a signal).
"""

from __future__ import annotations

import signal
import sqlite3
import sys

from opentelemetry import trace


def main(operations: int, ending: str) -> None:
    """Run the operations, say so, end."""
    tracer = trace.get_tracer("job")
    for queries in range(operations):
        with tracer.start_as_current_span("job"):
            connection = sqlite3.connect(":memory:")
            for number in range(queries):
                connection.execute("select ?", (number,)).fetchall()
            connection.close()
    print("done", flush=True)
    if ending == "exit":
        sys.exit(3)
    if ending == "raise":
        raise RuntimeError("the job's own")
    if ending == "wait":
        signal.pause()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "return")
