"""pyodbc, through the ODBC drivers of MariaDB and PostgreSQL: its calls, and the server's log as the witness."""

from __future__ import annotations

from typing import Any, ClassVar

import pyodbc

from tests.integration import mysql_table, postgres_table
from tests.integration.dialects import (
    DUPLICATE_KEY,
    INSERT_MANY,
    NO_TABLE,
    UPDATE_MANY,
    Odd,
    batch,
    failing,
    same,
    selecting,
    transaction,
)
from tests.services import MariaDB, Postgres
from tests.services.ports import LOOPBACK

Parameters = tuple[int, ...]


def _spread(connection: Any, statement: str, parameters: Parameters) -> None:
    connection.cursor().execute(statement, *parameters).fetchall()


def _entered(connection: Any, statement: str, parameters: Parameters) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        list(cursor)


def _fast(connection: Any, statement: str, parameters: Parameters) -> None:
    cursor = connection.cursor()
    cursor.fast_executemany = True
    cursor.executemany(statement.replace("select", "delete").replace(" n from", " from"), [parameters])
    cursor.close()


class _Odbc:
    errors = pyodbc.Error
    mark = "?"
    odd: ClassVar[Odd] = {"spread": ("select ?", 1)}
    calls = (
        selecting(lambda connection, *query: connection.cursor().execute(*query).fetchall(), "?"),
        selecting(lambda connection, *query: connection.execute(*query).fetchone(), "?"),
        selecting(_spread, "?"),
        selecting(_entered, "?"),
        selecting(_fast, "?"),
        batch("?", INSERT_MANY, same),
        batch("?", UPDATE_MANY, same),
        failing(pyodbc.Error, DUPLICATE_KEY),
    )
    settings: str

    def connect(self) -> Any:
        """A connection in autocommit: the operations share one table and should not wait for each other."""
        return pyodbc.connect(self.settings, autocommit=True)


class OdbcMariaDB(_Odbc):
    """The ODBC driver of MariaDB; its log has no line for a statement that is refused when it is prepared."""

    calls = (*_Odbc.calls, transaction("begin", "savepoint s", "release savepoint s", "commit"))

    def __init__(self, server: MariaDB) -> None:
        mysql_table.prepare(server)
        self.statements = server.statements
        to = server.address
        self.settings = (
            f"DRIVER={{MariaDB Unicode}};SERVER={to['host']};PORT={to['port']};DATABASE={to['database']};"
            f"UID={to['user']};PWD={to['password']}"
        )


class OdbcPostgres(_Odbc):
    """The ODBC driver of PostgreSQL, in autocommit, where it adds no savepoints to the statements."""

    calls = (*_Odbc.calls, failing(pyodbc.Error, NO_TABLE))

    def __init__(self, server: Postgres) -> None:
        postgres_table.prepare(server)
        self.statements = server.statements
        self.settings = (
            f"DRIVER={{PostgreSQL Unicode}};SERVER={LOOPBACK};PORT={server.port};DATABASE=postgres;UID=verein"
        )
