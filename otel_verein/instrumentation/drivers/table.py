"""The table of drivers: which module, which classes, and how their cursors come to be recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any

from otel_verein.instrumentation.drivers.returned import RowsOf, held, told


class Style(Enum):
    """How a driver is hooked.

    SUBCLASS: the driver's classes are C types, so ``connect`` is given a real subclass of them, right above the
    C type and below any class of the application; C-level type checks pass. PATCH: they are Python classes,
    whose methods are replaced in place, so every alias, pool and subclass is covered and no type changes.
    PATCH_C: they are final C types, whose methods are replaced in the dictionary of the type.
    """

    SUBCLASS = "subclass"
    PATCH = "patch"
    PATCH_C = "patch of C types"


class Rows(Enum):
    """When the rows of a SUBCLASS driver's cursors come from the database, which is when fetching is database time.

    LOCAL: all of them before ``execute`` returns. LAZY: as they are fetched. NAMED: as they are fetched by cursors
    with a name, which live in the server.
    """

    LOCAL = "local"
    LAZY = "lazy"
    NAMED = "named"


@dataclass(frozen=True, slots=True)
class Factory:
    """Where a call takes the class to make: a position and a keyword."""

    position: int
    keyword: str

    def replaced(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], choose: Callable[[Any], Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with the given class (None if absent) replaced by what *choose* makes of it."""
        if len(args) > self.position:
            return (*args[: self.position], choose(args[self.position]), *args[self.position + 1 :]), kwargs
        return args, {**kwargs, self.keyword: choose(kwargs.get(self.keyword))}


@dataclass(frozen=True, slots=True)
class Written:
    """A cursor method that takes a name, by position and keyword, and the statement the driver makes of it."""

    method: str
    position: int
    keyword: str
    form: str


@dataclass(frozen=True, slots=True)
class Driver:
    """One DB-API driver.

    ``module`` is what applications import; ``hooked_after`` the module after whose import it can be hooked.
    ``cursors`` are the classes that send statements, ``extension_cursors`` those of a part that may not be installed;
    ``connection_shortcuts`` are the methods of a connection that send one without a cursor of Python, ``streams`` and
    ``copies`` the cursor methods that run it later, as generators and context managers, ``written`` those whose
    statement the driver writes. ``connect_factory`` and ``cursor_factory`` say where ``connect`` and ``cursor``
    take a class. ``connection_attributes`` say where a connection keeps its target, in the form of
    ``opentelemetry-instrumentation-dbapi``. ``nested`` says that batch methods call ``execute`` themselves.
    ``fetches`` are the innermost methods, as ``class.method``, by which PATCH cursors get rows from the database.
    ``returned`` tells the rows of what a cursor executed, where all are there when ``execute`` returns.
    ``instrumentors`` are the upstream entry points that would count the same calls.
    """

    name: str
    module: str
    system: str
    style: Style
    hooked_after: str
    cursors: tuple[str, ...]
    extension_cursors: tuple[str, ...] = ()
    connection: str = ""
    connection_attributes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    statement_keyword: str = "query"
    parameter_keyword: str = "params"
    connect_factory: Factory = Factory(0, "")
    cursor_factory: Factory = Factory(0, "")
    connection_shortcuts: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    written: tuple[Written, ...] = ()
    nested: bool = False
    rows: Rows = Rows.LOCAL
    fetches: tuple[str, ...] = ()
    returned: RowsOf | None = None
    instrumentors: tuple[str, ...] = ()


_LIBPQ = MappingProxyType({"database": "info.dbname", "host": "info.host", "port": "info.port"})
_MYSQL = MappingProxyType({"database": "db", "host": "host", "port": "port"})

DRIVERS = (
    Driver(
        name="sqlite3",
        module="sqlite3",
        system="sqlite",
        style=Style.SUBCLASS,
        hooked_after="sqlite3.dbapi2",
        connection="Connection",
        cursors=("Cursor",),
        connect_factory=Factory(5, "factory"),
        cursor_factory=Factory(0, "factory"),
        connection_shortcuts=("execute", "executemany", "executescript"),
        rows=Rows.LAZY,
        statement_keyword="sql",
        parameter_keyword="parameters",
        instrumentors=("sqlite3",),
    ),
    Driver(
        name="psycopg2",
        module="psycopg2",
        system="postgresql",
        style=Style.SUBCLASS,
        hooked_after="psycopg2",
        connection="extensions.connection",
        cursors=("extensions.cursor",),
        connect_factory=Factory(1, "connection_factory"),
        cursor_factory=Factory(1, "cursor_factory"),
        rows=Rows.NAMED,
        connection_attributes=_LIBPQ,
        parameter_keyword="vars",
        written=(
            Written("copy_from", 1, "table", 'COPY "{}" FROM STDIN'),
            Written("copy_to", 1, "table", 'COPY "{}" TO STDOUT'),
        ),
        returned=told,
        instrumentors=("psycopg2",),
    ),
    Driver(
        name="psycopg",
        module="psycopg",
        system="postgresql",
        style=Style.PATCH,
        hooked_after="psycopg",
        connection="Connection",
        cursors=("Cursor",),
        streams=("stream",),
        copies=("copy",),
        connection_attributes=_LIBPQ,
        returned=told,
        instrumentors=("psycopg",),
    ),
    Driver(
        name="pymysql",
        module="pymysql",
        system="mysql",
        style=Style.PATCH,
        hooked_after="pymysql.connections",
        connection="connections.Connection",
        cursors=("cursors.Cursor",),
        connection_attributes=_MYSQL,
        parameter_keyword="args",
        nested=True,
        fetches=("cursors.SSCursor.read_next",),
        returned=told,
        instrumentors=("pymysql",),
    ),
    Driver(
        name="mysqlclient",
        module="MySQLdb",
        system="mysql",
        style=Style.PATCH,
        hooked_after="MySQLdb.cursors",  # the connections come with the first of them
        cursors=("cursors.BaseCursor",),
        connection_attributes=_MYSQL,
        parameter_keyword="args",
        nested=True,
        fetches=("cursors.SSCursor._fetch_row", "cursors.SSDictCursor._fetch_row"),
        returned=told,
        instrumentors=("mysqlclient",),
    ),
    Driver(
        name="mysql-connector",
        module="mysql.connector",
        system="mysql",
        style=Style.PATCH,
        hooked_after="mysql.connector",
        connection="connection.MySQLConnection",
        cursors=("cursor.MySQLCursor", "cursor.MySQLCursorPrepared"),
        extension_cursors=("cursor_cext.CMySQLCursor", "cursor_cext.CMySQLCursorPrepared"),
        connection_attributes=MappingProxyType({"database": "_database", "host": "server_host", "port": "server_port"}),
        statement_keyword="operation",
        parameter_keyword="params",
        nested=True,
        returned=held,
        instrumentors=("mysql",),
    ),
    Driver(
        name="pyodbc",
        module="pyodbc",
        system="other_sql",
        style=Style.PATCH_C,
        hooked_after="pyodbc",
        connection="Connection",
        cursors=("Cursor",),
        connection_shortcuts=("execute",),
        connection_attributes=MappingProxyType({"database": "getinfo"}),  # a method: see OdbcTracer
    ),
    Driver(
        name="oracledb",
        module="oracledb",
        system="oracle.db",
        style=Style.PATCH,
        hooked_after="oracledb",
        connection="Connection",
        cursors=("Cursor",),
        connection_attributes=MappingProxyType({"database": "service_name"}),
        statement_keyword="statement",
        parameter_keyword="parameters",
        written=(Written("callfunc", 0, "name", "CALL {}"),),
    ),
)
