"""A slow query says how many rows it returned, where its driver knows them without fetching; no other query does."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from otel_verein.config import Config
from otel_verein.config.schema import Limits, Sampling, Thresholds
from otel_verein.faults import FAULTS
from otel_verein.instrumentation import instrument, uninstrument
from otel_verein.instrumentation.drivers.async_table import ASYNC_HOOKS
from tests.conftest import absent
from tests.integration.harness import Watched
from tests.services import MariaDB, Postgres

try:
    import aiomysql
    import asyncmy
    import asyncpg
    import mysql.connector
    import MySQLdb
    import MySQLdb.cursors
    import psycopg
    import psycopg2
    import pymysql
    import pymysql.cursors
except ImportError as missing:  # pragma: no cover - only where the drivers are not installed
    absent(f"a driver cannot be imported: {missing}")

Rows = list[int | None]

ALL_SLOW_S = 1e-9
NONE_SLOW_S = 60.0
READ = "select id, n from few where n = 1"
NOTHING = "select id from few where n = 99"
WRITE = "update few set n = n"
RAISES = "select nothing from few"


def configured(slow_query_s: float, **options: Any) -> Config:
    """Everything kept, and this bound."""
    return Config(sampling=Sampling(ratio=1.0), thresholds=Thresholds(slow_query_s=slow_query_s), **options)


def rows_of(watched: Watched) -> Rows:
    """The returned rows of the query spans, in the order of the queries."""
    watched.processor.force_flush()
    spans = [span for span in watched.exporter.get_finished_spans() if span.parent is not None]
    ordered = sorted(spans, key=lambda span: span.start_time or 0)
    return [(span.attributes or {}).get("db.response.returned_rows") for span in ordered]  # type: ignore[misc]


def recorded(work: Callable[[], object], config: Config) -> Rows:
    """The returned rows of the queries of one operation that does *work*."""
    watched = Watched(config)
    try:
        with watched.tracer.start_as_current_span("one"):
            work()
        return rows_of(watched)
    finally:
        watched.shutdown()


def recorded_async(work: Callable[[], Awaitable[object]], slow_query_s: float = ALL_SLOW_S) -> Rows:
    """The same for awaited work, with every query slow unless told otherwise."""
    for hook in ASYNC_HOOKS:
        hook.install()
    try:
        return recorded(lambda: asyncio.run(work()), configured(slow_query_s))  # type: ignore[arg-type]
    finally:
        for hook in ASYNC_HOOKS:
            hook.remove()


@pytest.fixture(params=["lanes", "general form"])
def hooks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All drivers hooked, with the compiled lanes and without."""
    monkeypatch.setenv("VEREIN_FASTLANE", "on" if request.param == "lanes" else "off")
    instrument()
    yield
    uninstrument()


@pytest.fixture(scope="module")
def table(postgres: Postgres) -> str:
    """The address of a database with a table of six rows, three of them with n = 1."""
    with psycopg.connect(postgres.url) as connection:
        connection.execute("drop table if exists few")
        connection.execute("create table few as select id, id % 2 as n from generate_series(1, 6) id")
    return postgres.url


@pytest.fixture(scope="module")
def maria(mariadb: MariaDB) -> dict[str, Any]:
    """How to connect to the same in MariaDB."""
    with closing(pymysql.connect(autocommit=True, **mariadb.address)) as connection:
        cursor = connection.cursor()
        cursor.execute("drop table if exists few")
        cursor.execute("create table few (id int, n int)")
        cursor.execute("insert into few values (1, 1), (2, 0), (3, 1), (4, 0), (5, 1), (6, 0)")
    return dict(mariadb.address)


def usual(cursor: Any, error: type[Exception]) -> None:
    """A query with rows, one without any, a write, one that fails, and the first one again."""
    for statement in (READ, NOTHING):
        cursor.execute(statement)
        cursor.fetchall()
    cursor.execute(WRITE)
    with pytest.raises(error):
        cursor.execute(RAISES)


USUAL: Rows = [3, 0, None, None]


@pytest.mark.usefixtures("hooks", "no_faults")
@pytest.mark.parametrize("driver", [psycopg, psycopg2], ids=lambda driver: driver.__name__)
def test_a_cursor_of_postgresql_says_its_rows(driver: Any, table: str) -> None:
    """Those of a result, 0 for an empty one; written rows are not returned ones, and a failed query has none."""
    with closing(driver.connect(table)) as connection:
        connection.autocommit = True

        seen = recorded(lambda: usual(connection.cursor(), driver.Error), configured(ALL_SLOW_S))

    assert seen == USUAL


