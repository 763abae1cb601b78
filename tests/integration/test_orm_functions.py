"""What real ORMs show of themselves between a line of the application and the driver."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from otel_verein.config.schema import CallSite as Options
from otel_verein.ledger.callsite import CallSites
from tests.integration.orm_models import DjangoShop, PeeweeShop, SqlAlchemyShop

Seen = list[tuple[str | None, str | None]]


class Watch:
    """The ORM and its function of every query that ran while it watched."""

    def __init__(self) -> None:
        self._sites = CallSites(Options())
        self.seen: Seen | None = None

    def query(self) -> None:
        """Called below the ORM, by whatever stands in for the driver's hook."""
        if self.seen is None:
            return
        site = self._sites.capture(sys._getframe(2))
        assert site is not None
        self.seen.append((site.through.orm, site.through.via) if site.through else (None, None))

    def of(self, code: Callable[[], Any]) -> Seen:
        """What the queries of *code* went through."""
        self.seen = seen = []
        try:
            code()
        finally:
            self.seen = None
        return seen


@pytest.fixture(scope="module")
def django() -> Iterator[tuple[Watch, DjangoShop]]:
    """Django's models, watched."""
    watch = Watch()
    with DjangoShop.opened(watch.query) as shop:
        yield watch, shop


@pytest.fixture
def sqlalchemy() -> tuple[Watch, SqlAlchemyShop]:
    """SQLAlchemy's models, watched."""
    watch = Watch()
    return watch, SqlAlchemyShop(watch.query)


@pytest.fixture
def peewee() -> tuple[Watch, PeeweeShop]:
    """Peewee's models, watched."""
    watch = Watch()
    return watch, PeeweeShop(watch.query)


_RELATED = "django.db.models.fields.related_descriptors"

DJANGO: list[tuple[str, Callable[[DjangoShop], Any], str]] = [
    ("foreign key", lambda s: lambda: s.poem().poet, f"{_RELATED}:ForwardManyToOneDescriptor.__get__ of Poem.poet"),
    (
        "one to one, back",
        lambda s: lambda: s.poet().portrait,
        f"{_RELATED}:ReverseOneToOneDescriptor.__get__ of Poet.portrait",
    ),
    (
        "back",
        lambda s: lambda: list(s.poet().poems.all()),
        "django.db.models.query:QuerySet.__iter__ of Poet.poems",
    ),
    (
        "back, filtered",
        lambda s: lambda: list(s.poet().poems.filter(pk=1)),
        "django.db.models.query:QuerySet.__iter__ of Poet.poems",
    ),
    (
        "back, first",
        lambda s: lambda: s.poet().poems.all()[0],
        "django.db.models.query:QuerySet.__getitem__ of Poet.poems",
    ),
    (
        "back, count",
        lambda s: lambda: s.poet().poems.count(),
        "django.db.models.manager:RelatedManager.count of Poet.poems",
    ),
    ("many", lambda s: lambda: list(s.poem().labels.all()), "django.db.models.query:QuerySet.__iter__ of Poem.labels"),
    (
        "many, back",
        lambda s: lambda: list(s.label().poems.all()),
        "django.db.models.query:QuerySet.__iter__ of Label.poems",
    ),
    (
        "deferred",
        lambda s: lambda: s.bare().name,
        "django.db.models.query_utils:DeferredAttribute.__get__ of Poet.name",
    ),
    ("get", lambda s: lambda: s.Poet.objects.get(pk=1), "django.db.models.manager:Manager.get of Poet"),
    ("save", lambda s: lambda: s.poet().save(), "django.db.models.base:Model.save of Poet"),
]


@pytest.mark.parametrize(("code", "via"), [case[1:] for case in DJANGO], ids=[case[0] for case in DJANGO])
def test_django(django: tuple[Watch, DjangoShop], code: Callable[[DjangoShop], Any], via: str) -> None:
    """The function that the application called, with the model, and the relation where it is one."""
    watch, shop = django

    seen = watch.of(code(shop))

    assert seen[-1:] == [("django", via)]


def test_django_cursor_is_no_orm(django: tuple[Watch, DjangoShop]) -> None:
    """A statement that the application wrote itself went through none, though Django's cursor ran it."""
    watch, shop = django

    assert watch.of(lambda: shop.cursor().execute("select 1")) == [(None, None)]


SQLALCHEMY: list[tuple[str, Callable[[SqlAlchemyShop], Any], str]] = [
    ("many", lambda s: lambda: s.author().books, "strategies:LazyLoader._load_for_state of Author.books"),
    ("one", lambda s: lambda: s.book().author, "strategies:LazyLoader._load_for_state of Book.author"),
    ("dynamic", lambda s: lambda: s.author().shelf[0], "dynamic:AppenderMixin.__getitem__ of Author.shelf"),
    ("deferred", lambda s: lambda: s.author().bio, "strategies:DeferredColumnLoader._load_for_state of Author.bio"),
    ("expired", lambda s: lambda: s.expired().name, "loading:load_scalar_attributes of Author"),
    ("get", lambda s: lambda: s.session.get(s.Author, 99), "session:Session.get of Author"),
    ("query", lambda s: lambda: s.session.query(s.Author).all(), "query:Query.all"),
]


@pytest.mark.parametrize(("code", "via"), [case[1:] for case in SQLALCHEMY], ids=[case[0] for case in SQLALCHEMY])
def test_sqlalchemy(sqlalchemy: tuple[Watch, SqlAlchemyShop], code: Callable[[SqlAlchemyShop], Any], via: str) -> None:
    """What asked of its own accord wins over the attribute that was read; private names read as they once were."""
    watch, shop = sqlalchemy

    assert watch.of(code(shop))[-1:] == [("sqlalchemy", f"sqlalchemy.orm.{via}")]


def test_sqlalchemy_flushes_before_a_query(sqlalchemy: tuple[Watch, SqlAlchemyShop]) -> None:
    """What the session writes before a query went through its flush, not through the query."""
    watch, shop = sqlalchemy

    seen = watch.of(lambda: shop.add_and_ask())

    assert seen == [("sqlalchemy", f"sqlalchemy.orm.{via}") for via in ("session:Session._flush", "query:Query.first")]


PEEWEE: list[tuple[str, Callable[[PeeweeShop], Any], str]] = [
    ("foreign key", lambda s: lambda: s.book().author, "peewee:ForeignKeyAccessor.__get__ of Book.author"),
    ("back", lambda s: lambda: list(s.author().books), "peewee:BaseModelSelect.__iter__ of Book"),
    ("count", lambda s: lambda: s.author().books.count(), "peewee:SelectBase.count of Book"),
    ("get", lambda s: lambda: s.Author.get_by_id(1), "peewee:Model.get_by_id of Author"),
    ("create", lambda s: lambda: s.Author.create(name="new"), "peewee:Model.create of Author"),
]


@pytest.mark.parametrize(("code", "via"), [case[1:] for case in PEEWEE], ids=[case[0] for case in PEEWEE])
def test_peewee(peewee: tuple[Watch, PeeweeShop], code: Callable[[PeeweeShop], Any], via: str) -> None:
    """The function that the application called, past the wrappers around it."""
    watch, shop = peewee

    assert watch.of(code(shop))[-1:] == [("peewee", via)]
