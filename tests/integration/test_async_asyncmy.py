"""asyncmy, whose cursor is a C type: exact counts, and nothing changed for the application."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from tests.integration.async_calls import AioMySQL
from tests.integration.async_dialects import (
    async_plans,
    batch,
    count_of,
    failing,
    install,
    remove,
    run_async,
    run_plans,
    selecting,
    verbs,
    watching,
)
from tests.integration.dialects import DUPLICATE_KEY, NO_TABLE, one, same
from tests.integration.harness import witnessed
from tests.services import MariaDB

asyncmy = pytest.importorskip("asyncmy")
cursors = pytest.importorskip("asyncmy.cursors")

pytestmark = pytest.mark.service


def _class(kind: Any) -> Any:
    async def how(connection: Any, statement: str, values: tuple[int, ...]) -> None:
        async with connection.cursor(cursor=kind) as cursor:
            await cursor.execute(statement, values)
            await cursor.fetchall()

    return how


async def _execute(connection: Any, statement: str) -> None:
    async with connection.cursor() as cursor:
        await cursor.execute(statement)


async def _executemany(connection: Any, statement: str, members: list[tuple[int]]) -> None:
    async with connection.cursor() as cursor:
        await cursor.executemany(statement, members)


class AsyncMy(AioMySQL):
    """asyncmy, in autocommit."""

    calls = (
        selecting(_class(cursors.Cursor), "%s"),
        selecting(_class(cursors.DictCursor), "%s"),
        selecting(_class(cursors.SSCursor), "%s"),
        selecting(_class(cursors.SSDictCursor), "%s"),
        batch(_executemany, "insert {tag} into item (n) values (%s)", one),
        batch(_executemany, "update {tag} item set n = 0 where id = %s", same),
        failing(_execute, asyncmy.errors.IntegrityError, DUPLICATE_KEY),
        failing(_execute, asyncmy.errors.ProgrammingError, NO_TABLE),
        verbs(_execute, "begin", "savepoint s", "release savepoint s", "commit"),
    )

    async def connect(self) -> Any:
        """A connection in autocommit."""
        return await asyncmy.connect(autocommit=True, **self.address)


@pytest.mark.parametrize("tasks", [1, 16])
def test_every_operation_counts_what_the_witness_saw(tasks: int, mariadb: MariaDB) -> None:
    """For each of 200 operations our count is the number of driver calls that the database saw; zero is 0."""
    dialect = AsyncMy(mariadb)
    todo = async_plans(dialect, 200, f"asyncmy {tasks}")

    with watching() as watched:
        run_id = run_plans(watched, dialect, todo, tasks)
        counts = watched.counts()

    seen = witnessed(dialect.statements(), run_id)
    expected = {plan.operation: len(seen[plan.operation]) for plan in todo}
    assert 0 in expected.values()
    assert expected == counts


def test_the_class_stays(mariadb: MariaDB) -> None:
    """Its methods are coroutine functions with their names as ever, and are given back in the end."""
    names = ("execute", "executemany", "callproc")
    bare = [getattr(cursors.Cursor, name) for name in names]

    install()
    hooked = [getattr(cursors.Cursor, name) for name in names]
    remove()

    assert bare == [getattr(cursors.Cursor, name) for name in names]
    assert bare != hooked
    assert [True] * 3 == [inspect.iscoroutinefunction(method) for method in hooked]
    assert [(method.__name__, method.__doc__) for method in bare] == [
        (method.__name__, method.__doc__) for method in hooked
    ]


def test_sqlalchemy_over_asyncmy_counts_once(mariadb: MariaDB) -> None:
    """Ten selects of an engine that pings are ten."""
    ext = pytest.importorskip("sqlalchemy.ext.asyncio")
    text = pytest.importorskip("sqlalchemy").text
    where = mariadb.address
    url = f"mysql+asyncmy://{where['user']}:{where['password']}@{where['host']}:{where['port']}/{where['database']}"

    async def work() -> int:
        engine = ext.create_async_engine(url, pool_pre_ping=True)

        async def ten() -> None:
            for number in range(10):
                async with engine.begin() as connection:
                    await connection.execute(text("select :n"), {"n": number})

        with watching() as watched:
            await ten()
            counted = await count_of(watched, ten)
        await engine.dispose()
        return counted

    assert 10 == run_async(work)
