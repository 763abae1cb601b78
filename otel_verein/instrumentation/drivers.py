"""The table of drivers: which module, which classes, and how their cursors come to be recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any


class Style(Enum):
    """How a driver is hooked.

    SUBCLASS: the driver's classes are C types, so ``connect`` is given a real subclass of them, right above the
    C type and below any class of the application; C-level type checks pass. PATCH: they are Python classes,
    whose methods are replaced in place, so every alias, pool and subclass is covered and no type changes.
    """

    SUBCLASS = "subclass"
    PATCH = "patch"


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
class Driver:
    """One DB-API driver.

    ``module`` is what applications import; ``hooked_after`` the module after whose import it can be hooked.
    ``cursors`` are the classes that send statements, ``connection_shortcuts`` the methods of a connection that do
    so without a cursor of Python, ``streams`` and ``copies`` the cursor methods that run their statement later, as
    generators and context managers. ``connect_factory`` and ``cursor_factory`` say where ``connect`` and ``cursor``
    take a class. ``connection_attributes`` say where a connection keeps its target, in the form of
    ``opentelemetry-instrumentation-dbapi``. ``nested`` says that batch methods call ``execute`` themselves.
    ``instrumentors`` are the upstream entry points that would count the same calls.
    """

    name: str
    module: str
    system: str
    style: Style
    hooked_after: str
    cursors: tuple[str, ...]
    connection: str = ""
    connection_attributes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    statement_keyword: str = "query"
    parameter_keyword: str = "params"
    connect_factory: Factory = Factory(0, "")
    cursor_factory: Factory = Factory(0, "")
    connection_shortcuts: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    nested: bool = False
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
        connection_attributes=_LIBPQ,
        parameter_keyword="vars",
        instrumentors=("psycopg2",),
    ),
    Driver(
        name="psycopg",
        module="psycopg",
        system="postgresql",
        style=Style.PATCH,
        hooked_after="psycopg",
        cursors=("Cursor", "ServerCursor"),
        streams=("stream",),
        copies=("copy",),
        connection_attributes=_LIBPQ,
        instrumentors=("psycopg",),
    ),
    Driver(
        name="pymysql",
        module="pymysql",
        system="mysql",
        style=Style.PATCH,
        hooked_after="pymysql.cursors",
        cursors=("cursors.Cursor",),
        connection_attributes=_MYSQL,
        parameter_keyword="args",
        nested=True,
        instrumentors=("pymysql",),
    ),
    Driver(
        name="mysqlclient",
        module="MySQLdb",
        system="mysql",
        style=Style.PATCH,
        hooked_after="MySQLdb.cursors",
        cursors=("cursors.BaseCursor",),
        connection_attributes=_MYSQL,
        parameter_keyword="args",
        nested=True,
        instrumentors=("mysqlclient",),
    ),
)

REPLACED_INSTRUMENTORS = frozenset({name for driver in DRIVERS for name in driver.instrumentors} | {"sqlalchemy"})
"""Upstream entry points that the distro leaves out: each would make a second span of a query counted here."""
