"""Whose time it is on asynchronous drivers: that of fetches belongs to their statement."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from otel_verein.instrumentation.drivers.async_table import SERVER_CURSOR_HOOK
from tests.conftest import absent
from tests.integration.async_dialects import count_of, run_async, watching
from tests.integration.harness import Watched
from tests.services import MariaDB, Postgres

try:
    import aiomysql
    import aiosqlite
    import psycopg

    from tests.integration.async_calls import AioMySQL, Asyncpg, PsycopgAsync
except ImportError as missing:  # pragma: no cover - only where the drivers are not installed
    absent(f"an asynchronous driver cannot be imported: {missing}")

Work = Callable[[Any], Awaitable[object]]


async def _db_ms(watched: Watched, work: Callable[[], Awaitable[object]]) -> tuple[int, float]:
    """Our query count and database time of one operation that awaits *work*."""
    queries = await count_of(watched, work)
    (root,) = watched.roots()
    assert root.attributes is not None
    return queries, float(root.attributes["verein.db.duration_ms"])  # type: ignore[arg-type]


@pytest.mark.service
def test_a_pipeline_charges_nobody_with_what_others_take(postgres: Postgres) -> None:
    """Queueing is short, whatever the server does meanwhile; the wait at the end of the pipeline belongs to none."""

    async def work() -> tuple[int, float]:
        with watching() as watched:
            connection = await PsycopgAsync(postgres).connect()

            async def pipeline() -> None:
                async with connection.pipeline():
                    await connection.execute("select 1")
                    await connection.execute("select pg_sleep(1)")

            measured = await _db_ms(watched, pipeline)
            await connection.close()
        return measured

    queries, milliseconds = run_async(work)

    assert 2 == queries
    assert milliseconds < 900


async def _asyncpg_iteration(connection: Any) -> None:
    async with connection.transaction():
        async for _ in connection.cursor("select pg_sleep(0.05) from generate_series(1, 4)", prefetch=1):
            pass


async def _asyncpg_portal(connection: Any) -> None:
    async with connection.transaction():
        cursor = await connection.cursor("select pg_sleep(0.05) from generate_series(1, 4)")
        await cursor.fetch(4)


async def _psycopg_portal(connection: Any) -> None:
    async with connection.transaction(), connection.cursor("portal") as cursor:
        await cursor.execute("select pg_sleep(0.05) from generate_series(1, 4)")
        await cursor.fetchone()
        await cursor.fetchall()


async def _psycopg_pages(connection: Any) -> None:
    async with connection.transaction(), connection.cursor("portal") as cursor:
        cursor.itersize = 2
        await cursor.execute("select pg_sleep(0.05) from generate_series(1, 4)")
        async for _ in cursor:
            pass


async def _psycopg_stream(connection: Any) -> None:
    async for _ in connection.cursor().stream("select pg_sleep(0.05) from generate_series(1, 4)"):
        pass


SLOW: dict[str, tuple[Any, Work]] = {
    "asyncpg iteration": (Asyncpg, _asyncpg_iteration),
    "asyncpg portal": (Asyncpg, _asyncpg_portal),
    "psycopg portal": (PsycopgAsync, _psycopg_portal),
    "psycopg pages": (PsycopgAsync, _psycopg_pages),
    "psycopg stream": (PsycopgAsync, _psycopg_stream),
}


def _measured(dialect: Any, work: Work) -> tuple[int, float]:
    async def all_of_it() -> tuple[int, float]:
        with watching() as watched:
            connection = await dialect.connect()
            measured = await _db_ms(watched, lambda: work(connection))
            await dialect.close(connection)
        return measured

    found: tuple[int, float] = run_async(all_of_it)
    return found


@pytest.mark.service
@pytest.mark.parametrize(("kind", "work"), SLOW.values(), ids=SLOW)
def test_time_of_fetches_belongs_to_the_statement(kind: Any, work: Work, postgres: Postgres) -> None:
    """Rows that take 200 ms to fetch over the network make one query of at least that time."""
    queries, milliseconds = _measured(kind(postgres), work)

    assert 1 == queries
    assert milliseconds >= 190


@pytest.mark.service
def test_synchronous_portals_own_their_fetches(postgres: Postgres) -> None:
    """psycopg's synchronous server-side cursor: one query, with the time of its pages; results as ever."""
    watched = Watched()
    SERVER_CURSOR_HOOK.install()
    try:
        with psycopg.connect(postgres.url) as connection, connection.cursor("portal") as cursor:
            cursor.itersize = 1
            with watched.tracer.start_as_current_span("one"):
                assert cursor.execute("select n, pg_sleep(0.05) from generate_series(1, 4) n") is cursor
                assert [1, 2] == [next(cursor)[0], next(cursor)[0]]
                assert [3] == [row[0] for row in cursor.fetchmany(1)]
                assert [4] == [row[0] for row in cursor.fetchall()]
    finally:
        SERVER_CURSOR_HOOK.remove()
    (root,) = watched.roots()
    watched.shutdown()

    assert root.attributes is not None
    assert 1 == root.attributes["verein.db.query_count"]
    assert float(root.attributes["verein.db.duration_ms"]) >= 190  # type: ignore[arg-type]


@pytest.mark.service
def test_unbuffered_rows_of_mysql_belong_to_the_statement(mariadb: MariaDB) -> None:
    """The rows of an ``SSCursor`` are read over the network; their time is the statement's."""

    async def work(connection: Any) -> None:
        async with connection.cursor(aiomysql.SSCursor) as cursor:
            # Rows go out as the server's buffer fills: each is made large.
            await cursor.execute("select repeat('x', 100000), sleep(0.05) from seq_1_to_4")
            assert 4 == len(await cursor.fetchall())

    queries, milliseconds = _measured(AioMySQL(mariadb), work)

    assert 1 == queries
    assert milliseconds >= 190


async def _slow_connection() -> Any:
    connection = await aiosqlite.connect(":memory:")

    def slow(value: int) -> int:
        time.sleep(0.05)  # the work of the database that is measured
        return value

    await connection.create_function("slow", 1, slow)
    return connection


def test_aiosqlite_rows_belong_to_the_statement() -> None:
    """SQLite makes rows as they are fetched; that time is the statement's, too."""

    async def work() -> tuple[int, float]:
        with watching() as watched:
            connection = await _slow_connection()

            async def fetch() -> None:
                cursor = await connection.execute("select slow(value) from json_each('[1, 2, 3, 4]')")
                assert 4 == len(list(await cursor.fetchall()))

            measured = await _db_ms(watched, fetch)
            await connection.close()
        return measured

    queries, milliseconds = run_async(work)

    assert 1 == queries
    assert milliseconds >= 190
