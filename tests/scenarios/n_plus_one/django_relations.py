"""Django ORM: relations that load one by one, and the same relations loaded together."""

from __future__ import annotations

from types import ModuleType

from tests.scenarios.n_plus_one.case import Group
from tests.scenarios.n_plus_one.django_shop import N, shop

GROUP = Group("Django ORM", "django", shop)


@GROUP.defect()
def foreign_key_in_loop(db: ModuleType) -> None:
    """Each book loads its author."""
    for book in db.Book.objects.filter(id__lte=N):
        assert book.author.name  # <- here


@GROUP.silent(foreign_key_in_loop)
def select_related(db: ModuleType) -> None:
    """The join brings the authors along."""
    for book in db.Book.objects.filter(id__lte=N).select_related("author"):
        assert book.author.name


@GROUP.silent(foreign_key_in_loop)
def foreign_key_id_only(db: ModuleType) -> None:
    """The id of the author is a column of the book: nothing is loaded."""
    assert N == len([book.author_id for book in db.Book.objects.filter(id__lte=N)])


@GROUP.silent(foreign_key_in_loop)
def foreign_key_of_four(db: ModuleType) -> None:
    """The same code over four books: below the limit."""
    for book in db.Book.objects.filter(id__lte=4):
        assert book.author.name


@GROUP.defect()
def reverse_foreign_key_in_loop(db: ModuleType) -> None:
    """Each author lists his books."""
    for author in db.Author.objects.all():
        assert list(author.book_set.all())  # <- here


@GROUP.silent(reverse_foreign_key_in_loop)
def reverse_foreign_key_prefetched(db: ModuleType) -> None:
    """Two queries in all."""
    for author in db.Author.objects.prefetch_related("book_set"):
        assert list(author.book_set.all())


@GROUP.defect()
def many_to_many_in_loop(db: ModuleType) -> None:
    """Each book lists its tags."""
    for book in db.Book.objects.filter(id__lte=N):
        assert list(book.tags.all())  # <- here


@GROUP.silent(many_to_many_in_loop)
def many_to_many_prefetched(db: ModuleType) -> None:
    """Two queries in all."""
    for book in db.Book.objects.filter(id__lte=N).prefetch_related("tags"):
        assert list(book.tags.all())


@GROUP.defect()
def reverse_one_to_one_in_loop(db: ModuleType) -> None:
    """Each author loads his profile."""
    for author in db.Author.objects.all():
        assert author.profile.motto  # <- here


@GROUP.silent(reverse_one_to_one_in_loop)
def reverse_one_to_one_joined(db: ModuleType) -> None:
    """select_related works in this direction, too."""
    for author in db.Author.objects.select_related("profile"):
        assert author.profile.motto


@GROUP.defect()
def chain_of_two_keys(db: ModuleType) -> None:
    """Author and publisher of each book: two queries per turn from one line."""
    for book in db.Book.objects.filter(id__lte=N):
        assert book.author.publisher.name  # <- here


@GROUP.silent(chain_of_two_keys)
def chain_joined(db: ModuleType) -> None:
    """One query with two joins."""
    for book in db.Book.objects.filter(id__lte=N).select_related("author__publisher"):
        assert book.author.publisher.name


@GROUP.defect()
def prefetch_per_item(db: ModuleType) -> None:
    """prefetch_related_objects for one item at a time prefetches nothing; ORM-level detectors miss it."""
    from django.db.models import prefetch_related_objects

    for author in db.Author.objects.all():
        prefetch_related_objects([author], "book_set")  # <- here


@GROUP.silent(prefetch_per_item)
def prefetch_for_all(db: ModuleType) -> None:
    """The same call with all items."""
    from django.db.models import prefetch_related_objects

    authors = list(db.Author.objects.all())
    prefetch_related_objects(authors, "book_set")
    assert all(list(author.book_set.all()) for author in authors)


@GROUP.defect()
def deferred_field_in_loop(db: ModuleType) -> None:
    """Each book comes back for the column that was deferred."""
    for book in db.Book.objects.filter(id__lte=N).defer("notes"):
        assert book.notes  # <- here


@GROUP.silent(deferred_field_in_loop)
def deferred_field_unused(db: ModuleType) -> None:
    """The column that is deferred is not asked for."""
    for book in db.Book.objects.filter(id__lte=N).defer("notes"):
        assert book.title


@GROUP.defect()
def only_with_another_field(db: ModuleType) -> None:
    """only() names one column, the loop wants another."""
    for book in db.Book.objects.filter(id__lte=N).only("title"):
        assert book.price  # <- here


@GROUP.silent(only_with_another_field)
def only_with_the_field(db: ModuleType) -> None:
    """only() names the column that the loop wants."""
    for book in db.Book.objects.filter(id__lte=N).only("title", "price"):
        assert book.price


@GROUP.defect()
def filter_defeats_prefetch(db: ModuleType) -> None:
    """A filter on the related manager asks again, prefetched or not."""
    for author in db.Author.objects.prefetch_related("book_set"):
        assert list(author.book_set.filter(price__gt=1))  # <- here


@GROUP.silent(filter_defeats_prefetch)
def filter_inside_prefetch(db: ModuleType) -> None:
    """The filter goes into the prefetch."""
    from django.db.models import Prefetch

    dear = Prefetch("book_set", db.Book.objects.filter(price__gt=1), to_attr="dear_books")
    for author in db.Author.objects.prefetch_related(dear):
        assert author.dear_books


@GROUP.silent(filter_defeats_prefetch)
def count_of_prefetched(db: ModuleType) -> None:
    """count() and exists() of a prefetched relation look into its cache."""
    for author in db.Author.objects.prefetch_related("book_set"):
        assert author.book_set.count()
        assert author.book_set.all().exists()


@GROUP.silent(reverse_foreign_key_in_loop)
def prefetch_in_chunks(db: ModuleType) -> None:
    """An iterator of three chunks prefetches three times."""
    for book in db.Book.objects.prefetch_related("tags").iterator(chunk_size=10):
        assert list(book.tags.all())


def _depth(category) -> int:  # type: ignore[no-untyped-def]
    return 1 + sum(_depth(child) for child in category.children.all())  # <- here


@GROUP.defect(marked=(_depth,))
def tree_of_children(db: ModuleType) -> None:
    """A recursive walk through the reverse relation asks once per node."""
    assert N == _depth(db.Category.objects.get(id=1))


@GROUP.silent(tree_of_children)
def tree_in_memory(db: ModuleType) -> None:
    """All nodes in one query, walked in memory."""
    parents = dict(db.Category.objects.values_list("id", "parent_id"))
    node, depth = N, 0
    while node:
        node, depth = parents[node], depth + 1
    assert N == depth


@GROUP.defect()
def walk_to_the_root(db: ModuleType) -> None:
    """parent.parent.parent: a query per step."""
    node = db.Category.objects.get(id=N)
    while node is not None:
        node = node.parent  # <- here


@GROUP.silent(walk_to_the_root)
def walk_of_three_steps(db: ModuleType) -> None:
    """A breadcrumb of three levels."""
    node = db.Category.objects.get(id=3)
    while node is not None:
        node = node.parent
