"""Django ORM: writes in loops, and the bulk methods."""

from __future__ import annotations

from types import ModuleType

from tests.scenarios.n_plus_one.case import Group
from tests.scenarios.n_plus_one.django_shop import N, shop

GROUP = Group("Django ORM", "django", shop)


@GROUP.defect()
def save_in_loop(db: ModuleType) -> None:
    """An update per object; the finding is on a write."""
    for book in db.Book.objects.filter(id__lte=N):
        book.price += 1
        book.save()  # <- here


@GROUP.silent(save_in_loop)
def bulk_update(db: ModuleType) -> None:
    """One update for all."""
    books = list(db.Book.objects.filter(id__lte=N))
    for book in books:
        book.price += 1
    db.Book.objects.bulk_update(books, ["price"])


@GROUP.defect()
def create_in_loop(db: ModuleType) -> None:
    """An insert per row."""
    for number in range(N):
        db.Tag.objects.create(name=f"new{number}")  # <- here


@GROUP.silent(create_in_loop)
def bulk_create(db: ModuleType) -> None:
    """One insert with all rows."""
    db.Tag.objects.bulk_create(db.Tag(name=f"new{number}") for number in range(N))


@GROUP.silent(create_in_loop)
def bulk_create_in_batches(db: ModuleType) -> None:
    """1200 rows in twelve inserts of a hundred: the bulk method at work."""
    db.Tag.objects.bulk_create((db.Tag(name=f"new{number}") for number in range(1200)), batch_size=100)


@GROUP.silent(create_in_loop)
def create_three(db: ModuleType) -> None:
    """Three rows."""
    for number in range(3):
        db.Tag.objects.create(name=f"new{number}")


@GROUP.defect(loops=2)
def get_or_create_in_loop(db: ModuleType) -> None:
    """Read, savepoint, insert, release in each turn."""
    for number in range(N):
        db.Tag.objects.get_or_create(name=f"new{number}")  # <- here


@GROUP.silent(get_or_create_in_loop)
def create_what_is_missing(db: ModuleType) -> None:
    """One read, one insert."""
    names = {f"new{number}" for number in range(N)}
    names -= set(db.Tag.objects.filter(name__in=names).values_list("name", flat=True))
    db.Tag.objects.bulk_create(db.Tag(name=name) for name in names)


@GROUP.defect(loops=2)
def update_or_create_in_loop(db: ModuleType) -> None:
    """Read and update in each turn."""
    for number in range(1, N + 1):
        db.Tag.objects.update_or_create(id=number, defaults={"name": f"new{number}"})  # <- here


@GROUP.silent(update_or_create_in_loop)
def bulk_upsert(db: ModuleType) -> None:
    """bulk_create with update_conflicts is one upsert."""
    tags = [db.Tag(id=number, name=f"new{number}") for number in range(1, N + 1)]
    db.Tag.objects.bulk_create(tags, update_conflicts=True, unique_fields=["id"], update_fields=["name"])


@GROUP.defect()
def delete_in_loop(db: ModuleType) -> None:
    """delete() of each object, with its relations."""
    for tag in db.Tag.objects.all():
        tag.delete()  # <- here


@GROUP.silent(delete_in_loop)
def delete_queryset(db: ModuleType) -> None:
    """delete() of the queryset."""
    db.Tag.objects.all().delete()


@GROUP.defect()
def filtered_update_in_loop(db: ModuleType) -> None:
    """update() by key for each id."""
    for number in range(1, N + 1):
        db.Book.objects.filter(id=number).update(price=5)  # <- here


@GROUP.silent(filtered_update_in_loop)
def update_with_expression(db: ModuleType) -> None:
    """One update with F()."""
    from django.db.models import F

    db.Book.objects.filter(id__lte=N).update(price=F("price") + 1)


@GROUP.defect()
def add_tag_in_loop(db: ModuleType) -> None:
    """add() of a many-to-many relation for each book."""
    tag = db.Tag.objects.create(name="new")
    for book in db.Book.objects.filter(id__lte=N):
        book.tags.add(tag)  # <- here


@GROUP.silent(add_tag_in_loop)
def add_from_the_other_side(db: ModuleType) -> None:
    """The tag takes all books at once."""
    tag = db.Tag.objects.create(name="new")
    tag.book_set.add(*db.Book.objects.filter(id__lte=N))


@GROUP.defect()
def transaction_per_row(db: ModuleType) -> None:
    """A nested atomic block around each insert of an import."""
    from django.db import transaction

    for number in range(N):
        with transaction.atomic():
            db.Tag.objects.create(name=f"new{number}")  # <- here


@GROUP.silent(transaction_per_row)
def transaction_around_bulk(db: ModuleType) -> None:
    """One block, one insert."""
    from django.db import transaction

    with transaction.atomic():
        db.Tag.objects.bulk_create(db.Tag(name=f"new{number}") for number in range(N))


@GROUP.silent(save_in_loop)
def an_order_is_written(db: ModuleType) -> None:
    """Five models are written once each."""
    publisher = db.Publisher.objects.create(name="p")
    author = db.Author.objects.create(name="a", publisher=publisher)
    db.Profile.objects.create(author=author, motto="m")
    book = db.Book.objects.create(title="t", author=author, isbn="x")
    book.tags.set([1, 2, 3])
