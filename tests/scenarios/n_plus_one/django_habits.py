"""Django ORM: habits that hide a query: indexes, __str__, signals, shortcuts, sort keys."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from tests.scenarios.n_plus_one.case import Group
from tests.scenarios.n_plus_one.django_shop import N, shop

GROUP = Group("Django ORM", "django", shop)


@GROUP.defect()
def index_of_queryset(db: ModuleType) -> None:
    """Each index into a queryset that is not evaluated is a query with an offset."""
    books = db.Book.objects.order_by("id")
    for position in range(N):
        assert books[position]  # <- here


@GROUP.silent(index_of_queryset)
def index_of_list(db: ModuleType) -> None:
    """The queryset becomes a list first."""
    books = list(db.Book.objects.order_by("id"))
    assert N == len([books[position] for position in range(N)])


class Label:
    """What an admin list prints for a book."""

    def __init__(self, book: Any) -> None:
        self._book = book

    def __str__(self) -> str:
        return f"{self._book.title} by {self._book.author.name}"  # <- here


@GROUP.defect(marked=(Label.__str__,))
def str_follows_a_relation(db: ModuleType) -> None:
    """The text of each object names its author."""
    assert N == len([str(Label(book)) for book in db.Book.objects.filter(id__lte=N)])


@GROUP.silent(str_follows_a_relation)
def str_of_joined(db: ModuleType) -> None:
    """The same text of joined objects."""
    books = db.Book.objects.filter(id__lte=N).select_related("author")
    assert N == len([str(Label(book)) for book in books])


@GROUP.defect()
def sorted_by_relation(db: ModuleType) -> None:
    """A sort key that follows a relation."""
    books = sorted(db.Book.objects.filter(id__lte=N), key=lambda book: book.author.name)  # <- here
    assert N == len(books)


@GROUP.silent(sorted_by_relation)
def ordered_by_relation(db: ModuleType) -> None:
    """The database orders by the author's name."""
    assert N == len(db.Book.objects.filter(id__lte=N).order_by("author__name"))


@GROUP.defect()
def get_object_or_404_in_loop(db: ModuleType) -> None:
    """The shortcut hides a get()."""
    from django.shortcuts import get_object_or_404

    for author in range(1, N + 1):
        assert get_object_or_404(db.Author, id=author)  # <- here


@GROUP.silent(get_object_or_404_in_loop)
def get_object_or_404_once(db: ModuleType) -> None:
    """A detail view: one object, two of its relations."""
    from django.shortcuts import get_object_or_404

    author = get_object_or_404(db.Author, id=1)
    assert author.publisher.name
    assert author.profile.motto


def _count_tags(sender: Any, **_: Any) -> None:
    assert sender.objects.count()  # <- here


def _created_with_signal(db: ModuleType) -> None:
    for number in range(N):
        db.Tag.objects.create(name=f"new{number}")  # <- here


@GROUP.defect(loops=2, marked=(_count_tags, _created_with_signal))
def signal_per_object(db: ModuleType) -> None:
    """A receiver of post_save counts after each insert: a read per write, and no two of one state."""
    from django.db.models.signals import post_save

    post_save.connect(_count_tags, sender=db.Tag)
    try:
        _created_with_signal(db)
    finally:
        post_save.disconnect(_count_tags, sender=db.Tag)


@GROUP.silent(signal_per_object)
def bulk_create_sends_no_signal(db: ModuleType) -> None:
    """One insert, and one count after it."""
    db.Tag.objects.bulk_create(db.Tag(name=f"new{number}") for number in range(N))
    _count_tags(db.Tag)


@GROUP.defect()
def values_then_get(db: ModuleType) -> None:
    """The ids are read, then each object by its id, in a comprehension."""
    ids = list(db.Book.objects.filter(id__lte=N).values_list("id", flat=True))
    assert N == len([db.Book.objects.get(pk=i) for i in ids])  # <- here


@GROUP.silent(values_then_get)
def values_with_what_is_needed(db: ModuleType) -> None:
    """values() brings the columns, those of the author, too."""
    assert N == len(list(db.Book.objects.filter(id__lte=N).values("id", "title", "author__name")))


@GROUP.silent(index_of_queryset)
def length_and_rows_of_one_queryset(db: ModuleType) -> None:
    """Truth, length, rows and a member of one queryset: its rows are read once, its count once."""
    books = db.Book.objects.filter(id__lte=N)
    assert books.count() == N
    assert books
    assert len(books) == N
    assert books[3] in books
