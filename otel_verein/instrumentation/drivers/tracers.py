"""What some drivers say otherwise than the rest: where a cursor has its connection, what no statement means."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

from otel_verein.faults import Faults
from otel_verein.instrumentation.drivers.dbapi import LedgerTracer
from otel_verein.instrumentation.drivers.table import Driver
from otel_verein.ledger.record import ConnectionTarget

_MOST_TARGETS = 1000
_ODBC_SYSTEMS = (
    ("postgres", "postgresql"),
    ("mariadb", "mariadb"),
    ("mysql", "mysql"),
    ("microsoft sql server", "microsoft.sql_server"),
    ("oracle", "oracle.db"),
    ("sqlite", "sqlite"),
    ("db2", "ibm.db2"),
)
"""Part of an ODBC driver's DBMS name in lower case -> ``db.system.name``."""


class MySQLTracer(LedgerTracer):
    """A closed cursor of PyMySQL or mysqlclient has None for a connection; a closed connection tells nothing."""

    def _target_of(self, cursor: Any) -> ConnectionTarget:
        return self._unknown if cursor.connection is None else super()._target_of(cursor)

    def _read_target(self, connection: Any) -> ConnectionTarget:
        return super()._read_target(connection) if connection.open else self._unknown


class MySQLConnectorTracer(LedgerTracer):
    """mysql-connector hides the connection of a cursor in a private attribute, as a weak proxy."""

    def _target_of(self, cursor: Any) -> ConnectionTarget:
        connection = getattr(cursor, "_connection", None)
        if connection is None:  # a closed cursor
            return self._unknown
        return super()._target_of(SimpleNamespace(connection=connection))

    def _read_target(self, connection: Any) -> ConnectionTarget:
        # Its ``database`` would ask the server, and ``get_server_info`` warns that it is deprecated.
        version = (getattr(connection, "_handshake", None) or {}).get("server_version_original")
        return ConnectionTarget(
            system="mariadb" if "mariadb" in str(version).lower() else self._driver.system,
            namespace=connection._database or None,
            address=connection.server_host or None,
            port=connection.server_port or None,
        )


class OracleTracer(LedgerTracer):
    """In oracledb no statement means: the one before again; most of a connection cannot be read while it is closed."""

    def _target_of(self, cursor: Any) -> ConnectionTarget:
        if cursor._impl is None or cursor._connection._impl is None:
            return self._unknown
        return super()._target_of(cursor)

    def _text(self, cursor: Any, statement: Any) -> str | None:
        if statement is None:
            # A cursor that never was connected has no statement; nor did it send one.
            statement = getattr(cursor._impl, "statement", None)
        return super()._text(cursor, statement)


class OdbcTracer(LedgerTracer):
    """pyodbc: the database behind is known per connection only, and its objects take no attribute of ours."""

    def __init__(self, driver: Driver, faults: Faults) -> None:
        super().__init__(driver, faults)
        self._targets: dict[tuple[str, str, str], ConnectionTarget] = {}

    def _target_of(self, cursor: Any) -> ConnectionTarget:
        pyodbc = sys.modules["pyodbc"]
        try:
            # Connection.execute passes the connection itself
            read = (cursor if isinstance(cursor, pyodbc.Connection) else cursor.connection).getinfo
            key = read(pyodbc.SQL_DBMS_NAME), read(pyodbc.SQL_SERVER_NAME), read(pyodbc.SQL_DATABASE_NAME)
        except (AttributeError, pyodbc.Error):
            return self._unknown  # closed or lost; the driver's own error is on its way to the caller
        known = self._targets.get(key)
        if known is None:
            system = next((name for part, name in _ODBC_SYSTEMS if part in key[0].lower()), self._driver.system)
            known = ConnectionTarget(system, namespace=key[2] or None, address=key[1] or None)
            if len(self._targets) < _MOST_TARGETS:
                self._targets[key] = known
        return known


_TRACERS: dict[str, type[LedgerTracer]] = {
    "pymysql": MySQLTracer,
    "mysqlclient": MySQLTracer,
    "mysql-connector": MySQLConnectorTracer,
    "oracledb": OracleTracer,
    "pyodbc": OdbcTracer,
}


def tracer_for(driver: Driver, faults: Faults) -> LedgerTracer:
    """The tracer that books the calls of *driver*."""
    return _TRACERS.get(driver.name, LedgerTracer)(driver, faults)
