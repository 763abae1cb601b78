"""Pony: it loads what a loop asks for in batches by itself, so that most loops are silent; look-ups are not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pony import orm

from tests.scenarios.n_plus_one.case import Group, Services

N = 15
database = orm.Database()


class Author(database.Entity):  # type: ignore[misc, name-defined]
    name = orm.Required(str, unique=True)
    books = orm.Set("Book")


class Book(database.Entity):  # type: ignore[misc, name-defined]
    title = orm.Required(str)
    price = orm.Required(int, default=10)
    notes = orm.Optional(str, lazy=True)
    author = orm.Required(Author)


@contextmanager
def shop(_: Services) -> Iterator[None]:
    """The database, seeded once; each case works in a session that is rolled back."""
    if database.provider is None:
        database.bind("sqlite", ":memory:")
        database.generate_mapping(create_tables=True)
        with orm.db_session:
            authors = [Author(name=f"a{i}") for i in range(1, N + 1)]
            for i in range(1, 2 * N + 1):
                Book(title=f"b{i}", author=authors[i % N], notes="n")
    with orm.db_session:
        yield
        orm.rollback()


GROUP = Group("Pony", "pony", shop)


@GROUP.defect()
def get_by_name_in_loop(_: None) -> None:
    """get() by another column than the key."""
    for number in range(1, N + 1):
        assert Author.get(name=f"a{number}")  # <- here


@GROUP.silent(get_by_name_in_loop)
def select_by_names(_: None) -> None:
    """One query with a list."""
    names = [f"a{number}" for number in range(1, N + 1)]
    assert N == len(orm.select(author for author in Author if author.name in names)[:])


@GROUP.silent(get_by_name_in_loop)
def attribute_in_loop(_: None) -> None:
    """It looks like an N+1: Pony loads the authors of all books at the first of them."""
    for book in orm.select(book for book in Book)[:]:
        assert book.author.name


@GROUP.defect()
def count_in_loop(_: None) -> None:
    """A count per author."""
    for number in range(1, N + 1):
        assert orm.count(book for book in Book if book.author.id == number)  # <- here


@GROUP.silent(count_in_loop)
def count_grouped(_: None) -> None:
    """One grouped query."""
    assert N == len(orm.select((book.author.id, orm.count(book)) for book in Book)[:])


@GROUP.defect()
def flush_in_loop(_: None) -> None:
    """A flush per object sends each insert alone."""
    for number in range(N):
        Author(name=f"n{number}")
        orm.flush()  # <- here


@GROUP.silent(flush_in_loop)
def three_new_authors(_: None) -> None:
    """Three inserts of one flush."""
    for number in range(3):
        Author(name=f"n{number}")
    orm.flush()


@GROUP.defect()
def raw_select_in_loop(_: None) -> None:
    """Textual SQL with a variable of the caller."""
    for book in range(1, N + 1):
        assert database.select("title from Book where id = $book"), book  # <- here


@GROUP.silent(raw_select_in_loop)
def raw_select_once(_: None) -> None:
    """One textual query."""
    assert 2 * N == len(database.select("title from Book"))
