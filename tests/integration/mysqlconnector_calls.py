"""mysql-connector-python, in Python and with its C extension: its calls, and MariaDB's general log as the witness."""

from __future__ import annotations

from typing import Any, ClassVar

import mysql.connector
import pytest

from tests.integration.dialects import (
    DUPLICATE_KEY,
    INSERT_MANY,
    NO_TABLE,
    UPDATE_MANY,
    Odd,
    batch,
    failing,
    one,
    same,
    selecting,
    transaction,
)
from tests.integration.mysql_table import prepare
from tests.services import MariaDB

Parameters = tuple[int, ...]


def _cursor(**options: Any) -> Any:
    def how(connection: Any, statement: str, parameters: Parameters) -> None:
        with connection.cursor(**options) as cursor:
            cursor.execute(statement, parameters)
            cursor.fetchall()

    return how


def _keywords(connection: Any, statement: str, parameters: Parameters) -> None:
    with connection.cursor() as cursor:
        cursor.execute(operation=statement, params=parameters)
        cursor.fetchall()


def _named(connection: Any, statement: str, parameters: Parameters) -> None:
    with connection.cursor(buffered=True) as cursor:
        cursor.execute(statement.replace("%s", "%(id)s"), {"id": parameters[0]})


def _bytes(connection: Any, statement: str, parameters: Parameters) -> None:
    with connection.cursor() as cursor:
        cursor.execute((statement % parameters).encode())
        cursor.fetchall()


class MySQLConnector:
    """The driver in pure Python, in autocommit: the operations share one table and should not wait for each other."""

    errors = mysql.connector.Error
    mark = "%s"
    odd: ClassVar[Odd] = {"named": ("select %(a)s", {"a": 1})}
    pure = True
    calls = (
        selecting(_cursor(), "%s"),
        selecting(_cursor(buffered=True), "%s"),
        selecting(_cursor(raw=True), "%s"),
        selecting(_cursor(dictionary=True), "%s"),
        selecting(_cursor(buffered=True, dictionary=True), "%s"),
        selecting(_cursor(prepared=True), "%s"),
        selecting(_cursor(prepared=True, dictionary=True), "%s"),
        selecting(_keywords, "%s"),
        selecting(_named, "%s"),
        selecting(_bytes, "%s"),
        batch("%s", INSERT_MANY, one),
        batch("%s", UPDATE_MANY, same),
        failing(mysql.connector.IntegrityError, DUPLICATE_KEY),
        failing(mysql.connector.ProgrammingError, NO_TABLE),
        transaction("begin", "savepoint s", "release savepoint s", "commit"),
    )

    def __init__(self, server: MariaDB) -> None:
        prepare(server)
        self._server = server
        self.statements = server.statements

    def connect(self) -> Any:
        """A connection in autocommit."""
        return mysql.connector.connect(autocommit=True, use_pure=self.pure, **self._server.address)


class MySQLConnectorC(MySQLConnector):
    """The driver with its C extension."""

    pure = False

    def __init__(self, server: MariaDB) -> None:
        # Its wheels bring an OpenSSL of their own, which does not load once a test before has imported ssl. So this is
        # no thing that should be there, and no failure, also where services are required.
        if not mysql.connector.HAVE_CEXT:
            pytest.skip("the C extension of mysql-connector-python cannot be loaded after ssl was imported")
        super().__init__(server)
