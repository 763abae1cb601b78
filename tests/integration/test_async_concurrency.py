"""Cancelled, timed out and concurrent queries on asynchronous drivers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.conftest import absent
from tests.integration.async_dialects import count_of, install, remove, run_async, watching
from tests.integration.harness import OPERATION, Watched

try:
    import aiomysql
    import aiosqlite
    import asyncpg
    import psycopg_pool

    from tests.integration.async_calls import AioMySQL, AioSqlite, Asyncpg, PsycopgAsync
except ImportError as missing:  # pragma: no cover - only where the drivers are not installed
    absent(f"an asynchronous driver cannot be imported: {missing}")

_ENDLESS_SQLITE = (
    "with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000000) select max(i) from n"
)
Execute = Callable[[Any, str], Awaitable[object]]


async def _mysql(connection: Any, statement: str) -> None:
    async with connection.cursor() as cursor:
        await cursor.execute(statement)


async def _stream(connection: Any, statement: str) -> None:
    async for _ in connection.cursor().stream(statement):
        pass


async def _portal(connection: Any, statement: str) -> None:
    async with connection.transaction():
        async for _ in connection.cursor(statement):
            pass


DRIVERS: dict[str, tuple[Any, str | None, Execute, str]] = {
    "asyncpg": (Asyncpg, "postgres", lambda connection, text: connection.fetch(text), "select pg_sleep(30)"),
    "asyncpg portal": (Asyncpg, "postgres", _portal, "select pg_sleep(30)"),
    "psycopg": (PsycopgAsync, "postgres", lambda connection, text: connection.execute(text), "select pg_sleep(30)"),
    "psycopg stream": (PsycopgAsync, "postgres", _stream, "select pg_sleep(30)"),
    "aiomysql": (AioMySQL, "mariadb", _mysql, "select sleep(30)"),
    "aiosqlite": (AioSqlite, None, lambda connection, text: connection.execute_fetchall(text), _ENDLESS_SQLITE),
}


def _case(name: str, request: pytest.FixtureRequest) -> tuple[Any, Execute, str]:
    kind, server, execute, statement = DRIVERS[name]
    return kind(request.getfixturevalue(server)) if server else kind(), execute, statement


def _each_driver() -> Any:
    return pytest.mark.parametrize(
        "name",
        [
            pytest.param(name, id=name, marks=[pytest.mark.service] if server else [])
            for name, (_, server, _, _) in DRIVERS.items()
        ],
    )


def _errors(watched: Watched) -> list[object]:
    """The error type of each database span that was exported."""
    assert watched.processor.force_flush()
    spans = [span for span in watched.exporter.get_finished_spans() if span.parent is not None]
    return [(span.attributes or {}).get("error.type") for span in spans]


@_each_driver()
def test_a_timeout_counts_as_a_query_that_was_cancelled(name: str, request: pytest.FixtureRequest) -> None:
    """A query that its caller gives up is one query, with the error that went through the await."""
    dialect, execute, statement = _case(name, request)

    async def work() -> tuple[int, list[object]]:
        with watching() as watched:
            connection = await dialect.connect()

            async def give_up() -> None:
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(execute(connection, statement), 0.1)

            counted = await count_of(watched, give_up)
            found = _errors(watched)
            await dialect.close(connection)
        return counted, found

    assert (1, ["CancelledError"]) == run_async(work)


@_each_driver()
def test_a_cancelled_connection_behaves_the_same(name: str, request: pytest.FixtureRequest) -> None:
    """After a cancelled query the connection works on, or refuses to, as it does without us."""
    dialect, execute, statement = _case(name, request)

    async def attempt() -> list[object]:
        connection = await dialect.connect()
        task = asyncio.ensure_future(execute(connection, statement))
        await asyncio.wait([task], timeout=0.1)
        task.cancel()
        found: list[object] = [type((await asyncio.gather(task, return_exceptions=True))[0])]
        try:
            await execute(connection, "select 1")
        except Exception as refused:
            found += [type(refused), str(refused)]
        await asyncio.gather(dialect.close(connection), return_exceptions=True)
        return found

    bare = run_async(attempt)
    install()
    try:
        assert bare == run_async(attempt)
    finally:
        remove()
    assert asyncio.CancelledError is bare[0]


def test_a_cancelled_query_that_never_began_is_still_one() -> None:
    """aiosqlite runs what was queued although its caller is gone: behind a slow query, a cancelled one counts once."""

    async def work() -> int:
        with watching() as watched:
            dialect = AioSqlite()
            connection = await dialect.connect()

            async def two() -> None:
                slow = asyncio.ensure_future(connection.execute_fetchall(_ENDLESS_SQLITE))
                queued = asyncio.ensure_future(connection.execute_fetchall("select 2"))
                await asyncio.wait([queued], timeout=0.02)
                queued.cancel()
                await asyncio.gather(queued, return_exceptions=True)
                await slow

            counted = await count_of(watched, two)
            await connection.execute("select 3")
            assert 1 == dialect.statements().count("select 2")
            await dialect.close(connection)
        return counted

    assert 2 == run_async(work)


@pytest.mark.service
def test_asyncpg_command_timeout_is_the_error(request: pytest.FixtureRequest) -> None:
    """The driver's own timeout is booked with the exception that the caller gets."""
    dialect, _, statement = _case("asyncpg", request)

    async def work() -> tuple[int, list[object]]:
        with watching() as watched:
            connection = await dialect.connect()

            async def give_up() -> None:
                with pytest.raises(asyncio.TimeoutError):
                    await connection.fetch(statement, timeout=0.1)

            counted = await count_of(watched, give_up)
            found = _errors(watched)
            await dialect.close(connection)
        return counted, found

    assert (1, ["TimeoutError"]) == run_async(work)


