"""psycopg 3: its calls, and the server's log as the witness."""

from __future__ import annotations

from typing import Any, ClassVar

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from tests.integration.dialects import (
    DUPLICATE_KEY,
    INSERT_MANY,
    NO_TABLE,
    SAVEPOINT,
    UPDATE_MANY,
    Odd,
    batch,
    failing,
    same,
    selecting,
)
from tests.integration.postgres_table import prepare
from tests.services import Postgres

Parameters = tuple[int, ...]


def _transaction(connection: Any, statement: str, parameters: Parameters) -> None:
    with connection.transaction():
        connection.execute(statement, parameters)


def _pipeline(connection: Any, statement: str, parameters: Parameters) -> None:
    with connection.pipeline():
        connection.execute(statement, parameters).fetchall()


def _raw(cursor: Any, statement: str, parameters: Parameters) -> None:
    with cursor:
        cursor.execute(statement.replace("%s", "$1"), parameters)
        cursor.fetchall()


def _copy(connection: Any, statement: str, parameters: Parameters) -> None:
    with connection.cursor().copy(f"copy ({statement}) to stdout", parameters) as rows:
        list(rows)


def _server_side(connection: Any, statement: str, parameters: Parameters) -> None:
    with connection.cursor(name="portal") as cursor:
        cursor.execute(statement, parameters)
        cursor.fetchall()


class Psycopg:
    """psycopg 3."""

    errors = psycopg.Error
    mark = "%s"
    odd: ClassVar[Odd] = {
        "sql": (sql.SQL("select 1"),),
        "composed": (sql.SQL("select {}").format(sql.Literal(1)),),
        "identifier": (sql.Identifier("a"),),
        "bad placeholder": ("select %q", (1,)),
    }
    calls = (
        selecting(lambda connection, *query: connection.cursor().execute(*query).fetchall(), "%s"),
        selecting(lambda connection, *query: connection.execute(*query).fetchone(), "%s"),
        selecting(lambda connection, query, values: connection.execute(query=query, params=values), "%s"),
        selecting(lambda connection, query, values: connection.cursor().execute(query=query, params=values), "%s"),
        selecting(lambda connection, *query: connection.cursor(row_factory=dict_row).execute(*query), "%s"),
        selecting(lambda connection, query, values: connection.execute(sql.SQL(query), values), "%s"),
        selecting(lambda connection, query, values: connection.execute(query.encode(), values), "%s"),
        selecting(lambda connection, *query: connection.execute(*query, prepare=True), "%s"),
        selecting(lambda connection, *query: psycopg.ClientCursor(connection).execute(*query), "%s"),
        selecting(lambda connection, *query: list(connection.cursor().stream(*query)), "%s"),
        selecting(lambda connection, *query: _raw(psycopg.RawCursor(connection), *query), "%s"),
        selecting(lambda connection, *query: _raw(psycopg.RawServerCursor(connection, "raw"), *query), "%s"),
        selecting(lambda connection, query, values: connection.execute(sql.SQL(query) + sql.SQL(""), values), "%s"),
        selecting(_copy, "%s"),
        selecting(_pipeline, "%s"),
        selecting(_transaction, "%s"),
        selecting(_server_side, "%s"),
        batch("%s", INSERT_MANY, same),
        batch("%s", UPDATE_MANY, same),
        failing(psycopg.errors.UniqueViolation, DUPLICATE_KEY),
        failing(psycopg.errors.UndefinedTable, NO_TABLE),
        SAVEPOINT,
    )

    def __init__(self, server: Postgres) -> None:
        prepare(server)
        self._server = server
        self.statements = server.statements

    def connect(self) -> Any:
        """A connection outside any transaction."""
        return psycopg.connect(self._server.url)
