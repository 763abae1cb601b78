"""SQLAlchemy's asynchronous engines and sessions: one logical query is one, at the application's line."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import absent
from tests.integration.async_dialects import count_of, run_async, watching
from tests.integration.harness import OPERATION, Watched

try:
    import sqlalchemy
    from sqlalchemy import ForeignKey, select, text
    from sqlalchemy.exc import InvalidRequestError
    from sqlalchemy.ext.asyncio import AsyncAttrs, AsyncEngine, AsyncSession, create_async_engine
    from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload
except ImportError as missing:  # pragma: no cover - only where SQLAlchemy is not installed
    absent(f"SQLAlchemy cannot be imported: {missing}")

AUTHORS = 12


class Base(AsyncAttrs, DeclarativeBase):
    """Of the tables below."""


class Author(Base):
    __tablename__ = "author"

    id: Mapped[int] = mapped_column(primary_key=True)
    books: Mapped[list[Book]] = relationship(back_populates="author")
    strict_books: Mapped[list[Book]] = relationship(lazy="raise", viewonly=True)


class Book(Base):
    __tablename__ = "book"

    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
    author: Mapped[Author] = relationship(back_populates="books")


Base.registry.configure()


@pytest.fixture(
    params=[
        "sqlite+aiosqlite",
        pytest.param("postgresql+asyncpg", marks=pytest.mark.service),
        pytest.param("postgresql+psycopg", marks=pytest.mark.service),
        pytest.param("mysql+aiomysql", marks=pytest.mark.service),
    ]
)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the driver of the test finds its database."""
    scheme: str = request.param
    if scheme.startswith("sqlite"):
        return f"{scheme}:///{tmp_path / 'shop.db'}"
    if scheme.startswith("postgresql"):
        return str(request.getfixturevalue("postgres").url).replace("postgresql", scheme, 1)
    where = request.getfixturevalue("mariadb").address
    return f"{scheme}://{where['user']}:{where['password']}@{where['host']}:{where['port']}/{where['database']}"


async def filled(url: str) -> AsyncEngine:
    """An engine that pings its connections, with one open already, on a database of authors with two books each."""
    engine = create_async_engine(url, pool_pre_ping=True)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    async with AsyncSession(engine) as session:
        for author in range(1, AUTHORS + 1):
            session.add(Author(id=author, books=[Book(id=10 * author), Book(id=10 * author + 1)]))
        await session.commit()
    return engine


def on_engine(url: str, work: Callable[[Watched, AsyncEngine], Awaitable[Any]]) -> Any:
    """What *work* returns, with everything hooked."""

    async def all_of_it() -> Any:
        with watching() as watched:
            engine = await filled(url)
            try:
                return await work(watched, engine)
            finally:
                await engine.dispose()

    return run_async(all_of_it)


def test_pings_and_transactions_are_no_queries(url: str) -> None:
    """Ten selects on ten checked-out connections of each of two engines are 20 queries."""

    async def work(watched: Watched, engine: AsyncEngine) -> int:
        second = create_async_engine(url, pool_pre_ping=True)
        async with second.connect() as connection:
            await connection.execute(text("select 1"))

        async def twenty() -> None:
            for each in (engine, second):
                for number in range(10):
                    async with each.begin() as connection:
                        await connection.execute(select(Author.id).where(Author.id == number))

        counted = await count_of(watched, twenty)
        await second.dispose()
        return counted

    assert 20 == on_engine(url, work)


WAYS: dict[str, tuple[int, Callable[[AsyncEngine], Awaitable[object]]]] = {}


def way(queries: int) -> Callable[[Any], Any]:
    """Register a way to query, which is *queries* logical queries."""

    def register(function: Any) -> Any:
        WAYS[function.__name__] = (queries, function)
        return function

    return register


@way(2)
async def _select_in_load(engine: AsyncEngine) -> None:
    async with AsyncSession(engine) as session:
        authors = await session.scalars(select(Author).options(selectinload(Author.books)))
        assert 2 * AUTHORS == sum(len(author.books) for author in authors)