def test_a_task_of_the_driver_alone_has_no_line() -> None:
    """In a task that runs nothing but the driver's coroutine, who asked cannot be told, so no line is given."""

    async def work() -> list[dict[str, Any]]:
        with watching() as watched:
            async with aiosqlite.connect(":memory:") as connection:

                async def loop() -> None:
                    for number in range(12):
                        await asyncio.ensure_future(connection.execute_fetchall("select abs(?)", (number,)))

                assert 12 == await count_of(watched, loop)
                (root,) = watched.roots()
        return [dict(event.attributes or {}) for event in root.events if event.name == "verein.finding"]

    (finding,) = run_async(work)

    assert 12 == finding["verein.finding.repeats"]
    assert "code.line.number" not in finding


async def _asyncpg_pool(server: Any) -> tuple[Any, Callable[[], Awaitable[object]], Callable[[], Awaitable[object]]]:
    pool = await asyncpg.create_pool(server.url, min_size=2, max_size=4)

    async def query() -> None:
        async with pool.acquire() as connection:
            await connection.fetch("select $1::int", 1)

    return pool, query, pool.close


async def _psycopg_pool(server: Any) -> tuple[Any, Callable[[], Awaitable[object]], Callable[[], Awaitable[object]]]:
    pool = psycopg_pool.AsyncConnectionPool(server.url, min_size=2, max_size=4, open=False)
    await pool.open(wait=True)

    async def query() -> None:
        async with pool.connection() as connection:
            await connection.execute("select %s::int", (1,))

    return pool, query, pool.close


async def _aiomysql_pool(server: Any) -> tuple[Any, Callable[[], Awaitable[object]], Callable[[], Awaitable[object]]]:
    pool = await aiomysql.create_pool(minsize=2, maxsize=4, **AioMySQL(server).address)

    async def query() -> None:
        async with pool.acquire() as connection, connection.cursor() as cursor:
            await cursor.execute("select %s", (1,))

    async def close() -> None:
        pool.close()
        await pool.wait_closed()

    return pool, query, close


async def _one_aiosqlite(_: Any) -> tuple[Any, Callable[[], Awaitable[object]], Callable[[], Awaitable[object]]]:
    connection = await aiosqlite.connect(":memory:")

    async def query() -> None:
        async with connection.execute("select ?", (1,)) as cursor:
            await cursor.fetchall()

    return connection, query, connection.close


POOLS = {
    "asyncpg": (_asyncpg_pool, "postgres"),
    "psycopg": (_psycopg_pool, "postgres"),
    "aiomysql": (_aiomysql_pool, "mariadb"),
    "aiosqlite": (_one_aiosqlite, None),
}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.service] if server else []) for name, (_, server) in POOLS.items()],
)
def test_gathered_queries_belong_to_their_operations(name: str, request: pytest.FixtureRequest) -> None:
    """30 operations at once over one pool, each gathering its number of queries: each counts its own."""
    make, server = POOLS[name]

    async def work() -> dict[int, int]:
        with watching() as watched:
            _, query, close = await make(request.getfixturevalue(server) if server else None)

            async def operation(number: int) -> None:
                with watched.tracer.start_as_current_span("operation", attributes={OPERATION: number}):
                    await asyncio.gather(*(query() for _ in range(number % 7)))

            await asyncio.gather(*(operation(number) for number in range(30)))
            await close()
            return watched.counts()

    assert {number: number % 7 for number in range(30)} == run_async(work)


def test_a_query_outside_of_any_operation_goes_through() -> None:
    """Without an operation nothing is booked to one, and the caller gets what it asked for."""

    async def work() -> tuple[Any, list[Any]]:
        with watching() as watched:
            async with aiosqlite.connect(":memory:") as connection:
                rows = await connection.execute_fetchall("select 1")
            return rows, watched.roots()

    assert ([(1,)], []) == run_async(work)