@pytest.mark.usefixtures("hooks", "no_faults")
def test_rows_of_a_write_that_returns_them(table: str) -> None:
    """They are rows of a result."""
    with closing(psycopg.connect(table, autocommit=True)) as connection:
        seen = recorded(
            lambda: connection.execute("update few set n = n where id < %s returning id", (5,)), configured(ALL_SLOW_S)
        )

    assert seen == [4]


@pytest.mark.usefixtures("hooks", "no_faults")
def test_rows_in_the_server_are_unknown(table: str) -> None:
    """Those of server-side cursors, of streams and of a batch, and of several statements in one text."""

    def work() -> None:
        with modern.cursor(name="portal") as cursor:
            cursor.execute(READ).fetchall()
        with older.cursor("portal") as cursor:
            cursor.execute(READ + " or n = 2")
            cursor.fetchall()
        assert len(list(modern.cursor().stream(READ + " or n = 3"))) == 3
        modern.cursor().executemany("select %s::int", [(1,), (2,)], returning=True)
        modern.execute(f"{NOTHING}; {READ}")
        modern.execute(f"{READ} ;")

    with closing(psycopg.connect(table)) as modern, closing(psycopg2.connect(table)) as older:
        seen = recorded(work, configured(ALL_SLOW_S))

    assert seen == [None, None, None, None, None, 3]


@pytest.mark.usefixtures("hooks", "no_faults")
@pytest.mark.parametrize("driver", [pymysql, MySQLdb], ids=["PyMySQL", "mysqlclient"])
def test_a_cursor_of_mysql_says_its_rows(driver: Any, maria: dict[str, Any]) -> None:
    """As one of PostgreSQL does; an unbuffered cursor, which says 2**64 - 1, does not know them."""

    def unbuffered() -> None:
        cursor = connection.cursor(driver.cursors.SSCursor)
        cursor.execute(READ)
        cursor.fetchall()
        cursor.close()

    with closing(driver.connect(**maria)) as connection:
        seen = recorded(lambda: usual(connection.cursor(), driver.Error), configured(ALL_SLOW_S))
        in_the_server = recorded(unbuffered, configured(ALL_SLOW_S))

    assert seen == USUAL
    assert in_the_server == [None]


@pytest.mark.usefixtures("hooks", "no_faults")
@pytest.mark.parametrize("pure", [True, False], ids=["in Python", "in C"])
def test_a_buffered_cursor_of_mysql_connector_says_its_rows(pure: bool, maria: dict[str, Any]) -> None:
    """One that is not buffered says 0 before it fetches, which is not believed."""
    if not pure and not mysql.connector.HAVE_CEXT:
        pytest.skip("the C extension of mysql-connector-python cannot be loaded after ssl was imported")
    with closing(mysql.connector.connect(use_pure=pure, autocommit=True, **maria)) as connection:
        seen = recorded(lambda: usual(connection.cursor(buffered=True), mysql.connector.Error), configured(ALL_SLOW_S))
        in_the_server = recorded(lambda: usual(connection.cursor(), mysql.connector.Error), configured(ALL_SLOW_S))

    assert seen == USUAL
    assert in_the_server == [None] * 4


@pytest.mark.usefixtures("hooks", "no_faults")
def test_a_query_that_is_not_slow_is_not_asked(table: str) -> None:
    """Under ``thresholds.slow_query_s`` there is no attribute, whatever the driver knows; SQLite never knows."""

    def in_sqlite() -> None:
        connection.execute("select 1").fetchall()

    with closing(psycopg.connect(table)) as quick, closing(sqlite3.connect(":memory:")) as connection:
        seen = recorded(lambda: quick.cursor().execute(READ), configured(NONE_SLOW_S))
        never = recorded(in_sqlite, configured(ALL_SLOW_S))

    assert seen == [None]
    assert never == [None]


