"""What counts as one query on asynchronous drivers, and what is the driver's own traffic."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Any

import pytest

from tests.conftest import absent
from tests.integration.async_dialects import count_of, run_async, watching
from tests.services import MariaDB, Postgres

try:
    import aiosqlite
    import asyncpg
    import psycopg
    import psycopg_pool
    import pymysql

    from tests.integration.async_calls import AioMySQL, Asyncpg, PsycopgAsync
except ImportError as missing:  # pragma: no cover - only where the drivers are not installed
    absent(f"an asynchronous driver cannot be imported: {missing}")

Work = Callable[[Any], Awaitable[object]]


def _counted(dialect: Any, work: Work) -> int:
    async def all_of_it() -> int:
        with watching() as watched:
            connection = await dialect.connect()
            counted = await count_of(watched, lambda: work(connection))
            await dialect.close(connection)
        return counted

    return int(run_async(all_of_it))


async def _prepared_ten_times(connection: Any) -> None:
    statement = await connection.prepare("select $1::int")
    for number in range(10):
        await statement.fetch(number)


async def _fetched_ten_times(connection: Any) -> None:
    for number in range(10):
        await connection.fetch("select $1::int", number)


async def _explained(connection: Any) -> None:
    await (await connection.prepare("select 1")).explain(analyze=True)


async def _reset(connection: Any) -> None:
    await connection.reset()


async def _transaction(connection: Any) -> None:
    async with connection.transaction(isolation="serializable"):
        await connection.execute("select 1")


async def _portal_in_parts(connection: Any) -> None:
    async with connection.transaction():
        cursor = await connection.cursor("select generate_series(1, 100)")
        assert 10 == len(await cursor.fetch(10))
        assert 5 == await cursor.forward(5)
        assert await cursor.fetchrow() == (16,)


async def _iterated_in_parts(connection: Any) -> None:
    async with connection.transaction():
        rows = [row async for row in connection.cursor("select generate_series(1, 100)", prefetch=7)]
    assert 100 == len(rows)


async def _copies(connection: Any) -> None:
    await connection.copy_records_to_table("item", records=[(2000, 1), (2001, 1)], columns=("id", "n"))
    await connection.copy_from_table("item", output=BytesIO())
    await connection.copy_from_query("select n from item where id = $1", 1, output=BytesIO())
    await connection.copy_to_table("item", source=BytesIO(b"2002\t1\n"), columns=["id", "n"])


async def _empty_batch(connection: Any) -> None:
    await connection.executemany("insert into item (n) values ($1)", [])


ASYNCPG: dict[str, tuple[int, Work]] = {
    "prepare once, fetch ten times": (10, _prepared_ten_times),
    "fetch ten times": (10, _fetched_ten_times),
    "explain": (1, _explained),
    "reset": (0, _reset),
    "transaction": (1, _transaction),
    "portal": (1, _portal_in_parts),
    "iteration": (1, _iterated_in_parts),
    "copies": (4, _copies),
    "empty batch": (0, _empty_batch),
}


@pytest.mark.service
@pytest.mark.parametrize(("expected", "work"), ASYNCPG.values(), ids=ASYNCPG)
def test_asyncpg_counts_logical_queries(expected: int, work: Work, postgres: Postgres) -> None:
    """To prepare, reset, begin, page and end are no queries of their own; each statement that is asked for is one."""
    assert expected == _counted(Asyncpg(postgres), work)


@pytest.mark.service
def test_asyncpg_pool_adds_nothing(postgres: Postgres) -> None:
    """Acquire and release reset the connection; of a pool's own methods each is one query, by proxy or not."""

    async def work() -> int:
        with watching() as watched:
            async with asyncpg.create_pool(postgres.url, min_size=2, max_size=2) as pool:

                async def queries() -> None:
                    await pool.fetch("select 1")
                    await pool.executemany("select $1::int", [(1,), (2,)])
                    async with pool.acquire() as connection:
                        assert isinstance(connection, asyncpg.Connection)
                        await connection.fetchval("select 1")

                return await count_of(watched, queries)

    assert 3 == run_async(work)


async def _pipelined(connection: Any) -> None:
    async with connection.pipeline():
        for number in range(3):
            await connection.execute("select %s::int", (number,))


async def _copy_in(connection: Any) -> None:
    async with connection.cursor().copy("copy item (id, n) from stdin") as copy:
        await copy.write_row((3000, 1))


