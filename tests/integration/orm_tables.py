"""A schema of two tables in SQLAlchemy, and how the witnesses count what an engine sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, ForeignKey, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

_TRAFFIC = re.compile(
    r"\s*(begin|start|commit|rollback|savepoint|release|set autocommit|fetch forward|close)\b", re.IGNORECASE
)
"""Transaction verbs, and what drivers send to read on from a portal that a query has opened."""
_PING = re.compile(r"\s*(select 1|;)\s*", re.IGNORECASE)


class Base(DeclarativeBase):
    """Of the tables below."""


class Author(Base):
    """Has books."""

    __tablename__ = "orm_author"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[int]
    books: Mapped[list[Book]] = relationship(back_populates="author")


class Book(Base):
    """Has an author."""

    __tablename__ = "orm_book"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("orm_author.id"))
    author: Mapped[Author] = relationship(back_populates="books")


def make_tables(engine: Engine) -> None:
    """The tables anew, with five authors of two books each."""
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Author(name=number, books=[Book(), Book()]) for number in range(5)])
        session.commit()


def traced_sqlite(engine: Engine) -> Callable[[], list[str]]:
    """A witness for an SQLite engine: what its connections ran from now on."""
    seen: list[str] = []

    @event.listens_for(engine, "connect")
    def trace(connection: Any, _: object) -> None:
        connection.set_trace_callback(seen.append)

    return lambda: list(seen)


def queries(statements: list[str]) -> list[str]:
    """Those of *statements* that are queries: no traffic of driver or pool."""
    return [text for text in statements if not _TRAFFIC.match(text) and not _PING.fullmatch(text)]
