"""Django ORM: look-ups and aggregates in loops, and their set forms."""

from __future__ import annotations

from types import ModuleType

from tests.scenarios.n_plus_one.case import DUPLICATE, Group
from tests.scenarios.n_plus_one.django_shop import N, shop

GROUP = Group("Django ORM", "django", shop)


@GROUP.defect()
def get_in_loop(db: ModuleType) -> None:
    """get() by key for each id; ORM-level detectors miss it, since no relation is involved."""
    for author in range(1, N + 1):
        assert db.Author.objects.get(id=author)  # <- here


@GROUP.silent(get_in_loop)
def in_bulk(db: ModuleType) -> None:
    """in_bulk() takes the ids at once."""
    assert N == len(db.Author.objects.in_bulk(range(1, N + 1)))


@GROUP.silent(get_in_loop)
def get_of_four(db: ModuleType) -> None:
    """Four items, below the limit."""
    for author in range(1, 5):
        assert db.Author.objects.get(id=author)


@GROUP.defect()
def first_in_loop(db: ModuleType) -> None:
    """filter().first() for each code of a list."""
    for number in range(1, N + 1):
        assert db.Book.objects.filter(isbn=f"i{number}").first()  # <- here


@GROUP.silent(first_in_loop)
def filter_in(db: ModuleType) -> None:
    """One filter for all codes."""
    codes = [f"i{number}" for number in range(1, N + 1)]
    assert N == len({book.isbn: book for book in db.Book.objects.filter(isbn__in=codes)})


@GROUP.defect()
def count_in_loop(db: ModuleType) -> None:
    """count() of the books of each author."""
    for author in db.Author.objects.all():
        assert author.book_set.count()  # <- here


@GROUP.silent(count_in_loop)
def count_annotated(db: ModuleType) -> None:
    """The counts come with the authors."""
    from django.db.models import Count

    for author in db.Author.objects.annotate(books=Count("book")):
        assert author.books


@GROUP.defect()
def exists_in_loop(db: ModuleType) -> None:
    """exists() for each tag."""
    for tag in range(1, N + 1):
        assert db.Book.objects.filter(tags=tag).exists()  # <- here


@GROUP.silent(exists_in_loop)
def set_of_ids(db: ModuleType) -> None:
    """One query for the ids that exist, and a set."""
    used = set(db.Book.tags.through.objects.values_list("tag_id", flat=True))
    assert all(tag in used for tag in range(1, N + 1))


@GROUP.defect()
def aggregate_in_loop(db: ModuleType) -> None:
    """A sum per author."""
    from django.db.models import Sum

    for author in range(1, N + 1):
        assert db.Book.objects.filter(author=author).aggregate(total=Sum("price"))  # <- here


@GROUP.silent(aggregate_in_loop)
def aggregate_grouped(db: ModuleType) -> None:
    """values().annotate() groups."""
    from django.db.models import Sum

    assert N == len(db.Book.objects.values("author").annotate(total=Sum("price")).order_by())


@GROUP.defect()
def refresh_in_loop(db: ModuleType) -> None:
    """refresh_from_db() for each object."""
    for author in list(db.Author.objects.all()):
        author.refresh_from_db()  # <- here


@GROUP.silent(refresh_in_loop)
def read_again_together(db: ModuleType) -> None:
    """The list is read again as a whole."""
    authors = list(db.Author.objects.all())
    assert authors == list(db.Author.objects.filter(id__in=[author.id for author in authors]))


@GROUP.defect(DUPLICATE)
def setting_in_loop(db: ModuleType) -> None:
    """The same setting for each of twelve lines."""
    for _ in range(12):
        assert db.Setting.objects.get(key="tax").value  # <- here


@GROUP.silent(setting_in_loop)
def setting_before_the_loop(db: ModuleType) -> None:
    """Read once."""
    tax = db.Setting.objects.get(key="tax").value
    assert ["on"] * 12 == [tax for _ in range(12)]


@GROUP.defect(DUPLICATE)
def queryset_evaluated_again(db: ModuleType) -> None:
    """A queryset that is filtered anew in each turn is evaluated in each turn, with the same parameters."""
    for _ in range(12):
        assert list(db.Author.objects.filter(name__startswith="a"))  # <- here


@GROUP.silent(queryset_evaluated_again)
def queryset_keeps_its_result(db: ModuleType) -> None:
    """One queryset object remembers its rows."""
    authors = db.Author.objects.filter(name__startswith="a")
    for _ in range(12):
        assert list(authors)


@GROUP.defect()
def full_clean_of_fifteen(db: ModuleType) -> None:
    """Validation looks up the author and the ISBN of each of fifteen books: an import worth two queries."""
    for number in range(N):
        db.Book(title="t", author_id=1 + number % 9, isbn=f"new{number}", notes="n").full_clean()  # <- here


@GROUP.silent(full_clean_of_fifteen)
def full_clean_of_three(db: ModuleType) -> None:
    """A form of three lines is validated line by line."""
    for number in range(3):
        db.Book(title="t", author_id=1 + number, isbn=f"new{number}", notes="n").full_clean()


@GROUP.defect()
def raw_sql_in_loop(db: ModuleType) -> None:
    """Manager.raw() with a parameter, per author."""
    for author in range(1, N + 1):
        assert list(db.Book.objects.raw("select * from django_shop_book where author_id = %s", [author]))  # <- here


@GROUP.silent(raw_sql_in_loop)
def raw_sql_once(db: ModuleType) -> None:
    """One raw query for all authors."""
    assert 30 == len(list(db.Book.objects.raw("select * from django_shop_book")))


@GROUP.silent(get_in_loop)
def paginator(db: ModuleType) -> None:
    """A list page: one count, one page."""
    from django.core.paginator import Paginator

    assert 10 == len(Paginator(db.Book.objects.order_by("id"), 10).page(2).object_list)


@GROUP.defect()
def savepoint_around_each_get(db: ModuleType) -> None:
    """A nested atomic block in each turn puts SAVEPOINT and RELEASE between the repeats."""
    from django.db import transaction

    for author in range(1, N + 1):
        with transaction.atomic():
            assert db.Author.objects.get(id=author)  # <- here


@GROUP.silent(savepoint_around_each_get)
def savepoint_around_the_query(db: ModuleType) -> None:
    """Fifteen nested atomic blocks, one query."""
    from contextlib import ExitStack

    from django.db import transaction

    with ExitStack() as stack:
        for _ in range(N):
            stack.enter_context(transaction.atomic())
        assert N == len(db.Author.objects.all())


@GROUP.silent(get_in_loop)
def one_query_for_each_model(db: ModuleType) -> None:
    """A dashboard counts seven tables."""
    for model in (db.Author, db.Book, db.Category, db.Profile, db.Publisher, db.Setting, db.Tag):
        assert model.objects.count()
