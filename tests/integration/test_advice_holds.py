"""What advice says that ORMs do, they do: the loop runs a query for each, what is advised as few as it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.orm_models import AUTHORS, DjangoShop, PeeweeShop, SqlAlchemyShop


class Counted:
    """How many queries ran."""

    def __init__(self) -> None:
        self.queries = 0

    def query(self) -> None:
        """Called for each."""
        self.queries += 1

    def of(self, code: Callable[[], Any]) -> int:
        """The queries of *code*."""
        before = self.queries
        code()
        return self.queries - before


@pytest.fixture(scope="module")
def django() -> Iterator[tuple[Counted, DjangoShop]]:
    """Django's models."""
    counted = Counted()
    with DjangoShop.opened(counted.query) as shop:
        yield counted, shop


def _by_key(shop: DjangoShop) -> Any:
    return shop.Poet.objects.in_bulk([1, 2, 3])


def _count() -> Any:
    from django.db.models import Count

    return Count("poems", distinct=True)


DJANGO: list[tuple[str, Callable[[DjangoShop], Any], int, Callable[[DjangoShop], Any], int]] = [
    (
        "select_related",
        lambda s: [each.poet.name for each in s.Poem.objects.all()],
        1 + 3 * AUTHORS,
        lambda s: [each.poet.name for each in s.Poem.objects.select_related("poet")],
        1,
    ),
    (
        "select_related of one to one, back",
        lambda s: [each.portrait.pk for each in s.Poet.objects.all()],
        1 + AUTHORS,
        lambda s: [each.portrait.pk for each in s.Poet.objects.select_related("portrait")],
        1,
    ),
    (
        "prefetch_related",
        lambda s: [list(each.poems.all()) for each in s.Poet.objects.all()],
        1 + AUTHORS,
        lambda s: [list(each.poems.all()) for each in s.Poet.objects.prefetch_related("poems")],
        2,
    ),
    (
        "prefetch_related, one of them",
        lambda s: [each.poems.all()[0] for each in s.Poet.objects.all()],
        1 + AUTHORS,
        lambda s: [next(iter(each.poems.all()), None) for each in s.Poet.objects.prefetch_related("poems")],
        2,
    ),
    (
        "annotate",
        lambda s: [each.poems.count() for each in s.Poet.objects.all()],
        1 + AUTHORS,
        lambda s: [each.number for each in s.Poet.objects.annotate(number=_count())],
        1,
    ),
    (
        "prefetch_related, any of them",
        lambda s: [each.poems.exists() for each in s.Poet.objects.all()],
        1 + AUTHORS,
        lambda s: [bool(each.poems.all()) for each in s.Poet.objects.prefetch_related("poems")],
        2,
    ),
    (
        "only",
        lambda s: [each.name for each in s.Poet.objects.only("pk")],
        1 + AUTHORS,
        lambda s: [each.name for each in s.Poet.objects.only("pk", "name")],
        1,
    ),
    (
        "in_bulk",
        lambda s: [s.Poet.objects.filter(pk=key).first() for key in (1, 2, 3)],
        3,
        _by_key,
        1,
    ),
    (
        "bulk_update",
        lambda s: [each.save() for each in s.Poet.objects.all()],
        1 + AUTHORS,
        lambda s: s.Poet.objects.bulk_update(s.Poet.objects.all(), ["seen"]),
        2,
    ),
    (
        "bulk_create",
        lambda s: [s.Label.objects.create(name=str(number)) for number in range(5)],
        5,
        lambda s: s.Label.objects.bulk_create([s.Label(name=str(number)) for number in range(5)]),
        1,
    ),
]


@pytest.mark.parametrize(
    ("loop", "before", "advised", "after"), [case[1:] for case in DJANGO], ids=[case[0] for case in DJANGO]
)
def test_django(
    django: tuple[Counted, DjangoShop],
    loop: Callable[[DjangoShop], Any],
    before: int,
    advised: Callable[[DjangoShop], Any],
    after: int,
) -> None:
    """One query for each, then one or two for all."""
    counted, shop = django

    assert (counted.of(lambda: loop(shop)), counted.of(lambda: advised(shop))) == (before, after)


def test_django_prefetch_serves_only_all(django: tuple[Counted, DjangoShop]) -> None:
    """As the advice warns, a filter, an order anew and ``get`` ask again after a prefetch; ``count`` does not."""
    counted, shop = django

    def queries(use: Callable[[Any], Any]) -> int:
        poets = shop.Poet.objects.prefetch_related("poems")
        return counted.of(lambda: [use(each) for each in poets])

    assert queries(lambda poet: list(poet.poems.all())) == 2
    assert queries(lambda poet: list(poet.poems.filter(pk__gt=0))) == 2 + AUTHORS
    assert queries(lambda poet: poet.poems.first()) == 2 + AUTHORS
    assert queries(lambda poet: poet.poems.latest("pk")) == 2 + AUTHORS


def test_django_prefetch_with_an_iterator_takes_a_chunk_size(django: tuple[Counted, DjangoShop]) -> None:
    """As the advice says: one query for each chunk, and an error without a size, of Django 5 at the latest."""
    counted, shop = django
    poets = shop.Poet.objects.prefetch_related("poems")

    assert counted.of(lambda: [list(poet.poems.all()) for poet in poets.iterator(chunk_size=3)]) == 1 + AUTHORS // 3
    with pytest.raises(ValueError, match="chunk_size must be provided"):
        list(poets.iterator())


