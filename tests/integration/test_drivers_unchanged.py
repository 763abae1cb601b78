"""Every driver ends every call the same with and without the hook, and however a query is sent it counts once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from otel_verein.instrumentation import instrument, uninstrument
from tests.integration.dialects import odd_statements
from tests.integration.drivers import drivers
from tests.integration.harness import Dialect, Watched
from tests.integration.outcomes import in_operation, outcome


def bare_and_hooked(attempt: Callable[[], object]) -> tuple[object, object]:
    """What *attempt* gives with the bare driver, and in a watched operation with the hook."""
    bare = attempt()
    instrument()
    try:
        return bare, in_operation(attempt)
    finally:
        uninstrument()


@drivers()
@pytest.mark.parametrize("method", ["execute", "executemany"])
def test_odd_statements_end_the_same(dialect: Dialect, method: str) -> None:
    """Whatever is passed, result, rows and exception (type and arguments) are those of the bare driver."""

    def attempt() -> object:
        found = {}
        for name, arguments in odd_statements(dialect.mark, dialect.odd).items():
            connection = dialect.connect()
            cursor = connection.cursor()
            ended = outcome(lambda cursor=cursor, given=arguments: getattr(cursor, method)(*given))
            found[name] = ended, cursor.rowcount, outcome(cursor.fetchall), getattr(cursor, "statusmessage", None)
            outcome(connection.close)
        return found

    bare, hooked = bare_and_hooked(attempt)

    assert bare == hooked


@drivers()
def test_a_closed_cursor_or_connection_refuses_the_same(dialect: Dialect, no_faults: None) -> None:
    """Calls after ``close`` raise what the driver raises, and are no fault of ours."""

    def attempt() -> object:
        connection = dialect.connect()
        cursor, other = connection.cursor(), connection.cursor()
        cursor.close()
        closed_cursor = outcome(lambda: cursor.execute("select 1"))
        connection.close()
        return closed_cursor, outcome(lambda: other.execute("select 1")), outcome(connection.cursor)

    bare, hooked = bare_and_hooked(attempt)

    assert bare == hooked


@drivers()
def test_with_blocks_iteration_and_attributes_stay(dialect: Dialect) -> None:
    """``with``, ``for`` and setting attributes end as with the bare driver, on connection and cursor."""

    def attempt() -> object:
        connection = dialect.connect()
        cursor = connection.cursor()
        cursor.execute("select 1 as one")
        found = [
            [tuple(row) for row in cursor],
            outcome(lambda: setattr(cursor, "of_the_application", 1)).raised,
            outcome(lambda: setattr(cursor, "arraysize", 7)),
            cursor.arraysize,
            hasattr(cursor, "__enter__") and cursor.__enter__() is cursor,
            isinstance(cursor, type(connection.cursor())),
            type(cursor).__name__,
            type(connection).__name__,
            type(connection).__module__,
        ]
        cursor.close()
        found.append(outcome(lambda: connection.__enter__() is connection))
        outcome(lambda: connection.__exit__(None, None, None))
        outcome(connection.close)
        return found

    bare, hooked = bare_and_hooked(attempt)

    assert bare == hooked


@drivers("psycopg", "pymysql", "mysqlclient", "mysql-connector", "mysql-connector-c", "pyodbc-mariadb")
def test_types_are_the_drivers_own(dialect: Dialect) -> None:
    """Where methods are replaced in place, the very types of connections and cursors stay."""

    def attempt() -> object:
        connection = dialect.connect()
        found = type(connection), type(connection.cursor())
        connection.close()
        return found

    bare, hooked = bare_and_hooked(attempt)

    assert bare == hooked


@drivers("sqlite3", "psycopg2")
@pytest.mark.xfail(strict=True, reason="the name of a class made by Python has no module in front")
def test_an_error_that_names_the_type_stays(dialect: Dialect) -> None:
    """``len(cursor)`` raises a TypeError with the driver's dotted type name: ours lacks the module."""

    def attempt() -> object:
        return outcome(lambda: len(dialect.connect().cursor()))

    bare, hooked = bare_and_hooked(attempt)

    assert bare == hooked


@drivers()
def test_an_exception_in_a_with_block_stays(dialect: Dialect, watched: Watched) -> None:
    """What the application raises inside ``with connection`` comes out, and the queries before it count."""
    connection = dialect.connect()

    def work() -> None:
        with connection:
            connection.cursor().execute(f"update item set n = 5 where id = {dialect.mark}", (-1,))
            raise KeyError("application")

    def attempt() -> None:
        with pytest.raises(KeyError, match="application"):
            work()

    assert 1 == watched.count_of(attempt)
    outcome(connection.close)


