"""What asynchronous drivers give back is of the same kinds and classes with the hook in place."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from tests.conftest import absent
from tests.integration.async_dialects import count_of, run_async, watching
from tests.services import MariaDB, Postgres

try:
    import aiomysql
    import aiosqlite
    import asyncpg
    import asyncpg.cursor
    import psycopg

    from tests.integration.async_calls import AioMySQL
except ImportError as missing:  # pragma: no cover - only where the drivers are not installed
    absent(f"an asynchronous driver cannot be imported: {missing}")


@pytest.mark.service
def test_asyncpg_objects_stay(postgres: Postgres) -> None:
    """Connections, records, prepared statements and cursors are of the driver's or the application's very classes."""

    class OwnConnection(asyncpg.Connection):  # type: ignore[misc]
        async def fetch(self, *args: Any, **kwargs: Any) -> Any:
            return await super().fetch(*args, **kwargs)

    class OwnRecord(asyncpg.Record):  # type: ignore[misc]
        pass

    async def work() -> None:
        with watching() as watched:
            connection = await asyncpg.connect(postgres.url, connection_class=OwnConnection, record_class=OwnRecord)
            assert 1 == await count_of(watched, lambda: connection.fetch("select 1"))
            (row,) = await connection.fetch("select 1 as one")
            assert (type(connection), type(row)) == (OwnConnection, OwnRecord)
            pending = connection.fetch("select 1")
            assert inspect.iscoroutine(pending)
            await pending
            assert type(await connection.prepare("select 1")) is asyncpg.prepared_stmt.PreparedStatement
            assert type(connection.cursor("select 1")) is asyncpg.cursor.CursorFactory
            assert await connection.execute("create temp table t (n int)") == "CREATE TABLE"
            await connection.close()

    run_async(work)


@pytest.mark.service
def test_asyncpg_checks_before_the_await(postgres: Postgres) -> None:
    """A released connection's statement raises when its method is called, as it does without us."""

    async def work() -> None:
        with watching():
            pool = await asyncpg.create_pool(postgres.url, min_size=1, max_size=1)
            async with pool.acquire() as connection:
                statement = await connection.prepare("select 1")
            with pytest.raises(asyncpg.InterfaceError, match=r"PreparedStatement.fetch\(\)"):
                statement.fetch()
            await pool.close()

    run_async(work)


@pytest.mark.service
def test_psycopg_objects_stay(postgres: Postgres) -> None:
    """``execute`` gives the cursor, ``stream`` an asynchronous generator, ``copy`` an asynchronous context."""

    async def work() -> None:
        with watching():
            async with await psycopg.AsyncConnection.connect(postgres.url) as connection:
                cursor = connection.cursor()
                assert await cursor.execute("select 1") is cursor
                assert type(await connection.execute("select 1")) is psycopg.AsyncCursor
                rows = cursor.stream("select generate_series(1, 3)")
                assert inspect.isasyncgen(rows)
                assert [(1,), (2,), (3,)] == [row async for row in rows]
                copy = cursor.copy("copy (select 1) to stdout")
                assert hasattr(copy, "__aenter__")
                async with copy as data:
                    assert type(data) is psycopg.AsyncCopy
                    assert [b"1\n"] == [bytes(part) async for part in data]
                assert 1 == cursor.rowcount

    run_async(work)


@pytest.mark.service
def test_a_stream_that_is_left_leaves_the_connection_usable(postgres: Postgres) -> None:
    """Breaking out of a stream, and raising inside of one, end it as they do without us."""

    async def raise_at_first(rows: Any) -> None:
        async for _ in rows:
            raise ZeroDivisionError

    async def work() -> None:
        with watching() as watched:
            async with await psycopg.AsyncConnection.connect(postgres.url, autocommit=True) as connection:

                async def leave() -> None:
                    rows = connection.cursor().stream("select generate_series(1, 100000)")
                    assert await anext(rows) == (1,)
                    await rows.aclose()
                    with pytest.raises(ZeroDivisionError):
                        await raise_at_first(connection.cursor().stream("select generate_series(1, 100000)"))

                assert 2 == await count_of(watched, leave)
                assert (1,) == await (await connection.execute("select 1")).fetchone()

    run_async(work)


@pytest.mark.service
def test_aiomysql_objects_stay(mariadb: MariaDB) -> None:
    """``execute`` gives the number of rows; rows are of the cursor's kind; ``fetchone`` stays a future."""

    async def work() -> None:
        with watching():
            connection = await AioMySQL(mariadb).connect()
            async with connection.cursor(aiomysql.DictCursor) as cursor:
                assert 1 == await cursor.execute("select 1 as one")
                row = cursor.fetchone()
                assert inspect.isawaitable(row)
                assert {"one": 1} == await row
                assert 2 == await cursor.executemany("insert into item (n) values (%s)", [(1,), (2,)])
            await connection.ensure_closed()

    run_async(work)


def test_aiosqlite_objects_stay() -> None:
    """Calls give what can be awaited and entered; cursors and rows are the driver's."""

    async def work() -> None:
        with watching():
            async with aiosqlite.connect(":memory:") as connection:
                assert type(connection) is aiosqlite.Connection
                async with connection.execute("select 1") as cursor:
                    assert type(cursor) is aiosqlite.Cursor
                    assert (1,) == await cursor.fetchone()
                assert [(1,)] == await connection.execute_fetchall("select 1")

    run_async(work)
