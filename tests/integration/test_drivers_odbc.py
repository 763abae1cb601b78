"""pyodbc: final C types whose methods are replaced, so that no object and no type is another one."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest

from otel_verein.instrumentation import instrument, uninstrument
from tests.conftest import absent
from tests.integration.drivers import drivers
from tests.integration.harness import Dialect, Watched
from tests.integration.outcomes import outcome
from tests.integration.test_drivers_unchanged import bare_and_hooked

try:
    import pyodbc
except ImportError as missing:  # pragma: no cover - only where the driver is not installed
    absent(f"pyodbc cannot be imported: {missing}")

pytestmark = pytest.mark.service
servers = drivers("pyodbc-mariadb", "pyodbc-postgres")

WAYS: dict[str, Callable[[Any], object]] = {
    "cursor": lambda connection: connection.cursor().execute("select 1"),
    "connection": lambda connection: connection.execute("select 1"),
    "connection with a parameter": lambda connection: connection.execute("select n from item where id = ?", -1),
    "spread parameters": lambda connection: connection.cursor().execute(
        "select n from item where id in (?, ?)", -1, -2
    ),
    "a list": lambda connection: connection.cursor().execute("select n from item where id = ?", [-1]),
    "executemany": lambda connection: connection.cursor().executemany("insert into item (n) values (?)", [(1,), (2,)]),
    "failing": lambda connection: outcome(lambda: connection.execute("select * from nowhere")),
    "cursor class of the driver": lambda connection: pyodbc.Cursor.execute(connection.cursor(), "select 1"),
}


@servers
@pytest.mark.parametrize("way", WAYS)
def test_each_way_to_query_counts_once(way: str, dialect: Dialect, watched: Watched, no_faults: None) -> None:
    """However a query is sent it is one query."""
    connection = dialect.connect()

    assert 1 == watched.count_of(lambda: WAYS[way](connection))
    connection.close()


@servers
def test_types_rows_and_results_stay(dialect: Dialect, watched: Watched) -> None:
    """Types are the driver's very own; execute returns its cursor; rows are rows, by name, index and iteration."""
    connection = dialect.connect()
    cursor = connection.cursor()

    executed = cursor.execute("select 1 as one, 2 as two")
    row = cursor.fetchone()

    assert type(connection) is pyodbc.Connection
    assert type(cursor) is pyodbc.Cursor
    assert executed is cursor
    assert type(connection.execute("select 1")) is pyodbc.Cursor
    assert type(row) is pyodbc.Row
    assert (1, 2, [1, 2]) == (row.one, row[1], list(row))
    assert [1, 2] == list(pickle.loads(pickle.dumps(row)))  # noqa: S301 - our own bytes
    connection.close()


@servers
def test_the_rest_of_the_driver_stays(dialect: Dialect) -> None:
    """Output converters, attributes, context managers, catalogs and pickling end as without the hook."""

    def attempt() -> object:
        connection = dialect.connect()
        connection.add_output_converter(pyodbc.SQL_VARCHAR, lambda value: value)
        cursor = connection.cursor()
        cursor.fast_executemany = True
        found = [
            outcome(lambda: setattr(connection, "timeout", 3)),
            connection.timeout,
            cursor.fast_executemany,
            connection.autocommit,
            outcome(lambda: setattr(cursor, "of_the_application", 1)),
            outcome(lambda: pickle.dumps(connection)),
            outcome(lambda: type("Own", (pyodbc.Cursor,), {})),
            cursor.execute("select 1 union all select 2").fetchval(),
            cursor.description,
            bool(cursor.tables(table="item").fetchall()),
            pyodbc.Cursor.execute.__name__,
            pyodbc.Cursor.execute.__doc__,
        ]
        with connection.cursor() as entered:
            found.append(type(entered))
        with connection as entered:
            found.append(entered is connection)
        connection.close()
        return found

    bare, hooked = bare_and_hooked(attempt)

    assert bare == hooked


@servers
def test_the_database_behind_odbc_is_told(dialect: Dialect, watched: Watched, request: pytest.FixtureRequest) -> None:
    """The span of a query names the database system that the ODBC driver reports, with its name and address."""
    connection = dialect.connect()
    watched.exporter.clear()

    with watched.tracer.start_as_current_span("one"):
        connection.execute("select n from item")

    watched.roots()
    (query,) = [span for span in watched.exporter.get_finished_spans() if span.parent is not None]
    expected = ("mariadb", "verein") if "mariadb" in request.node.name else ("postgresql", "postgres")
    assert expected == (query.attributes["db.system.name"], query.attributes["db.namespace"])
    assert "127.0.0.1" == query.attributes["server.address"]
    connection.close()


def test_the_methods_come_back() -> None:
    """After ``uninstrument`` the C methods are in their places, by identity, however often it was done."""
    before = {name: vars(pyodbc.Cursor)[name] for name in ("execute", "executemany")}

    for _ in range(3):
        instrument()
        replaced = pyodbc.Cursor.execute
        uninstrument()

    assert before == {name: vars(pyodbc.Cursor)[name] for name in before}
    assert before["execute"] is pyodbc.Cursor.execute
    assert before["execute"] is not replaced