@pytest.mark.usefixtures("hooks", "no_faults")
def test_operations_that_begin_later_follow_a_changed_bound(table: str) -> None:
    """The bound is that of the configuration under which the operation began."""
    watched = Watched(configured(NONE_SLOW_S))
    try:
        with closing(psycopg.connect(table)) as connection:
            with watched.tracer.start_as_current_span("before"):
                connection.execute(READ)
                watched.processor.reconfigure(configured(ALL_SLOW_S))
                connection.execute(READ + " and id > 0")
            with watched.tracer.start_as_current_span("after"):
                connection.execute(READ)
        seen = rows_of(watched)
    finally:
        watched.shutdown()

    assert seen == [None, None, 3]


@pytest.mark.usefixtures("hooks")
def test_a_cursor_that_cannot_say_its_rows_is_booked_all_the_same(table: str) -> None:
    """What reading them raises is a fault of ours, counted, and no word of it reaches the application."""

    class Odd(psycopg.Cursor[Any]):
        @property
        def rowcount(self) -> int:
            raise LookupError("no rows")

    before = FAULTS.counts.copy()
    with closing(psycopg.connect(table)) as connection:
        seen = recorded(lambda: Odd(connection).execute(READ).fetchall(), configured(ALL_SLOW_S))

    assert seen == [None]
    assert dict(FAULTS.counts - before) == {"instrumentation.rows": 1}


@pytest.mark.usefixtures("hooks", "no_faults")
def test_rows_outlive_folding(table: str) -> None:
    """A query that stays whole in an operation of many keeps its rows; summary spans say none."""

    def work() -> None:
        for number in range(40):
            connection.execute("select pg_sleep(%s) from few where n = 1", (0.11 if number == 3 else 0.0,))

    few = Limits(records_per_operation=10)
    with closing(psycopg.connect(table)) as connection:
        seen = recorded(work, configured(0.3, limits=few))

    assert [rows for rows in seen if rows is not None] == [3]
    assert len(seen) > 1


def test_awaited_cursors_say_their_rows(table: str, maria: dict[str, Any]) -> None:
    """Those of psycopg, aiomysql and asyncmy, as their synchronous kin do."""

    async def run(cursor: Any, error: type[Exception]) -> None:
        for statement in (READ, NOTHING):
            await cursor.execute(statement)
            await cursor.fetchall()
        await cursor.execute(WRITE)
        with pytest.raises(error):
            await cursor.execute(RAISES)

    async def in_postgresql() -> None:
        async with await psycopg.AsyncConnection.connect(table, autocommit=True) as connection:
            await run(connection.cursor(), psycopg.Error)

    async def in_one_text() -> None:
        async with await psycopg.AsyncConnection.connect(table, autocommit=True) as connection:
            await connection.cursor().execute(f"{NOTHING}; {READ}")

    def in_mysql(driver: Any) -> Callable[[], Awaitable[None]]:
        async def work() -> None:
            address = {name: value for name, value in maria.items() if name != "database"}
            connection = await driver.connect(db=maria["database"], autocommit=True, **address)
            async with connection.cursor() as cursor:
                await run(cursor, Exception)
            async with connection.cursor(driver.cursors.SSCursor) as cursor:
                await cursor.execute(READ)
                await cursor.fetchall()
            connection.close()

        return work

    assert recorded_async(in_postgresql) == USUAL
    assert recorded_async(in_postgresql, NONE_SLOW_S) == [None] * 4
    assert recorded_async(in_one_text) == [None]
    assert recorded_async(in_mysql(aiomysql)) == [*USUAL, None]
    assert recorded_async(in_mysql(asyncmy)) == [*USUAL, None]


def test_rows_of_asyncpg(table: str) -> None:
    """A list tells its length; the first row alone is 1, unless it is the first of an order or may be none."""
    calls: list[tuple[str, str, int | None]] = [
        ("fetch", READ, 3),
        ("fetch", NOTHING, 0),
        ("fetch", WRITE, None),
        ("fetch", WRITE + " returning id", 6),
        ("fetchrow", READ + " and id > 0", 1),
        ("fetchrow", NOTHING + " and id > 0", None),
        ("fetchrow", READ + " order by id", None),
        ("fetchval", READ + " and id > 1", 1),
        ("execute", READ + " and id > 2", None),
    ]

    async def work() -> None:
        connection = await asyncpg.connect(table)
        for method, statement, _ in calls:
            await getattr(connection, method)(statement)
        prepared = await connection.prepare(READ + " and id > $1")
        await prepared.fetch(1)
        await connection.close()

    assert recorded_async(work) == [*(rows for _, _, rows in calls), 2]
