"""SQLAlchemy 2: look-ups, Core statements and writes in loops, and their set forms."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine, func, insert, select, text, update
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from tests.scenarios.n_plus_one.case import DUPLICATE, Group
from tests.scenarios.n_plus_one.sqlalchemy_shop import Author, Base, Book, N, Tag, memory_url, seed, shop

GROUP = Group("SQLAlchemy", "alchemy", shop)


@GROUP.defect()
def get_in_loop(session: Session) -> None:
    """Session.get() for each id."""
    for author in range(1, N + 1):
        assert session.get(Author, author)  # <- here


@GROUP.silent(get_in_loop)
def get_what_is_loaded(session: Session) -> None:
    """Session.get() of objects that one query has loaded asks nothing."""
    kept = session.scalars(select(Author)).all()
    assert kept == [session.get(Author, author) for author in range(1, N + 1)]


@GROUP.defect()
def count_in_loop(session: Session) -> None:
    """A count for each author."""
    for author in range(1, N + 1):
        assert session.scalar(select(func.count()).select_from(Book).where(Book.author_id == author))  # <- here


@GROUP.silent(count_in_loop)
def count_grouped(session: Session) -> None:
    """GROUP BY."""
    assert N == len(session.execute(select(Book.author_id, func.count()).group_by(Book.author_id)).all())


@GROUP.defect(DUPLICATE)
def same_author_in_loop(session: Session) -> None:
    """The same row by another column than the key: the identity map does not help."""
    for _ in range(12):
        assert session.scalars(select(Author).where(Author.name == "a1")).one()  # <- here


@GROUP.silent(same_author_in_loop)
def same_author_by_key(session: Session) -> None:
    """Session.get() of one key twelve times: the identity map answers eleven of them."""
    kept = session.get(Author, 1)
    assert [kept] * 12 == [session.get(Author, 1) for _ in range(12)]


@GROUP.defect()
def text_in_loop(session: Session) -> None:
    """Textual SQL with a bound parameter."""
    for author in range(1, N + 1):
        session.execute(text("select name from author where id = :id"), {"id": author}).one()  # <- here


@GROUP.silent(text_in_loop)
def text_with_expanding_list(session: Session) -> None:
    """A select with in_() of all ids."""
    assert N == len(session.execute(select(Author.id, Author.name).where(Author.id.in_(range(1, N + 1)))).all())


@GROUP.defect()
def in_lists_of_varying_length(session: Session) -> None:
    """in_() expands to lists of fifteen lengths: one statement."""
    for length in range(1, N + 1):
        session.execute(select(Book.title).where(Book.id.in_(range(length)))).all()  # <- here


@GROUP.silent(in_lists_of_varying_length)
def three_in_lists(session: Session) -> None:
    """Three lists."""
    for length in (1, 5, 9):
        session.execute(select(Book.title).where(Book.id.in_(range(length)))).all()


@GROUP.defect()
def add_and_flush_in_loop(session: Session) -> None:
    """A flush per object sends each insert alone."""
    for number in range(N):
        session.add(Tag(name=f"new{number}"))
        session.flush()  # <- here


@GROUP.silent(add_and_flush_in_loop)
def add_all(session: Session) -> None:
    """One flush of objects whose keys are known sends their inserts as one batch."""
    session.add_all(Tag(id=100 + number, name=f"new{number}") for number in range(N))
    session.flush()


@GROUP.defect()
def core_insert_in_loop(session: Session) -> None:
    """A Core insert for each row."""
    for number in range(N):
        session.execute(insert(Tag).values(name=f"new{number}"))  # <- here


@GROUP.silent(core_insert_in_loop)
def core_insert_of_list(session: Session) -> None:
    """The same insert with a list of rows."""
    session.execute(insert(Tag), [{"name": f"new{number}"} for number in range(N)])


@GROUP.defect()
def core_update_in_loop(session: Session) -> None:
    """A Core update for each key."""
    for book in range(1, N + 1):
        session.execute(update(Book).where(Book.id == book).values(price=book))  # <- here


@GROUP.silent(core_update_in_loop)
def core_update_of_list(session: Session) -> None:
    """An update by key with a list of rows."""
    session.execute(update(Book), [{"id": book, "price": book} for book in range(1, N + 1)])


@GROUP.defect(loops=2)
def merge_in_loop(session: Session) -> None:
    """merge() reads each row before it writes."""
    for author in range(1, N + 1):
        session.merge(Author(id=author, name="m"))  # <- here


@GROUP.silent(merge_in_loop)
def merge_into_loaded(session: Session) -> None:
    """merge() into objects that one query has loaded, without a flush before each: the updates are one batch."""
    kept = session.scalars(select(Author)).all()
    with session.no_autoflush:
        assert kept == [session.merge(Author(id=author, name="m")) for author in range(1, N + 1)]
    session.flush()


@GROUP.defect(loops=2)
def autoflush_in_loop(session: Session) -> None:
    """Each look-up of a tag first flushes the one that was just added: read and write in turns."""
    for number in range(N):
        assert not session.scalars(select(Tag).where(Tag.name == f"new{number}")).first()  # <- here
        session.add(Tag(name=f"new{number}"))


@GROUP.silent(autoflush_in_loop)
def looked_up_before(session: Session) -> None:
    """All names are looked up first, then one flush."""
    names = [f"new{number}" for number in range(N)]
    known = set(session.scalars(select(Tag.name).where(Tag.name.in_(names))))
    session.add_all(Tag(id=100 + i, name=name) for i, name in enumerate(names) if name not in known)
    session.flush()


@GROUP.defect()
def nested_transaction_in_loop(session: Session) -> None:
    """A savepoint around each insert."""
    for number in range(N):
        with session.begin_nested():
            session.execute(insert(Tag).values(name=f"new{number}"))  # <- here


@GROUP.silent(nested_transaction_in_loop)
def nested_transaction_of_list(session: Session) -> None:
    """A savepoint around one batch."""
    with session.begin_nested():
        session.execute(insert(Tag), [{"name": f"new{number}"} for number in range(N)])


@contextmanager
def _pinging(_: object) -> Iterator[object]:
    engine = create_engine(memory_url("pysqlite"), poolclass=QueuePool, pool_pre_ping=True)
    with engine.connect() as kept:  # a database in memory lives as long as its last connection
        Base.metadata.create_all(engine)
        seed(engine)
        kept.rollback()
        yield engine
    engine.dispose()


PINGING = Group("SQLAlchemy", "alchemy", _pinging, cases=GROUP.cases)  # type: ignore[arg-type]


@PINGING.defect()
def checkout_in_every_turn(engine) -> None:  # type: ignore[no-untyped-def]
    """A connection per query from a pool that pings first."""
    for author in range(1, N + 1):
        with engine.connect() as connection:
            connection.execute(select(Author.name).where(Author.id == author)).one()  # <- here


@PINGING.silent(checkout_in_every_turn)
def checkout_for_different_work(engine) -> None:  # type: ignore[no-untyped-def]
    """Twelve checkouts with a ping each, and twelve different queries."""
    for column in (Book.id, Book.title, Book.price, Book.author_id):
        for function in (func.count, func.max, func.min):
            with engine.connect() as connection:
                connection.execute(select(function(column))).one()
