"""Which drivers the suites run over, where their calls are, and what server each needs."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from tests.integration.harness import Dialect

WHERE = {
    "sqlite3": ("sqlite_calls", "Sqlite", None),
    "psycopg": ("psycopg_calls", "Psycopg", "postgres"),
    "psycopg2": ("psycopg2_calls", "Psycopg2", "postgres"),
    "pymysql": ("mysql_calls", "PyMySQL", "mariadb"),
    "mysqlclient": ("mysql_calls", "MySQLClient", "mariadb"),
    "mysql-connector": ("mysqlconnector_calls", "MySQLConnector", "mariadb"),
    "mysql-connector-c": ("mysqlconnector_calls", "MySQLConnectorC", "mariadb"),
    "pyodbc-mariadb": ("odbc_calls", "OdbcMariaDB", "mariadb"),
    "pyodbc-postgres": ("odbc_calls", "OdbcPostgres", "postgres"),
}
"""Name -> module, class and server of a dialect."""


def drivers(*names: str) -> Any:
    """Parametrise ``dialect`` with *names*, all if there are none; those that need a server carry the mark."""
    chosen = names or tuple(WHERE)
    marks = {name: [pytest.mark.service] if WHERE[name][2] else [] for name in chosen}
    return pytest.mark.parametrize(
        "dialect", [pytest.param(name, id=name, marks=marks[name]) for name in chosen], indirect=True
    )


def dialect_named(name: str, request: pytest.FixtureRequest) -> Dialect:
    """The dialect *name*, on its server; raises ImportError where its driver is not installed."""
    module, kind, server = WHERE[name]
    make = getattr(import_module(f"tests.integration.{module}"), kind)
    made: Dialect = make(request.getfixturevalue(server)) if server else make()
    return made
