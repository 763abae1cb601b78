"""PyMySQL and mysqlclient behave the same with and without the hook."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from otel_verein.instrumentation import instrument, uninstrument
from tests.conftest import absent
from tests.integration.harness import Watched
from tests.integration.outcomes import in_operation, outcome
from tests.services import MariaDB

try:
    import MySQLdb
    import MySQLdb.cursors
    import pymysql
    import pymysql.cursors
except ImportError as missing:  # pragma: no cover - only where the drivers are not installed
    absent(f"a MySQL driver cannot be imported: {missing}")

pytestmark = pytest.mark.service
drivers = pytest.mark.parametrize("driver", [pymysql, MySQLdb], ids=["pymysql", "mysqlclient"])

ODD = {
    "empty": ("",),
    "blank": ("  ",),
    "comment": ("-- x",),
    "none": (None,),
    "bytes": (b"select 1",),
    "number": (1,),
    "no arguments": (),
    "too many": ("select 1", (), 3),
    "two statements": ("select 1; select 2",),
    "syntax": ("selec 1",),
    "missing table": ("select * from nowhere",),
    "missing parameter": ("select %s", ()),
    "odd parameter": ("select %s", (object(),)),
    "named": ("select %(a)s", {"a": 1}),
    "surrogate": ("select '\ud800'",),
}


@drivers
@pytest.mark.parametrize("method", ["execute", "executemany"])
@pytest.mark.parametrize("arguments", ODD.values(), ids=ODD.keys())
def test_odd_statements_end_the_same(arguments: tuple[Any, ...], method: str, driver: Any, mariadb: MariaDB) -> None:
    """Whatever is passed, result and exception (type and arguments) are those of the bare driver."""

    def attempt() -> object:
        connection = driver.connect(**mariadb.address)
        cursor = connection.cursor()
        found = outcome(lambda: getattr(cursor, method)(*arguments)), cursor.rowcount
        connection.close()
        return found

    bare = attempt()
    instrument()
    try:
        assert bare == in_operation(attempt)
    finally:
        uninstrument()


@drivers
def test_types_and_values_stay(driver: Any, watched: Watched, mariadb: MariaDB) -> None:
    """Classes are the driver's own; execute returns the number of rows; ping and commit work."""
    connection = driver.connect(**mariadb.address)
    cursor = connection.cursor()

    assert type(connection) is driver.connections.Connection
    assert type(cursor) is driver.cursors.Cursor
    assert 1 == cursor.execute("select 1")
    assert ((1,),) == tuple(cursor.fetchall())
    assert connection.ping() is None
    assert connection.commit() is None
    with connection.cursor(driver.cursors.DictCursor) as entered:
        assert isinstance(entered, driver.cursors.DictCursor)
        entered.execute("select 1 as one")
        assert {"one": 1} == entered.fetchone()
    with connection as entered:
        assert entered is connection


WAYS: dict[str, Callable[[Any], object]] = {
    "execute": lambda cursor: cursor.execute("select 1"),
    "insert many": lambda cursor: cursor.executemany("insert into way (n) values (%s)", [(1,), (2,)]),
    "update many": lambda cursor: cursor.executemany("update way set n = 2 where n = %s", [(1,), (2,)]),
    "many of one": lambda cursor: cursor.executemany("update way set n = 2 where n = %s", [(1,)]),
    "failing": lambda cursor: outcome(lambda: cursor.execute("select * from nowhere")),
    "failing many": lambda cursor: outcome(lambda: cursor.executemany("update nowhere set n = %s", [(1,), (2,)])),
    "after a failing many": lambda cursor: cursor.execute("select 1"),
}


@drivers
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["Cursor", "SSCursor", "DictCursor"])
def test_each_way_to_query_counts_once(way: str, kind: str, driver: Any, watched: Watched, mariadb: MariaDB) -> None:
    """However a query is sent it is one, also where the driver calls ``execute`` inside ``executemany``."""
    connection = driver.connect(**mariadb.address)
    cursor = connection.cursor(getattr(driver.cursors, kind))
    cursor.execute("create table if not exists way (n integer)")
    outcome(lambda: cursor.executemany("update nowhere set n = %s", [(1,), (2,)]))

    assert 1 == watched.count_of(lambda: WAYS[way](cursor))
    cursor.close()
    connection.close()


@drivers
def test_hooking_twice_counts_once(driver: Any, mariadb: MariaDB) -> None:
    """instrument, uninstrument, instrument, instrument: one query is one, and one uninstrument undoes it."""
    instrument()
    uninstrument()
    instrument()
    instrument()
    watched = Watched()
    connection = driver.connect(**mariadb.address)
    assert 1 == watched.count_of(lambda: connection.cursor().execute("select 1"))

    uninstrument()

    later = driver.connect(**mariadb.address)
    assert 0 == watched.count_of(lambda: later.cursor().execute("select 1"))
    watched.shutdown()
    connection.close()
    later.close()