async def _copy_by_keyword(connection: Any) -> None:
    async with connection.cursor().copy(statement="copy (select %s::int) to stdout", params=(1,)) as copy:
        assert [("1",)] == [row async for row in copy.rows()]


async def _scrolled(connection: Any) -> None:
    async with connection.transaction(), connection.cursor("portal", scrollable=True) as cursor:
        await cursor.execute("select generate_series(1, 100)")
        assert 5 == len(await cursor.fetchmany(5))
        await cursor.scroll(-5)
        assert 100 == len(await cursor.fetchall())


async def _returning(connection: Any) -> None:
    await connection.cursor().executemany("select %s::int", ((n,) for n in range(3)), returning=True)


PSYCOPG: dict[str, tuple[int, Work]] = {
    "pipeline": (3, _pipelined),
    "copy in": (1, _copy_in),
    "copy by keyword": (1, _copy_by_keyword),
    "scrolling": (1, _scrolled),
    "batch of a generator": (1, _returning),
    "raw server cursor": (
        1,
        lambda connection: psycopg.AsyncRawServerCursor(connection, "raw", withhold=True).execute("select $1", (1,)),
    ),
}


@pytest.mark.service
@pytest.mark.parametrize(("expected", "work"), PSYCOPG.values(), ids=PSYCOPG)
@pytest.mark.filterwarnings("ignore:.*was deleted while still open:ResourceWarning")
def test_psycopg_counts_logical_queries(expected: int, work: Work, postgres: Postgres) -> None:
    """Each execute of a pipeline is one; declaring, fetching and scrolling a portal is one in all."""
    assert expected == _counted(PsycopgAsync(postgres), work)


@pytest.mark.service
@pytest.mark.parametrize("pool", [psycopg_pool.AsyncConnectionPool, psycopg_pool.AsyncNullConnectionPool])
def test_psycopg_pools_add_nothing(pool: Any, postgres: Postgres) -> None:
    """A pool that opens several connections and checks them works, and only the application's query counts."""

    async def work() -> int:
        with watching() as watched:
            sizes = {"min_size": 3} if pool is psycopg_pool.AsyncConnectionPool else {"max_size": 3}
            async with pool(postgres.url, check=pool.check_connection, open=False, **sizes) as opened:
                await opened.wait()

                async def query() -> None:
                    async with opened.connection() as connection:
                        await connection.execute("select 1")

                return await count_of(watched, query)

    assert 1 == run_async(work)


@pytest.mark.service
def test_aiomysql_batches_and_procedures_are_one(mariadb: MariaDB) -> None:
    """A batch of single statements, an empty batch, and a procedure: one, none, one."""

    async def work(connection: Any) -> None:
        async with connection.cursor() as cursor:
            await cursor.executemany("update item set n = 0 where id = %s", [(1,), (2,), (3,)])
            await cursor.executemany("update item set n = 0 where id = %s", [])
            await cursor.callproc("doubled", (21,))

    with pymysql.connect(**mariadb.address) as connection, connection.cursor() as cursor:
        cursor.execute("create or replace procedure doubled(n int) select 2 * n")

    assert 2 == _counted(AioMySQL(mariadb), work)


def test_aiosqlite_counts_logical_queries() -> None:
    """An insert that asks for its row id is one; a script is one; a dump is what it sends."""

    async def work() -> list[int]:
        with watching() as watched:
            async with aiosqlite.connect(":memory:") as connection:
                await connection.execute("create table item (id integer primary key, n integer)")

                async def dump() -> None:
                    assert [line async for line in connection.iterdump()]

                return [
                    await count_of(watched, lambda: connection.execute_insert("insert into item (n) values (1)")),
                    await count_of(watched, lambda: connection.executescript("select 1; select 2")),
                    await count_of(watched, lambda: connection.executemany("insert into item (n) values (?)", [])),
                    await count_of(watched, dump),
                ]

    *counts, dumped = run_async(work)

    assert [1, 1, 0] == counts
    assert dumped >= 1


def test_aiosqlite_counts_a_connection_that_was_open_before() -> None:
    """A connection from before the hook counts from then on, once for each query."""

    async def work() -> int:
        connection = await aiosqlite.connect(":memory:")
        with watching() as watched:
            counted = await count_of(watched, lambda: connection.execute("select 1"))
        await connection.close()
        return counted

    assert 1 == run_async(work)
