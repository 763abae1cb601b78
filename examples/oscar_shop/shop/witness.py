"""A witness of the statements SQLite runs, which knows nothing of cursors, Django's signals or OpenTelemetry.

Each connection has SQLite's own trace callback from the moment it exists.  Django's signal
``connection_created`` would be too late: Django has run two PRAGMA statements by then.
"""

import os
import sqlite3
from pathlib import Path
from typing import Any

TRANSACTION_VERBS = frozenset({"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "END"})


def connection_class(directory: Path) -> type[sqlite3.Connection]:
    """A class for ``sqlite3.connect(factory=...)`` that appends one line per statement below *directory*."""
    directory.mkdir(parents=True, exist_ok=True)

    def write_down(statement: str) -> None:
        # The id is asked for each time because gunicorn forks; one write of one line is atomic with O_APPEND.
        path = directory / f"{os.getpid()}.statements"
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, (" ".join(statement.split()) + "\n").encode())
        finally:
            os.close(descriptor)

    class WitnessedConnection(sqlite3.Connection):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.set_trace_callback(write_down)

    return WitnessedConnection


def is_transaction(statement: str) -> bool:
    """Whether *statement* only steers a transaction, and so counts as no query."""
    return statement.split(None, 1)[0].rstrip(";").upper() in TRANSACTION_VERBS


def queries(directory: Path) -> list[str]:
    """Every statement that was written down, of all processes, without those that steer transactions."""
    lines: list[str] = []
    for path in sorted(directory.glob("*.statements")):
        lines += path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not is_transaction(line)]
