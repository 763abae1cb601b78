"""What the hooks of asynchronous drivers keep, and what they do when something of ours fails."""

from __future__ import annotations

import asyncio
import gc
import inspect
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from otel_verein.faults import FAULTS
from otel_verein.instrumentation.drivers.aio_asyncpg import AsyncpgTracer, Portals
from otel_verein.instrumentation.drivers.aio_recording import AsyncTracer, Beside
from tests.conftest import absent
from tests.integration.async_dialects import count_of, install, remove, run_async, watching
from tests.integration.harness import Watched
from tests.integration.test_async_unchanged import ended
from tests.services import Postgres

try:
    import asyncpg
    import psycopg_pool

    from tests.integration.async_calls import AioMySQL, AioSqlite, Asyncpg, PsycopgAsync
except ImportError as missing:  # pragma: no cover - only where the drivers are not installed
    absent(f"an asynchronous driver cannot be imported: {missing}")


class _Roomless:
    __slots__ = ("__weakref__",)


def test_a_value_goes_with_its_object() -> None:
    """What is kept beside an object is found by identity, can be replaced, and goes when the object does."""
    beside: Beside[int] = Beside()
    first, second = _Roomless(), _Roomless()

    beside.put(first, 1)
    beside.put(first, 2)
    beside.put(second, 3)

    assert (2, 3) == (beside.get(first), beside.get(second))
    del first
    gc.collect()
    assert 1 == len(beside)
    assert 3 == beside.get(second)


@pytest.mark.service
def test_portals_leave_nothing_behind(postgres: Postgres) -> None:
    """After 50 cursors of asyncpg, finished and abandoned ones, nothing is kept for any of them."""

    async def work() -> list[int]:
        with watching():
            connection = await asyncpg.connect(postgres.url)
            async with connection.transaction():
                for _ in range(25):
                    async for _ in connection.cursor("select generate_series(1, 3)"):
                        break
                    await (await connection.cursor("select 1")).fetch(1)
            gc.collect()
            kept = [len(found) for found in gc.get_objects() if isinstance(found, Portals)]
            await connection.close()
        return kept

    kept = run_async(work)

    assert kept
    assert set(kept) == {0}


@pytest.mark.service
@pytest.mark.parametrize("tracer", [AsyncpgTracer, AsyncTracer], ids=["asyncpg", "psycopg"])
def test_a_target_that_cannot_be_read_stops_nothing(
    tracer: type[AsyncTracer], postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pool of three opens and works, and its query counts, while reading where a connection leads raises."""

    def unreadable(*_: object) -> None:
        raise AttributeError("no target")

    monkeypatch.setattr(tracer, "_read_target", unreadable, raising=False)
    before = FAULTS.counts["instrumentation.target"]

    async def work() -> int:
        watched = Watched()
        if tracer is AsyncpgTracer:
            async with asyncpg.create_pool(postgres.url, min_size=3) as pool:
                counted = await count_of(watched, lambda: pool.fetch("select 1"))
        else:
            async with psycopg_pool.AsyncConnectionPool(postgres.url, min_size=3, open=False) as pool:
                counted = await count_of(watched, lambda: _query(pool))
        watched.shutdown()
        return counted

    async def _query(pool: Any) -> None:
        async with pool.connection() as connection:
            await connection.execute("select 1")

    install()
    try:
        assert 1 == run_async(work)
    finally:
        remove()
    assert FAULTS.counts["instrumentation.target"] > before


CLOSED: dict[str, tuple[Any, str | None, Callable[[Any], Awaitable[object]]]] = {
    "asyncpg": (Asyncpg, "postgres", lambda connection: connection.fetch("select 1")),
    "psycopg": (PsycopgAsync, "postgres", lambda connection: connection.execute("select 1")),
    "aiomysql": (AioMySQL, "mariadb", lambda connection: _on_cursor(connection)),
    "aiosqlite": (AioSqlite, None, lambda connection: connection.execute("select 1")),
}


async def _on_cursor(connection: Any) -> None:
    await (await connection.cursor()).execute("select 1")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.service] if CLOSED[name][1] else []) for name in CLOSED]
)
def test_a_closed_connection_says_what_it_says(name: str, request: pytest.FixtureRequest) -> None:
    """On a closed connection the caller gets the driver's error, and nothing of ours fails."""
    kind, server, query = CLOSED[name]
    dialect = kind(request.getfixturevalue(server)) if server else kind()

    async def attempt() -> Any:
        connection = await dialect.connect()
        await dialect.close(connection)
        return await ended(lambda: query(connection))

    bare = run_async(attempt)
    with watching() as watched, watched.tracer.start_as_current_span("one"):
        hooked = run_async(attempt)

    assert bare.raised is not None
    assert bare == hooked


def test_a_call_that_is_never_awaited_is_no_query() -> None:
    """A coroutine that is made and closed has sent nothing."""

    async def work() -> int:
        with watching() as watched:
            connection = await AioSqlite().connect()

            async def make() -> None:
                pending = connection._execute(connection._conn.execute, "select 1")
                assert inspect.iscoroutine(pending)
                pending.close()

            counted = await count_of(watched, make)
            await connection.close()
        return counted

    assert 0 == run_async(work)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="there are no task groups before Python 3.11")
def test_a_task_group_that_fails_counts_what_ran() -> None:
    """Of three tasks in a group one fails: its error is a query, and so are the others that were sent."""

    async def group(connection: Any) -> None:
        async with asyncio.TaskGroup() as tasks:
            for statement in ("select 1", "select nothing from nowhere", "select 2"):
                tasks.create_task(connection.execute_fetchall(statement))

    async def failing(connection: Any) -> None:
        with pytest.raises(BaseException, match="unhandled errors"):
            await group(connection)

    async def work() -> int:
        with watching() as watched:
            connection = await AioSqlite().connect()
            counted = await count_of(watched, lambda: failing(connection))
            await connection.close()
        return counted

    assert 3 == run_async(work)
