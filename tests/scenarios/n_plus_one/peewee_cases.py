"""Peewee: relations, look-ups and writes in loops, and their set forms."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import peewee

from tests.scenarios.n_plus_one.case import DUPLICATE, Group, Services

N = 15
database = peewee.SqliteDatabase(None)


class Author(peewee.Model):
    name = peewee.CharField()

    class Meta:
        database = database


class Book(peewee.Model):
    title = peewee.CharField()
    price = peewee.IntegerField(default=10)
    author = peewee.ForeignKeyField(Author, backref="books")

    class Meta:
        database = database


@contextmanager
def shop(_: Services) -> Iterator[None]:
    """A fresh database in memory."""
    database.init(":memory:")
    with database:
        database.create_tables([Author, Book])
        Author.insert_many([{"name": f"a{i}"} for i in range(1, N + 1)]).execute()
        Book.insert_many([{"title": f"b{i}", "author": 1 + i % N} for i in range(1, 2 * N + 1)]).execute()
        yield


GROUP = Group("Peewee", "peewee", shop)


@GROUP.defect()
def foreign_key_in_loop(_: None) -> None:
    """Each book loads its author."""
    for book in Book.select().where(Book.id <= N):
        assert book.author.name  # <- here


@GROUP.silent(foreign_key_in_loop)
def foreign_key_joined(_: None) -> None:
    """The join brings the authors along."""
    for book in Book.select(Book, Author).join(Author).where(Book.id <= N):
        assert book.author.name


@GROUP.silent(foreign_key_in_loop)
def foreign_key_of_four(_: None) -> None:
    """The same loop over four books."""
    for book in Book.select().where(Book.id <= 4):
        assert book.author.name


@GROUP.defect()
def back_reference_in_loop(_: None) -> None:
    """Each author lists his books."""
    for author in Author.select():
        assert list(author.books)  # <- here


@GROUP.silent(back_reference_in_loop)
def back_reference_prefetched(_: None) -> None:
    """prefetch(): two queries."""
    for author in peewee.prefetch(Author.select(), Book.select()):
        assert list(author.books)


@GROUP.defect()
def get_by_id_in_loop(_: None) -> None:
    """get_by_id() for each id."""
    for author in range(1, N + 1):
        assert Author.get_by_id(author)  # <- here


@GROUP.silent(get_by_id_in_loop)
def where_in(_: None) -> None:
    """One query with a list."""
    assert N == len(list(Author.select().where(Author.id.in_(list(range(1, N + 1))))))


@GROUP.defect()
def count_in_loop(_: None) -> None:
    """count() of each author's books."""
    for author in Author.select():
        assert author.books.count()  # <- here


@GROUP.silent(count_in_loop)
def count_grouped(_: None) -> None:
    """Counted in the query."""
    total = peewee.fn.COUNT(Book.id).alias("total")
    for author in Author.select(Author, total).join(Book).group_by(Author):
        assert author.total


@GROUP.defect()
def exists_in_loop(_: None) -> None:
    """exists() per title."""
    for number in range(1, N + 1):
        assert Book.select().where(Book.title == f"b{number}").exists()  # <- here


@GROUP.silent(exists_in_loop)
def titles_read_once(_: None) -> None:
    """All titles in one query."""
    titles = {book.title for book in Book.select(Book.title)}
    assert all(f"b{number}" in titles for number in range(1, N + 1))


@GROUP.defect()
def save_in_loop(_: None) -> None:
    """An update per object."""
    for book in list(Book.select().where(Book.id <= N)):
        book.price = 5
        book.save()  # <- here


@GROUP.silent(save_in_loop)
def bulk_update(_: None) -> None:
    """bulk_update(): one statement."""
    books = list(Book.select().where(Book.id <= N))
    for book in books:
        book.price = 5
    Book.bulk_update(books, fields=[Book.price])


@GROUP.defect()
def create_in_loop(_: None) -> None:
    """An insert per row."""
    for number in range(N):
        Author.create(name=f"n{number}")  # <- here


@GROUP.silent(create_in_loop)
def insert_many(_: None) -> None:
    """insert_many(): one statement."""
    Author.insert_many([{"name": f"n{number}"} for number in range(N)]).execute()


@GROUP.defect()
def atomic_in_loop(_: None) -> None:
    """A savepoint around each insert."""
    with database.atomic():
        for number in range(N):
            with database.atomic():
                Author.create(name=f"n{number}")  # <- here


@GROUP.silent(atomic_in_loop)
def atomic_around_all(_: None) -> None:
    """One transaction, one statement."""
    with database.atomic():
        Author.insert_many([{"name": f"n{number}"} for number in range(N)]).execute()


@GROUP.defect(DUPLICATE)
def first_author_in_loop(_: None) -> None:
    """The same row twelve times."""
    for _turn in range(12):
        assert Author.get(Author.name == "a1")  # <- here


@GROUP.silent(first_author_in_loop)
def first_author_once(_: None) -> None:
    """Read before the loop."""
    author = Author.get(Author.name == "a1")
    assert ["a1"] * 12 == [author.name for _turn in range(12)]
