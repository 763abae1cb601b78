"""SQLAlchemy 2 ORM: relations and columns that load one by one, and the loader options that load them together."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import (
    Session,
    joinedload,
    selectin_polymorphic,
    selectinload,
    subqueryload,
    undefer,
)

from tests.scenarios.n_plus_one import sqlalchemy_shop
from tests.scenarios.n_plus_one.case import Group
from tests.scenarios.n_plus_one.sqlalchemy_shop import Author, Book, Editor, N, Staff, shop

GROUP = Group("SQLAlchemy", "alchemy", shop)
SOME_BOOKS = select(Book).where(Book.id <= N)


@GROUP.defect()
def many_to_one_in_loop(session: Session) -> None:
    """Each book loads its author."""
    for book in session.scalars(SOME_BOOKS):
        assert book.author.name  # <- here


@GROUP.silent(many_to_one_in_loop)
def joined(session: Session) -> None:
    """joinedload brings the authors along."""
    for book in session.scalars(SOME_BOOKS.options(joinedload(Book.author))):
        assert book.author.name


@GROUP.silent(many_to_one_in_loop)
def found_in_identity_map(session: Session) -> None:
    """All authors are in the session already; nothing is loaded."""
    authors = session.scalars(select(Author)).all()
    for book in session.scalars(SOME_BOOKS):
        assert book.author in authors


@GROUP.silent(many_to_one_in_loop)
def many_to_one_of_four(session: Session) -> None:
    """The same loop over four books."""
    for book in session.scalars(select(Book).where(Book.id <= 4)):
        assert book.author.name


@GROUP.defect()
def one_to_many_in_loop(session: Session) -> None:
    """Each author loads his books."""
    for author in session.scalars(select(Author)):
        assert author.books  # <- here


@GROUP.silent(one_to_many_in_loop)
def select_in(session: Session) -> None:
    """selectinload: two queries."""
    for author in session.scalars(select(Author).options(selectinload(Author.books))):
        assert author.books


@GROUP.silent(one_to_many_in_loop)
def by_subquery(session: Session) -> None:
    """subqueryload: two queries."""
    for author in session.scalars(select(Author).options(subqueryload(Author.books))):
        assert author.books


@GROUP.defect()
def many_to_many_in_loop(session: Session) -> None:
    """Each book loads its tags."""
    for book in session.scalars(SOME_BOOKS):
        assert book.tags  # <- here


@GROUP.silent(many_to_many_in_loop)
def many_to_many_select_in(session: Session) -> None:
    """Two queries."""
    for book in session.scalars(SOME_BOOKS.options(selectinload(Book.tags))):
        assert book.tags


@GROUP.defect(loops=2)
def two_levels_in_loops(session: Session) -> None:
    """Books of each author, tags of each book."""
    for author in session.scalars(select(Author)):
        for book in author.books:  # <- here
            assert book.tags  # <- here


@GROUP.silent(two_levels_in_loops)
def two_levels_select_in(session: Session) -> None:
    """Three queries for three levels."""
    for author in session.scalars(select(Author).options(selectinload(Author.books).selectinload(Book.tags))):
        for book in author.books:
            assert book.tags


@GROUP.defect()
def deferred_column_in_loop(session: Session) -> None:
    """Each book comes back for its deferred column."""
    for book in session.scalars(SOME_BOOKS):
        assert book.notes  # <- here


@GROUP.silent(deferred_column_in_loop)
def undeferred_column(session: Session) -> None:
    """undefer() loads it with the book."""
    for book in session.scalars(SOME_BOOKS.options(undefer(Book.notes))):
        assert book.notes


@GROUP.defect()
def column_of_subclass_in_loop(session: Session) -> None:
    """Joined inheritance: the base query leaves the subclass's column for later, one by one."""
    for person in session.scalars(select(Staff)):
        assert person.desk  # type: ignore[attr-defined]  # <- here


@GROUP.silent(column_of_subclass_in_loop)
def column_of_subclass_select_in(session: Session) -> None:
    """selectin_polymorphic loads the columns of all."""
    for person in session.scalars(select(Staff).options(selectin_polymorphic(Staff, [Editor]))):
        assert person.desk  # type: ignore[attr-defined]


@GROUP.defect(marked=(Path(sqlalchemy_shop.__file__),))
def property_in_loop(session: Session) -> None:
    """A property that counts; the innermost line of the application is the property's."""
    assert [2] * N == [author.book_total for author in session.scalars(select(Author))]


@GROUP.silent(property_in_loop)
def length_of_loaded(session: Session) -> None:
    """The length of a relation that was loaded together."""
    authors = session.scalars(select(Author).options(selectinload(Author.books)))
    assert [2] * N == [len(author.books) for author in authors]


@GROUP.defect(loops=2)
def expired_by_commit_in_loop(session: Session) -> None:
    """A commit in each turn expires all objects: each is read again, then written, in a transaction of its own."""
    for author in session.scalars(select(Author)).all():
        author.name = author.name + "x"  # <- here
        session.commit()  # <- here


@GROUP.silent(expired_by_commit_in_loop)
def commit_after_loop(session: Session) -> None:
    """One flush, whose updates go as one batch, and one commit."""
    for author in session.scalars(select(Author)).all():
        author.name = author.name + "x"
    session.commit()


@GROUP.defect()
def refresh_in_loop(session: Session) -> None:
    """refresh() of each object."""
    for author in session.scalars(select(Author)).all():
        session.refresh(author)  # <- here


@GROUP.silent(refresh_in_loop)
def refreshed_together(session: Session) -> None:
    """One query that populates what is there."""
    session.scalars(select(Author)).all()
    session.scalars(select(Author).execution_options(populate_existing=True)).all()


@GROUP.silent(one_to_many_in_loop)
def streamed_with_select_in(session: Session) -> None:
    """yield_per in three chunks, each with its select-in query."""
    statement = select(Book).options(selectinload(Book.tags)).execution_options(yield_per=10)
    assert 30 == sum(len(book.tags) for book in session.scalars(statement))
