"""sqlite3: its calls, and its trace callback as the witness."""

from __future__ import annotations

import sqlite3
import threading
from typing import Any, ClassVar

from tests.integration.dialects import (
    DUPLICATE_KEY,
    INSERT_MANY,
    SAVEPOINT,
    SCHEMA,
    UPDATE_MANY,
    Odd,
    OwnCursor,
    batch,
    failing,
    same,
    selecting,
)


def _committing(connection: Any, statement: str, parameters: tuple[int, ...]) -> None:
    with connection:
        connection.execute(statement, parameters)


def _named(connection: Any, statement: str, parameters: tuple[int, ...]) -> None:
    connection.execute(statement.replace("?", ":id"), {"id": parameters[0]}).fetchall()


def _connection_batch(connection: Any, statement: str, parameters: tuple[int, ...]) -> None:
    connection.executemany(statement.replace("select", "delete").replace(" n from", " from"), (parameters for _ in "1"))


class Sqlite:
    """A database in memory per connection, all with one list of traced statements."""

    errors = sqlite3.Error
    mark = "?"
    odd: ClassVar[Odd] = {"named": ("select :a", {"a": 1})}
    calls = (
        selecting(lambda connection, *query: connection.cursor().execute(*query).fetchall(), "?"),
        selecting(lambda connection, *query: connection.execute(*query).fetchone(), "?"),
        selecting(lambda connection, *query: connection.cursor(OwnCursor).execute(*query).fetchall(), "?"),
        selecting(lambda connection, *query: connection.cursor(factory=OwnCursor).execute(*query).fetchmany(), "?"),
        selecting(_committing, "?"),
        selecting(_named, "?"),
        selecting(_connection_batch, "?"),
        batch("?", INSERT_MANY, same),
        batch("?", UPDATE_MANY, same),
        failing(sqlite3.IntegrityError, DUPLICATE_KEY),
        SAVEPOINT,
    )

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards _seen, which the trace callbacks of all connections fill
        self._seen: list[str] = []

    def connect(self) -> sqlite3.Connection:
        """A traced connection with the schema in place."""
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        connection.execute(SCHEMA.format(name="item", auto=""))
        connection.execute("insert into item values (1, 1)")
        connection.commit()
        connection.set_trace_callback(self._trace)
        return connection

    def statements(self) -> list[str]:
        """Every statement any connection ran."""
        with self._lock:
            return list(self._seen)

    def _trace(self, statement: str) -> None:
        with self._lock:
            self._seen.append(statement)
