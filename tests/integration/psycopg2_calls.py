"""psycopg2: its calls, and the server's log as the witness."""

from __future__ import annotations

import io
from typing import Any, ClassVar

import psycopg2
import psycopg2.extras
from psycopg2 import sql

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


def _server_side(connection: Any, statement: str, parameters: Parameters) -> None:
    with connection.cursor(name="portal") as cursor:
        cursor.execute(statement, parameters)
        cursor.fetchall()


def _committing(connection: Any, statement: str, parameters: Parameters) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def _factory(factory: Any) -> Any:
    def how(connection: Any, statement: str, parameters: Parameters) -> None:
        with connection.cursor(cursor_factory=factory) as cursor:
            cursor.execute(statement, parameters)
            cursor.fetchall()

    return how


def _values(connection: Any, statement: str, parameters: Parameters) -> None:
    statement = statement.replace("= %s", "in (%s)")
    psycopg2.extras.execute_values(connection.cursor(), statement, [(-1,), (-2,)], template="%s")


def _logging(factory: Any, **options: Any) -> Any:
    """A connection and cursor class that log what they run, as psycopg2.extras offers them."""

    def how(connection: Any, statement: str, parameters: Parameters) -> None:
        own = psycopg2.connect(connection.dsn, connection_factory=factory)
        own.initialize(io.StringIO(), **options)
        own.cursor().execute(statement, parameters)
        own.close()

    return how


def _pages(connection: Any, statement: str, parameters: Parameters) -> None:
    psycopg2.extras.execute_batch(connection.cursor(), statement, [parameters, parameters])


def _copy(connection: Any, statement: str, parameters: Parameters) -> None:
    connection.cursor().copy_expert(f"copy ({statement % parameters}) to stdout", io.StringIO())


class Psycopg2:
    """psycopg2."""

    errors = psycopg2.Error
    mark = "%s"
    odd: ClassVar[Odd] = {
        "sql": (sql.SQL("select 1"),),
        "composed": (sql.SQL("select {}").format(sql.Literal(1)),),
        "identifier": (sql.Identifier("a"),),
        "bad placeholder": ("select %q", (1,)),
    }
    calls = (
        selecting(lambda connection, *query: connection.cursor().execute(*query), "%s"),
        selecting(lambda connection, query, values: connection.cursor().execute(query=query, vars=values), "%s"),
        selecting(lambda connection, query, values: connection.cursor().execute(query, vars=values), "%s"),
        selecting(lambda connection, query, values: connection.cursor().execute(sql.SQL(query), values), "%s"),
        selecting(lambda connection, query, values: connection.cursor().execute(query.encode(), values), "%s"),
        selecting(_factory(psycopg2.extras.DictCursor), "%s"),
        selecting(_factory(psycopg2.extras.RealDictCursor), "%s"),
        selecting(_factory(psycopg2.extras.NamedTupleCursor), "%s"),
        selecting(_logging(psycopg2.extras.LoggingConnection), "%s"),
        selecting(_logging(psycopg2.extras.MinTimeLoggingConnection, mintime=1000), "%s"),
        selecting(_pages, "%s"),
        selecting(_copy, "%s"),
        selecting(_committing, "%s"),
        selecting(_server_side, "%s"),
        selecting(_values, "%s"),
        batch("%s", INSERT_MANY, same),
        batch("%s", UPDATE_MANY, same),
        failing(psycopg2.errors.UniqueViolation, DUPLICATE_KEY),
        failing(psycopg2.errors.UndefinedTable, NO_TABLE),
        SAVEPOINT,
    )

    def __init__(self, server: Postgres) -> None:
        prepare(server)
        self._server = server
        self.statements = server.statements

    def connect(self) -> Any:
        """A connection outside any transaction."""
        return psycopg2.connect(self._server.url)