@way(1)
async def _raising_load(engine: AsyncEngine) -> None:
    async with AsyncSession(engine) as session:
        author = (await session.scalars(select(Author))).first()
        assert author is not None
        with pytest.raises(InvalidRequestError):
            len(author.strict_books)


@way(1)
async def _streaming(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        rows = await connection.stream(select(Book.id), execution_options={"yield_per": 5})
        assert 2 * AUTHORS == len([row async for row in rows])


@way(1)
async def _streaming_scalars(engine: AsyncEngine) -> None:
    async with AsyncSession(engine) as session:
        assert 2 * AUTHORS == len([book async for book in await session.stream_scalars(select(Book))])


@way(3)
async def _run_sync(engine: AsyncEngine) -> None:
    def work(session: Session) -> None:
        author = session.get(Author, 1)
        assert author is not None
        assert 2 == len(author.books)
        session.execute(text("select 1"))

    async with AsyncSession(engine) as session:
        await session.run_sync(work)


@way(1)
async def _batch(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        update = sqlalchemy.update(Book).where(Book.id == sqlalchemy.bindparam("b")).values(author_id=2)
        await connection.execute(update, [{"b": 10}, {"b": 11}, {"b": 20}])


@way(1)
async def _failing(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        with pytest.raises(sqlalchemy.exc.DBAPIError):
            await connection.execute(text("select nothing from nowhere"))


@pytest.mark.parametrize("name", WAYS)
def test_each_way_counts_its_logical_queries(name: str, url: str) -> None:
    """However SQLAlchemy sends it (prepared, by portal, in a thread, in pages), a query is one."""
    expected, query = WAYS[name]

    async def work(watched: Watched, engine: AsyncEngine) -> int:
        return await count_of(watched, lambda: query(engine))

    assert expected == on_engine(url, work)


def test_sessions_at_once_count_apart(url: str) -> None:
    """20 operations at once over the pool of one engine, each with its number of queries: each counts its own."""

    async def work(watched: Watched, engine: AsyncEngine) -> dict[int, int]:
        async def operation(number: int) -> None:
            with watched.tracer.start_as_current_span("operation", attributes={OPERATION: number}):
                async with AsyncSession(engine) as session:
                    for _ in range(number % 4):
                        await session.execute(select(Author.id))

        watched.exporter.clear()
        for _ in range(2):  # the pool's own connections are set up in the first round
            watched.exporter.clear()
            await asyncio.gather(*(operation(number) for number in range(20)))
        return watched.counts()

    assert {number: number % 4 for number in range(20)} == on_engine(url, work)


def loading_one_by_one(session: Session) -> None:
    """A loop that loads lazily, in synchronous code."""
    for author in session.scalars(select(Author)).all():
        assert author.books


async def awaiting_one_by_one(session: AsyncSession) -> None:
    """The same in asynchronous code."""
    for author in (await session.scalars(select(Author))).all():
        await author.awaitable_attrs.books


def _line_of(function: Any, part: str) -> tuple[str, int]:
    lines, first = inspect.getsourcelines(function)
    return function.__name__, first + next(number for number, line in enumerate(lines) if part in line)


@pytest.mark.parametrize("synchronous", [True, False], ids=["run_sync", "await"])
def test_a_lazy_loop_is_reported_at_its_own_line(synchronous: bool, url: str) -> None:
    """The finding names the line of the loop: of the coroutine, or of the function inside of ``run_sync``."""

    async def loop(engine: AsyncEngine) -> None:
        async with AsyncSession(engine) as session:
            if synchronous:
                await session.run_sync(loading_one_by_one)
            else:
                await awaiting_one_by_one(session)

    async def work(watched: Watched, engine: AsyncEngine) -> list[Any]:
        assert 1 + AUTHORS == await count_of(watched, lambda: loop(engine))
        (root,) = watched.roots()
        return [dict(event.attributes or {}) for event in root.events if event.name == "verein.finding"]

    (finding,) = on_engine(url, work)

    function = loading_one_by_one if synchronous else awaiting_one_by_one
    assert _line_of(function, "books") == (finding["code.function.name"], finding["code.line.number"])
    assert __file__ == finding["code.file.path"]