@drivers()
def test_driver_traffic_is_no_query(dialect: Dialect, watched: Watched) -> None:
    """commit, rollback, ping with reconnect and close send what they send, and count as nothing."""
    connection = dialect.connect()
    cursor = connection.cursor()

    def work() -> None:
        cursor.execute(f"update item set n = 6 where id = {dialect.mark}", (-1,))
        connection.commit()
        if hasattr(connection, "ping"):
            outcome(lambda: connection.ping(reconnect=True))
        connection.rollback()
        cursor.close()
        connection.close()

    assert 1 == watched.count_of(work)


@drivers()
@pytest.mark.parametrize(
    "text", ["", "  ", "/* x */", "-- x", ";"], ids=["empty", "blank", "comment", "dashes", "semi"]
)
def test_a_statement_of_nothing_is_no_query(text: str, dialect: Dialect, watched: Watched, no_faults: None) -> None:
    """Nothing to run is nothing to count, whether the driver refuses it or not, and no fault."""
    connection = dialect.connect()

    assert 0 == watched.count_of(lambda: outcome(lambda: connection.cursor().execute(text)))
    outcome(connection.close)


@drivers()
def test_a_failing_statement_counts_with_its_error(dialect: Dialect, watched: Watched) -> None:
    """A statement that the database refuses is one query and one error of the operation."""
    connection = dialect.connect()
    watched.exporter.clear()

    with watched.tracer.start_as_current_span("one"):
        ended = outcome(lambda: connection.cursor().execute("select * from nowhere"))

    (root,) = watched.roots()
    assert ended.raised is not None
    assert issubclass(ended.raised, dialect.errors)
    assert (1, 1) == tuple(root.attributes[f"verein.db.{name}_count"] for name in ("query", "error"))
    outcome(connection.close)


@drivers()
def test_instrumenting_again_and_again_counts_once(dialect: Dialect) -> None:
    """instrument, uninstrument, instrument, twice, with connections opened between and from threads: each query once.

    A connection opened while nothing was hooked works, too, whether its queries are counted or not.
    """
    opened = [dialect.connect()]
    for _ in range(2):
        instrument()
        opened.append(dialect.connect())
        uninstrument()
        opened.append(dialect.connect())
    instrument()
    instrument()
    watched = Watched()

    with ThreadPoolExecutor(4) as pool:
        opened += list(pool.map(lambda _: dialect.connect(), range(4)))
    counts = [watched.count_of(lambda c=connection: c.cursor().execute("select 1")) for connection in opened]

    uninstrument()
    later = dialect.connect()
    assert {1} == set(counts[-4:])
    assert set(counts) <= {0, 1}
    assert 0 == watched.count_of(lambda: later.cursor().execute("select 1"))
    watched.shutdown()
    for connection in [*opened, later]:
        outcome(connection.close)


@drivers("psycopg", "pymysql", "mysqlclient", "mysql-connector", "mysql-connector-c", "pyodbc-mariadb")
def test_connections_opened_before_count_too(dialect: Dialect) -> None:
    """Where methods are replaced in place, connections and cursors that are older than the hook count."""
    connection = dialect.connect()
    cursor = connection.cursor()

    instrument()
    watched = Watched()

    assert 1 == watched.count_of(lambda: cursor.execute("select 1"))
    uninstrument()
    watched.shutdown()
    outcome(connection.close)


@drivers("sqlite3", "psycopg2")
def test_connections_opened_before_go_on_uncounted(dialect: Dialect, no_faults: None) -> None:
    """Where classes are put into ``connect``, older connections work as before and are known not to count."""
    connection = dialect.connect()

    instrument()
    watched = Watched()

    assert 0 == watched.count_of(lambda: connection.cursor().execute("select 1"))
    uninstrument()
    watched.shutdown()
    connection.close()


KEYWORDS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "psycopg": ((), {"query": "select %s", "params": (1,)}),
    "psycopg2": ((), {"query": "select %s", "vars": (1,)}),
    "pymysql": ((), {"query": "select %s", "args": (1,)}),
    "mysqlclient": ((), {"query": "select %s", "args": (1,)}),
    "mysql-connector": ((), {"operation": "select %s", "params": (1,)}),
    "mysql-connector-c": ((), {"operation": "select %s", "params": (1,)}),
}


@drivers(*KEYWORDS)
def test_keyword_forms_count_and_return_the_rows(
    dialect: Dialect, watched: Watched, request: pytest.FixtureRequest
) -> None:
    """Statement and parameters by the driver's own keywords reach the driver and count once."""
    name = next(name for name in KEYWORDS if f"[{name}]" in request.node.name)
    args, kwargs = KEYWORDS[name]
    connection = dialect.connect()
    cursor = connection.cursor()

    assert 1 == watched.count_of(lambda: cursor.execute(*args, **kwargs))
    assert [(1,)] == list(cursor.fetchall())
    connection.close()
