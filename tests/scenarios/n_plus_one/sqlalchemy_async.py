"""SQLAlchemy 2 async on aiosqlite: loops that await, and repeats that run at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry.trace import Tracer
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import selectinload

from tests.scenarios.n_plus_one.case import Group, Services
from tests.scenarios.n_plus_one.sqlalchemy_shop import Author, Base, Book, N, Tag, fill, memory_url

Sessions = async_sessionmaker[AsyncSession]


class Async:
    """An event loop and a maker of sessions; the connection that keeps the database in memory is open."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._engine = create_async_engine(memory_url("aiosqlite"))
        self.sessions: Sessions = async_sessionmaker(self._engine, expire_on_commit=False)
        self._kept = self.run(self._open())

    async def _open(self):  # type: ignore[no-untyped-def]
        kept = await self._engine.connect()
        await kept.run_sync(Base.metadata.create_all)
        await kept.commit()
        await kept.run_sync(fill)
        await kept.commit()
        return kept

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """The result of *work*, run as a server runs a request: in a task with the caller's context."""
        return self._loop.run_until_complete(work)

    def close(self) -> None:
        """Close the connections and the loop."""
        self.run(self._kept.close())
        self.run(self._engine.dispose())
        self._loop.close()


@contextmanager
def shop(_: Services) -> Iterator[Async]:
    """A fresh database behind an async engine."""
    made = Async()
    try:
        yield made
    finally:
        made.close()


GROUP = Group("SQLAlchemy async", "async", shop)


@GROUP.defect()
async def get_in_loop(place: Async) -> None:
    """A loop that awaits a get() per id."""
    async with place.sessions() as session:
        for author in range(1, N + 1):
            assert await session.get(Author, author)  # <- here


@GROUP.silent(get_in_loop)
async def one_list(place: Async) -> None:
    """One awaited query."""
    async with place.sessions() as session:
        assert N == len((await session.scalars(select(Author).where(Author.id.in_(range(1, N + 1))))).all())


@GROUP.defect()
async def gathered_gets(place: Async) -> None:
    """Fifteen tasks, a session and a get() each, at the same time: faster than a loop, and as many queries."""

    async def one(author: int) -> str:
        async with place.sessions() as session:
            found = await session.get(Author, author)  # <- here
            assert found is not None
            return found.name

    assert N == len(await asyncio.gather(*(one(author) for author in range(1, N + 1))))


@GROUP.silent(gathered_gets)
async def gathered_different_queries(place: Async) -> None:
    """Nine tasks that ask for nine different figures."""

    async def one(function, column) -> None:  # type: ignore[no-untyped-def]
        async with place.sessions() as session:
            (await session.execute(select(function(column)))).one()

    columns = (Book.title, Book.price, Book.author_id)
    await asyncio.gather(*(one(f, c) for c in columns for f in (func.count, func.max, func.min)))


@GROUP.silent(gathered_gets)
async def four_gathered_gets(place: Async) -> None:
    """Four tasks: below the limit."""

    async def one(author: int) -> None:
        async with place.sessions() as session:
            assert await session.get(Author, author)

    await asyncio.gather(*(one(author) for author in range(1, 5)))


@GROUP.silent(gathered_gets, own_operations=True)
async def gathered_operations(place: Async, tracer: Tracer) -> None:
    """Fifteen requests at the same time, one get() each."""

    async def one(author: int) -> None:
        with tracer.start_as_current_span("GET /author"):
            async with place.sessions() as session:
                assert await session.get(Author, author)

    await asyncio.gather(*(one(author) for author in range(1, N + 1)))


@GROUP.defect()
async def awaited_relation_in_loop(place: Async) -> None:
    """awaitable_attrs loads the books of each author."""
    async with place.sessions() as session:
        for author in (await session.scalars(select(Author))).all():
            assert await author.awaitable_attrs.books  # <- here


@GROUP.silent(awaited_relation_in_loop)
async def relation_select_in(place: Async) -> None:
    """selectinload: two queries."""
    async with place.sessions() as session:
        for author in (await session.scalars(select(Author).options(selectinload(Author.books)))).all():
            assert author.books


@GROUP.defect()
async def flush_in_loop(place: Async) -> None:
    """A flush per object."""
    async with place.sessions() as session:
        for number in range(N):
            session.add(Tag(name=f"new{number}"))
            await session.flush()  # <- here


@GROUP.silent(flush_in_loop)
async def flush_at_the_end(place: Async) -> None:
    """One flush, one batch, since the keys are known."""
    async with place.sessions() as session:
        session.add_all(Tag(id=100 + number, name=f"new{number}") for number in range(N))
        await session.flush()


@GROUP.silent(get_in_loop)
async def streamed(place: Async) -> None:
    """A streamed result, read in partitions: one query."""
    async with place.sessions() as session:
        result = await session.stream_scalars(select(Book))
        assert 30 == len([book async for part in result.partitions(5) for book in part])
