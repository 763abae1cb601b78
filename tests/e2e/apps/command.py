"""A script without spans of its own: ``command.py QUERIES [ENDING]`` runs its queries, then ends as told.

ENDING is ``return`` (the default), ``exit N``, ``message`` (sys.exit with a text), ``caught`` (a sys.exit that is
caught), ``raise``, ``system-exit N`` (raised by hand), ``wait`` (for a signal) or ``busy`` (querying until one comes).
"""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import sys


def query(number: int) -> None:
    """Run *number* queries on a connection of their own."""
    connection = sqlite3.connect(":memory:")
    for value in range(number):
        connection.execute("select ?", (value,)).fetchall()
    connection.close()


def end(how: str, code: int) -> None:
    """End the process, or not, as told."""
    if how == "exit":
        sys.exit(code)
    if how == "message":
        sys.exit("the script's own message")
    if how == "system-exit":
        raise SystemExit(code)
    if how == "raise":
        raise LookupError("the script's own")
    if how == "caught":
        with contextlib.suppress(SystemExit):
            sys.exit(7)
    if how == "wait":
        signal.pause()
    while how == "busy":
        query(50)


if __name__ == "__main__":
    query(int(sys.argv[1]))
    print("done", flush=True)
    end(sys.argv[2] if len(sys.argv) > 2 else "return", int(sys.argv[3]) if len(sys.argv) > 3 else 0)
