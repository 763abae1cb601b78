"""Asynchronous drivers under test: ways to build their calls, and the runner of operations on concurrent tasks."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import uuid4

from otel_verein.faults import FAULTS
from otel_verein.instrumentation import instrument, uninstrument
from otel_verein.instrumentation.drivers.async_table import ASYNC_HOOKS
from tests.integration.harness import MOST_CALLS, OPERATION, Watched

AsyncCall = Callable[[Any, str, random.Random], Awaitable[int]]
"""One driver call with a connection and a tag; returns how many statements the witness should see for it."""

DEADLINE_S = 60.0


class AsyncDialect(Protocol):
    """An asynchronous driver under test: how it connects, the calls it offers, and who witnesses them."""

    calls: tuple[AsyncCall, ...]

    async def connect(self) -> Any:
        """A connection to the prepared database."""

    async def close(self, connection: Any) -> None:
        """End *connection*, with its transaction if it has one open."""

    def statements(self) -> list[str]:
        """What the witness saw so far."""


@dataclass
class AsyncPlan:
    """One operation: the calls it will make, and what the witness should see of each."""

    operation: int
    calls: list[AsyncCall]
    members: dict[int, int] = field(default_factory=dict)


def async_plans(dialect: AsyncDialect, number: int, seed: str) -> list[AsyncPlan]:
    """*number* operations of 0 to 12 calls each, the same ones for the same seed."""
    chance = random.Random(seed)
    return [AsyncPlan(n, chance.choices(dialect.calls, k=chance.randint(0, MOST_CALLS))) for n in range(number)]


def install() -> None:
    """Hook every driver, synchronous and asynchronous."""
    instrument()
    for hook in ASYNC_HOOKS:
        hook.install()


def remove() -> None:
    """Undo :func:`install`."""
    for hook in ASYNC_HOOKS:
        hook.remove()
    uninstrument()


@contextmanager
def watching() -> Iterator[Watched]:
    """A tracer with our processor, while all drivers are hooked; a fault of ours fails the test."""
    install()
    watched = Watched()
    before = Counter(FAULTS.counts)
    try:
        yield watched
    finally:
        watched.shutdown()
        remove()
    assert Counter() == FAULTS.counts - before


def run_async(work: Callable[[], Awaitable[Any]], seconds: float = DEADLINE_S) -> Any:
    """What *work* returns, in an event loop of its own; a hang fails after *seconds*."""

    async def bounded() -> Any:
        return await asyncio.wait_for(work(), seconds)

    return asyncio.run(bounded())


async def count_of(watched: Watched, work: Callable[[], Awaitable[object]]) -> int:
    """Our query count of one operation that awaits *work*."""
    watched.exporter.clear()
    with watched.tracer.start_as_current_span("one"):
        await work()
    (root,) = watched.roots()
    assert root.attributes is not None
    return int(root.attributes["verein.db.query_count"])  # type: ignore[arg-type]


def run_plans(watched: Watched, dialect: AsyncDialect, todo: list[AsyncPlan], tasks: int) -> str:
    """Run *todo* on *tasks* tasks, one connection each; the id of this run, for the witness."""
    run_id = "r" + uuid4().hex[:10]
    waiting = iter(todo)

    async def one(connection: Any, plan: AsyncPlan) -> None:
        chance = random.Random(plan.operation)
        with watched.tracer.start_as_current_span("operation", attributes={OPERATION: plan.operation}):
            for number, call in enumerate(plan.calls):
                tag = f"/* {run_id}.{plan.operation}.{number} */"
                plan.members[number] = await call(connection, tag, chance)

    async def worker() -> None:
        connection = await dialect.connect()
        for plan in waiting:
            await one(connection, plan)
        await dialect.close(connection)

    async def all_of_them() -> None:
        await asyncio.gather(*(worker() for _ in range(tasks)))

    run_async(all_of_them, DEADLINE_S + len(todo) / 10)
    return run_id


def selecting(how: Callable[[Any, str, tuple[int, ...]], Awaitable[object]], mark: str) -> AsyncCall:
    """A query that finds nothing, sent by *how* and read to its end."""

    async def call(connection: Any, tag: str, chance: random.Random) -> int:
        await how(connection, f"select {tag} n from item where id = {mark}", (-chance.randint(1, 9),))
        return 1

    return call


def batch(
    how: Callable[[Any, str, list[tuple[int]]], Awaitable[object]], statement: str, members: Callable[[int], int]
) -> AsyncCall:
    """A batch of 2 to 5 parameter sets, sent by *how*; *members* says how many statements it makes on the wire."""

    async def call(connection: Any, tag: str, chance: random.Random) -> int:
        size = chance.randint(2, 5)
        await how(connection, statement.replace("{tag}", tag), [(-n - 1,) for n in range(size)])
        return members(size)

    return call


def failing(
    how: Callable[[Any, str], Awaitable[object]], errors: type[BaseException], statement: str, count: int = 1
) -> AsyncCall:
    """A statement that the database refuses."""

    async def call(connection: Any, tag: str, _: random.Random) -> int:
        try:
            await how(connection, statement.replace("{tag}", tag))
        except errors:
            return count
        raise AssertionError(f"accepted: {statement}")

    return call


def verbs(how: Callable[[Any, str], Awaitable[object]], *texts: str) -> AsyncCall:
    """Transaction verbs as statements: work for the database, no query for us."""

    async def call(connection: Any, tag: str, _: random.Random) -> int:
        for text in texts:
            await how(connection, f"{tag} {text}")
        return 0

    return call
