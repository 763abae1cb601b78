"""What only the MySQL drivers have: cursor kinds, rewritten batches, procedures, several statements, pools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import absent
from tests.integration.drivers import drivers
from tests.integration.harness import Dialect, Watched
from tests.integration.outcomes import outcome
from tests.integration.processes import in_a_process
from tests.services import MariaDB

try:
    import mysql.connector
    import MySQLdb
    import MySQLdb.cursors
    import pymysql
    import pymysql.cursors
except ImportError as missing:  # pragma: no cover - only where the drivers are not installed
    absent(f"a MySQL driver cannot be imported: {missing}")

pytestmark = pytest.mark.service

NAMES = ("pymysql", "mysqlclient", "mysql-connector", "mysql-connector-c")
PROCEDURE = "create or replace procedure add_one(in a int, out b int) begin set b = a + 1; end"

WAYS: dict[str, Callable[[Any], object]] = {
    "execute": lambda cursor: cursor.execute("update item set n = 1 where id = -1"),
    "insert many": lambda cursor: cursor.executemany("insert into item (n) values (%s)", [(1,), (2,)]),
    "insert many, rewritten": lambda cursor: cursor.executemany(
        "insert into item (id, n) values (%s, %s) on duplicate key update n = 2", [(-7, 1), (-8, 2)]
    ),
    "update many": lambda cursor: cursor.executemany("update item set n = 2 where id = %s", [(-1,), (-2,)]),
    "many of one": lambda cursor: cursor.executemany("update item set n = 2 where id = %s", [(-1,)]),
    "failing": lambda cursor: outcome(lambda: cursor.execute("select * from nowhere")),
    "failing many": lambda cursor: outcome(lambda: cursor.executemany("update nowhere set n = %s", [(1,), (2,)])),
    "procedure": lambda cursor: cursor.callproc("add_one", (1, 0)),
}


@drivers(*NAMES)
@pytest.mark.parametrize("way", WAYS)
def test_each_way_to_query_counts_once(way: str, dialect: Dialect, watched: Watched, no_faults: None) -> None:
    """However a query is sent it is one, also where the driver makes several calls or statements of it."""
    connection = dialect.connect()
    cursor = connection.cursor()
    cursor.execute(PROCEDURE)
    outcome(lambda: cursor.executemany("update nowhere set n = %s", [(1,), (2,)]))

    assert 1 == watched.count_of(lambda: WAYS[way](cursor))
    connection.close()


@drivers(*NAMES)
def test_a_query_after_a_batch_counts(dialect: Dialect, watched: Watched) -> None:
    """A batch, failed or not, leaves nothing behind that would hide the next query."""
    connection = dialect.connect()
    cursor = connection.cursor()

    def work() -> None:
        outcome(lambda: cursor.executemany("update nowhere set n = %s", [(1,), (2,)]))
        cursor.executemany("update item set n = 2 where id = %s", [(-1,), (-2,)])
        cursor.execute("update item set n = 1 where id = -1")

    assert 3 == watched.count_of(work)
    connection.close()


KINDS = ["Cursor", "DictCursor", "SSCursor", "SSDictCursor"]


@pytest.mark.parametrize("driver", [pymysql, MySQLdb], ids=["pymysql", "mysqlclient"])
@pytest.mark.parametrize("kind", KINDS)
def test_cursor_kinds_count_and_keep_their_rows(kind: str, driver: Any, watched: Watched, mariadb: MariaDB) -> None:
    """Buffered or not, tuples or dicts: the class is the driver's, and a query read to its end counts once."""
    connection = driver.connect(**mariadb.address)
    cursor = connection.cursor(getattr(driver.cursors, kind))
    rows: list[Any] = []

    def work() -> None:
        cursor.execute("select 1 as one union all select 2")
        rows.extend(cursor)

    assert 1 == watched.count_of(work)
    assert type(cursor) is getattr(driver.cursors, kind)
    assert ([{"one": 1}, {"one": 2}] if "Dict" in kind else [(1,), (2,)]) == rows
    cursor.close()
    connection.close()


OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "buffered": {"buffered": True},
    "dictionary": {"dictionary": True},
    "prepared": {"prepared": True},
    "raw": {"raw": True},
}


@drivers("mysql-connector", "mysql-connector-c")
@pytest.mark.parametrize("kind", OPTIONS)
def test_connector_cursor_kinds_count(kind: str, dialect: Dialect, watched: Watched, no_faults: None) -> None:
    """Each cursor kind of mysql-connector counts a query once, also one that is sent again prepared."""
    connection = dialect.connect()
    cursor = connection.cursor(**OPTIONS[kind])

    def work() -> None:
        for number in (-1, -2):
            cursor.execute("select n from item where id = %s", (number,))
            cursor.fetchall()

    assert 2 == watched.count_of(work)
    connection.close()


@drivers("mysql-connector", "mysql-connector-c")
def test_connector_asks_nothing_for_us(dialect: Dialect, watched: Watched) -> None:
    """Where a connection leads is read without a statement; only the application's and the driver's own are logged."""
    connection = dialect.connect()
    cursor = connection.cursor(buffered=True)
    cursor.execute("select %s", (0,))  # the driver asks for the SQL mode before its first parameter
    before = len(dialect.statements())

    watched.count_of(lambda: cursor.execute("select /* only this */ %s", (1,)))

    assert ["select /* only this */ 1"] == dialect.statements()[before:]
    connection.close()


@drivers("mysql-connector", "mysql-connector-c")
def test_several_statements_of_one_call_are_one_query(dialect: Dialect, watched: Watched) -> None:
    """A call with two statements is one query, and its result sets come as ever."""
    connection = dialect.connect()
    cursor = connection.cursor()
    rows: list[Any] = []

    def work() -> None:
        cursor.execute("select 1; select 2")
        rows.extend(cursor.fetchall())
        while cursor.nextset():
            rows.extend(cursor.fetchall())

    assert 1 == watched.count_of(work)
    assert [(1,), (2,)] == rows
    connection.close()


@pytest.mark.parametrize("pure", [True, False], ids=["pure", "c"])
def test_connector_pools_count(pure: bool, watched: Watched, mariadb: MariaDB) -> None:
    """Connections of a pool count, also when they come back from it."""
    if not pure and not mysql.connector.HAVE_CEXT:
        absent("the C extension of mysql-connector-python cannot be loaded here")
    pool = mysql.connector.pooling.MySQLConnectionPool(
        pool_name=f"verein{pure}", pool_size=2, use_pure=pure, **mariadb.address
    )

    def work() -> None:
        for _ in range(4):
            with pool.get_connection() as connection, connection.cursor() as cursor:
                cursor.execute("select 1")
                cursor.fetchall()

    assert 4 == watched.count_of(work)


def test_pymysql_in_place_of_mysqlclient_counts(mariadb: MariaDB) -> None:
    """``install_as_MySQLdb`` hands out PyMySQL under the other name; its queries count once.

    In a process of its own, since it replaces modules.
    """
    script = f"""
from otel_verein.instrumentation.drivers.registry import instrument
instrument()
import pymysql
pymysql.install_as_MySQLdb()
import MySQLdb
from tests.integration.harness import Watched
watched = Watched()
connection = MySQLdb.connect(**{mariadb.address!r})
print(type(connection).__module__, watched.count_of(lambda: connection.cursor().execute("select 1")))
"""

    assert "pymysql.connections 1" == in_a_process(script)
