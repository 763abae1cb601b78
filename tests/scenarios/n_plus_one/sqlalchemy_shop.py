"""The SQLAlchemy place: declarative models on sqlite in memory, and a session over the seeded database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from sqlalchemy import Column, Connection, Engine, ForeignKey, String, Table, create_engine, func, select
from sqlalchemy.ext.asyncio import AsyncAttrs
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, deferred, mapped_column, object_session, relationship
from sqlalchemy.pool import StaticPool

from tests.scenarios.n_plus_one.case import Services

N = 15
_number = count()


class Base(AsyncAttrs, DeclarativeBase):
    """Of all models; its attributes can be awaited, for the async cases."""


book_tag = Table(
    "book_tag",
    Base.metadata,
    Column("book_id", ForeignKey("book.id"), primary_key=True),
    Column("tag_id", ForeignKey("tag.id"), primary_key=True),
)


class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))
    books: Mapped[list[Book]] = relationship(back_populates="author")

    @hybrid_property
    def book_total(self) -> int:
        """How many books, asked of the database each time."""
        session = object_session(self)
        assert session is not None
        return session.scalar(select(func.count()).where(Book.author_id == self.id)) or 0  # <- here


class Book(Base):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(50))
    price: Mapped[int] = mapped_column(default=10)
    notes: Mapped[str] = deferred(mapped_column(String(50), default="n"))
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
    author: Mapped[Author] = relationship(back_populates="books")
    tags: Mapped[list[Tag]] = relationship(secondary=book_tag)


class Tag(Base):
    __tablename__ = "tag"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))


class Staff(Base):
    __tablename__ = "staff"
    id: Mapped[int] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(String(20))
    __mapper_args__ = {"polymorphic_on": "role", "polymorphic_identity": "staff"}  # noqa: RUF012


class Editor(Staff):
    __tablename__ = "editor"
    id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    desk: Mapped[str] = mapped_column(String(20))
    __mapper_args__ = {"polymorphic_identity": "editor"}  # noqa: RUF012


@contextmanager
def shop(_: Services) -> Iterator[Session]:
    """A session of a fresh database."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    Base.metadata.create_all(engine)
    seed(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()


def seed(engine: Engine) -> None:
    """Fifteen authors, thirty books, each with one tag, fifteen editors."""
    with engine.begin() as connection:
        fill(connection)


def fill(connection: Connection) -> None:
    """:func:`seed`, within the transaction of *connection*."""
    several, books = range(1, N + 1), range(1, 2 * N + 1)
    rows: tuple[tuple[Table, list[dict[str, object]]], ...] = (
        (Author.__table__, [{"id": i, "name": f"a{i}"} for i in several]),
        (Tag.__table__, [{"id": i, "name": f"t{i}"} for i in several]),
        (Book.__table__, [{"id": i, "title": f"b{i}", "author_id": 1 + i % N} for i in books]),
        (Staff.__table__, [{"id": i, "role": "editor"} for i in several]),
        (Editor.__table__, [{"id": i, "desk": "d"} for i in several]),
        (book_tag, [{"book_id": i, "tag_id": 1 + i % N} for i in books]),
    )
    for table, values in rows:
        connection.execute(table.insert(), values)


def memory_url(driver: str) -> str:
    """A URL of a new database in memory that several connections can share."""
    return f"sqlite+{driver}:///file:alchemy{next(_number)}?mode=memory&cache=shared&uri=true"
