"""PyMySQL and mysqlclient: their calls, and MariaDB's general log as the witness."""

from __future__ import annotations

from typing import Any, ClassVar

import MySQLdb
import MySQLdb.cursors
import pymysql
import pymysql.cursors

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


def _class(cursor_class: Any) -> Any:
    def how(connection: Any, statement: str, parameters: Parameters) -> None:
        with connection.cursor(cursor_class) as cursor:
            cursor.execute(statement, parameters)
            cursor.fetchall()

    return how


def _query(connection: Any, statement: str, parameters: Parameters) -> None:
    connection.cursor().execute(query=statement, args=parameters)


def _bytes(connection: Any, statement: str, parameters: Parameters) -> None:
    connection.cursor().execute((statement % parameters).encode())


def _scalar(connection: Any, statement: str, parameters: Parameters) -> None:
    connection.cursor().execute(statement, args=list(parameters))


def _common(driver: Any) -> tuple[Any, ...]:
    cursors = driver.cursors
    return (
        selecting(_class(cursors.Cursor), "%s"),
        selecting(_class(cursors.DictCursor), "%s"),
        selecting(_class(cursors.SSCursor), "%s"),
        selecting(_class(cursors.SSDictCursor), "%s"),
        selecting(_query, "%s"),
        selecting(_scalar, "%s"),
        batch("%s", INSERT_MANY, one),
        batch("%s", UPDATE_MANY, same),
        failing(driver.IntegrityError, DUPLICATE_KEY),
        failing(driver.ProgrammingError, NO_TABLE),
        transaction("begin", "savepoint s", "release savepoint s", "commit"),
    )


class PyMySQL:
    """PyMySQL, in autocommit: the operations share one table and should not wait for each other."""

    errors = pymysql.err.Error
    mark = "%s"
    odd: ClassVar[Odd] = {"named": ("select %(a)s", {"a": 1})}
    calls = _common(pymysql)

    def __init__(self, server: MariaDB) -> None:
        prepare(server)
        self._server = server
        self.statements = server.statements

    def connect(self) -> Any:
        """A connection in autocommit."""
        return pymysql.connect(autocommit=True, **self._server.address)


class MySQLClient:
    """mysqlclient, in autocommit as above."""

    errors = MySQLdb.Error
    mark = "%s"
    odd: ClassVar[Odd] = {"named": ("select %(a)s", {"a": 1})}
    calls = (*_common(MySQLdb), selecting(_bytes, "%s"))

    def __init__(self, server: MariaDB) -> None:
        prepare(server)
        self._server = server
        self.statements = server.statements

    def connect(self) -> Any:
        """A connection in autocommit."""
        return MySQLdb.connect(autocommit=True, **self._server.address)