def test_django_prefetch_of_what_is_filtered(django: tuple[Counted, DjangoShop]) -> None:
    """As the advice says, a `Prefetch` with a queryset and a `to_attr` serves what `.all()` does not."""
    from django.db.models import Prefetch

    counted, shop = django
    some = Prefetch("poems", queryset=shop.Poem.objects.filter(pk__gt=0), to_attr="some_poems")

    assert counted.of(lambda: [poet.some_poems for poet in shop.Poet.objects.prefetch_related(some)]) == 2


def _sa() -> Any:
    import sqlalchemy

    return sqlalchemy


def _load(shop: SqlAlchemyShop, model: Any, *options: Any) -> list[Any]:
    return list(shop.session.scalars(_sa().select(model).options(*options)))


def _orm() -> Any:
    from sqlalchemy import orm

    return orm


SQLALCHEMY: list[tuple[str, Callable[[SqlAlchemyShop], Any], int, Callable[[SqlAlchemyShop], Any], int]] = [
    (
        "selectinload",
        lambda s: [each.books for each in _load(s, s.Author)],
        1 + AUTHORS,
        lambda s: [each.books for each in _load(s, s.Author, _orm().selectinload(s.Author.books))],
        2,
    ),
    (
        "joinedload of one each",
        lambda s: [each.author for each in _load(s, s.Book)],
        1 + AUTHORS,
        lambda s: [each.author for each in _load(s, s.Book, _orm().joinedload(s.Book.author))],
        1,
    ),
    (
        "undefer",
        lambda s: [each.bio for each in _load(s, s.Author)],
        1 + AUTHORS,
        lambda s: [each.bio for each in _load(s, s.Author, _orm().undefer(s.Author.bio))],
        1,
    ),
    (
        "in_",
        lambda s: [s.session.get(s.Author, key) for key in (1, 2, 3)],
        3,
        lambda s: [
            (held := list(s.session.scalars(_sa().select(s.Author).where(s.Author.id.in_((1, 2, 3)))))),
            [s.session.get(s.Author, key) for key in (1, 2, 3)],
            held,
        ],
        1,
    ),
    (
        "bulk INSERT",
        lambda s: [(s.session.add(s.Author(name=str(number))), s.session.flush()) for number in range(5)],
        5,
        lambda s: s.session.execute(_sa().insert(s.Author), [{"name": str(number)} for number in range(5)]),
        1,
    ),
    (
        "bulk UPDATE",
        lambda s: [
            s.session.execute(_sa().update(s.Author).where(s.Author.id == key).values(name="x")) for key in (1, 2, 3)
        ],
        3,
        lambda s: s.session.execute(_sa().update(s.Author), [{"id": key, "name": "x"} for key in (1, 2, 3)]),
        1,
    ),
]


@pytest.mark.parametrize(
    ("loop", "before", "advised", "after"), [case[1:] for case in SQLALCHEMY], ids=[case[0] for case in SQLALCHEMY]
)
def test_sqlalchemy(
    loop: Callable[[SqlAlchemyShop], Any], before: int, advised: Callable[[SqlAlchemyShop], Any], after: int
) -> None:
    """One query for each, then one or two for all."""
    counts = []
    for code in (loop, advised):
        counted = Counted()
        shop = SqlAlchemyShop(counted.query)
        counts.append(counted.of(lambda code=code, shop=shop: code(shop)))

    assert counts == [before, after]


def test_sqlalchemy_flush_inserts_one_by_one_in_sqlite() -> None:
    """As the advice warns, one flush for all new objects is an INSERT for each in SQLite."""
    counted = Counted()
    shop = SqlAlchemyShop(counted.query)
    shop.session.add_all([shop.Author(name=str(number)) for number in range(5)])

    assert counted.of(shop.session.flush) == 5


def _peewee() -> Any:
    import peewee

    return peewee


PEEWEE: list[tuple[str, Callable[[PeeweeShop], Any], int, Callable[[PeeweeShop], Any], int]] = [
    (
        "join",
        lambda s: [each.author.name for each in s.Book.select()],
        1 + 3 * AUTHORS,
        lambda s: [each.author.name for each in s.Book.select(s.Book, s.Author).join(s.Author, on=s.Book.author)],
        1,
    ),
    (
        "prefetch",
        lambda s: [list(each.books) for each in s.Author.select()],
        1 + AUTHORS,
        lambda s: [list(each.books) for each in _peewee().prefetch(s.Author.select(), s.Book.select())],
        2,
    ),
    (
        "in_",
        lambda s: [s.Author.get_by_id(key) for key in (1, 2, 3)],
        3,
        lambda s: list(s.Author.select().where(s.Author.id.in_((1, 2, 3)))),
        1,
    ),
    (
        "insert_many",
        lambda s: [s.Author.create(name=str(number)) for number in range(5)],
        5,
        lambda s: s.Author.insert_many([{"name": str(number)} for number in range(5)]).execute(),
        1,
    ),
]


@pytest.mark.parametrize(
    ("loop", "before", "advised", "after"), [case[1:] for case in PEEWEE], ids=[case[0] for case in PEEWEE]
)
def test_peewee(
    loop: Callable[[PeeweeShop], Any], before: int, advised: Callable[[PeeweeShop], Any], after: int
) -> None:
    """One query for each, then one or two for all."""
    counts = []
    for code in (loop, advised):
        counted = Counted()
        shop = PeeweeShop(counted.query)
        counts.append(counted.of(lambda code=code, shop=shop: code(shop)))

    assert counts == [before, after]
