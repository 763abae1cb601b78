"""Classes of asynchronous drivers look, and their calls end, the same with and without the hook."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from otel_verein.instrumentation.drivers.async_table import ASYNC_HOOKS
from tests.conftest import absent
from tests.integration.async_dialects import install, remove, run_async
from tests.integration.outcomes import Outcome, in_operation

try:
    import aiomysql
    import aiosqlite
    import asyncpg
    import asyncpg.cursor
    import psycopg
    from psycopg import sql

    from tests.integration.async_calls import AioMySQL, AioSqlite, Asyncpg, PsycopgAsync
except ImportError as missing:  # pragma: no cover - only where the drivers are not installed
    absent(f"an asynchronous driver cannot be imported: {missing}")

CLASSES: tuple[type, ...] = (
    psycopg.AsyncCursor,
    psycopg.AsyncServerCursor,
    psycopg.AsyncConnection,
    asyncpg.Connection,
    asyncpg.prepared_stmt.PreparedStatement,
    asyncpg.cursor.BaseCursor,
    asyncpg.cursor.Cursor,
    asyncpg.cursor.CursorIterator,
    asyncpg.pool.PoolConnectionProxy,
    aiomysql.Connection,
    aiomysql.Cursor,
    aiomysql.SSCursor,
    aiosqlite.Connection,
    aiosqlite.Cursor,
)


def _looks(owner: type) -> dict[str, tuple[Any, ...]]:
    """What can be asked of the functions of *owner* without calling them."""
    return {
        name: (
            inspect.iscoroutinefunction(member),
            inspect.isasyncgenfunction(member),
            inspect.signature(member),
            member.__name__,
            member.__qualname__,
            member.__doc__,
            member.__module__,
        )
        for name, member in vars(owner).items()
        if inspect.isfunction(member)
    }


@pytest.mark.parametrize("owner", CLASSES, ids=lambda owner: f"{owner.__module__}.{owner.__name__}")
def test_classes_look_the_same(owner: type) -> None:
    """Every function of a hooked class has kind, signature, names and text of the bare one; none is added."""
    bare, names = _looks(owner), list(vars(owner))

    install()
    try:
        hooked, names_hooked = _looks(owner), list(vars(owner))
    finally:
        remove()

    assert bare == hooked
    assert names == names_hooked


def test_removing_gives_every_method_back() -> None:
    """install, remove, install, install, remove: every class holds the very functions it held before."""
    before = [dict(vars(owner)) for owner in CLASSES]

    install()
    hooked = [dict(vars(owner)) for owner in CLASSES]
    remove()
    install()
    install()
    remove()

    assert all(bare[name] is vars(owner)[name] for owner, bare in zip(CLASSES, before, strict=True) for name in bare)
    assert before != hooked


def test_each_driver_is_hooked() -> None:
    """While installed, every asynchronous driver that is imported is hooked; after removal, none."""
    install()
    installed = {hook.state().name: hook.state().hooked for hook in ASYNC_HOOKS}
    remove()

    names = ["psycopg (async)", "asyncpg", "aiomysql", "aiosqlite"]
    assert dict.fromkeys(names, True) == {name: installed[name] for name in names}
    assert not any(hook.state().hooked for hook in ASYNC_HOOKS)


async def ended(work: Callable[[], Awaitable[Any]]) -> Outcome:
    """How *work* ended: an exception, or a value if it is one that can be compared."""
    try:
        value = await work()
    except Exception as raised:
        return Outcome(None, type(raised), tuple(map(str, raised.args)))
    return Outcome(value if isinstance(value, str | int | list | tuple | None) else type(value))


ODD: dict[str, tuple[Any, ...]] = {
    "empty": ("",),
    "blank": ("  ",),
    "comment": ("/* x */",),
    "none": (None,),
    "bytes": (b"select 1",),
    "composed": (sql.SQL("select 1"),),
    "number": (1,),
    "no arguments": (),
    "two statements": ("select 1; select 2",),
    "syntax": ("selec 1",),
    "missing table": ("select * from nowhere",),
    "odd parameter": ("select %s", (object(),)),
    "too many parameters": ("select 1", (1, 2)),
    "surrogate": ("select '\ud800'",),
}
METHODS = {
    "asyncpg": ("fetch", "execute", "executemany", "prepare", "fetchmany", "copy_from_query", "copy_from_table"),
    "psycopg": ("execute", "executemany"),
    "aiomysql": ("execute", "executemany", "callproc"),
    "aiosqlite": ("execute", "executemany", "executescript", "execute_fetchall", "execute_insert"),
}
KINDS: dict[str, tuple[Any, str | None]] = {
    "asyncpg": (Asyncpg, "postgres"),
    "psycopg": (PsycopgAsync, "postgres"),
    "aiomysql": (AioMySQL, "mariadb"),
    "aiosqlite": (AioSqlite, None),
}


def _driver_methods() -> list[Any]:
    return [
        pytest.param(name, method, id=f"{name} {method}", marks=[pytest.mark.service] if KINDS[name][1] else [])
        for name, methods in METHODS.items()
        for method in methods
    ]


@pytest.mark.parametrize(("name", "method"), _driver_methods())
def test_odd_statements_end_the_same(name: str, method: str, request: pytest.FixtureRequest) -> None:
    """Whatever is passed, result and exception (type and arguments) are those of the bare driver."""
    kind, server = KINDS[name]
    dialect = kind(request.getfixturevalue(server)) if server else kind()

    async def one(arguments: tuple[Any, ...]) -> Outcome:
        connection = await dialect.connect()
        target = connection
        if name in ("psycopg", "aiomysql"):
            cursor = connection.cursor()
            target = await cursor if inspect.isawaitable(cursor) else cursor
        found = await ended(lambda: getattr(target, method)(*arguments))
        await dialect.close(connection)
        return found

    async def every() -> dict[str, Outcome]:
        return {key: await one(arguments) for key, arguments in ODD.items()}

    bare = run_async(every)
    install()
    try:
        hooked = in_operation(lambda: run_async(every))
    finally:
        remove()

    assert bare == hooked
