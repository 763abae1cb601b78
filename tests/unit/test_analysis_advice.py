"""Advice speaks the words of the library that ran the statement, and of no other."""

# ruff: noqa: E501

from __future__ import annotations

from typing import Any

import pytest

from otel_verein.analysis.advice import Advice, advise
from otel_verein.analysis.advising import django, frappe, smaller, sqlalchemy
from otel_verein.analysis.advising.rule import Rule, Via, version_of
from otel_verein.analysis.findings import KINDS, CallSite, Finding

RELATED = "django.db.models.fields.related_descriptors:"
QUERY = "django.db.models.query:"
SA = "sqlalchemy.orm."


def finding(**more: Any) -> Finding:
    """An N+1 of which nothing but its kind and verb is known."""
    known: dict[str, Any] = {
        "kind": "n_plus_one", "verb": "select", "service": "shop", "operation": "GET /", "summary": "SELECT book",
        "statement": "select ?", "fingerprint": "f1", "db_system": "sqlite", "operations_seen": 3, "repeats_mean": 12.0,
        "repeats_max": 14, "queries_wasted": 33, "time_wasted_s": 0.5, "severity": "medium",
        "call_site": CallSite("/srv/shop/views.py", 7, "books"), "stack": (), "example_trace_id": None,
    }  # fmt: skip
    return Finding(**(known | more))


def advice(orm: str | None, via: str | None, verb: str = "select", **more: Any) -> Advice:
    """The advice for a finding that went through that function."""
    return advise(finding(orm=orm, via=via, verb=verb, **more))


CASES = [
    ("django", f"{RELATED}ForwardManyToOneDescriptor.__get__ of Book.author", "select", "5.2", "select_related", 'Book.objects.select_related("author")'),
    ("django", f"{RELATED}ReverseOneToOneDescriptor.__get__ of Author.profile", "select", "5.2", "select_related", 'Author.objects.select_related("profile")'),
    ("django", "django.contrib.contenttypes.fields:GenericForeignKey.__get__ of Note.subject", "select", "5.2", "prefetch_related", 'Note.objects.prefetch_related("subject")'),
    ("django", "django.db.models.query_utils:DeferredAttribute.__get__ of Book.text", "select", "5.2", "only, defer", 'add "text" to `.only(...)`'),
    ("django", f"{QUERY}QuerySet.__iter__ of Author.books", "select", "5.2", "prefetch_related", 'Author.objects.prefetch_related("books")'),
    ("django", f"{QUERY}QuerySet.__iter__ of Author.*", "select", "5.2", "prefetch_related", 'Author.objects.prefetch_related("<relation>")'),
    ("django", f"{QUERY}QuerySet.__getitem__ of Author.books", "select", "5.2", "prefetch_related", "next(iter(one.books.all()), None)"),
    ("django", "django.db.models.manager:RelatedManager.count of Author.books", "select", "5.2", "annotate", 'Author.objects.annotate(number=Count("books", distinct=True))'),
    ("django", f"{QUERY}QuerySet.exists of Author.books", "select", "5.2", "prefetch_related", "bool(one.books.all())"),
    ("django", f"{RELATED}ManyRelatedManager.add of Book.tags", "insert", "5.2", "bulk_create", "Book.tags.through.objects.bulk_create"),
    ("django", "django.db.models.manager:Manager.create of Book", "insert", "5.2", "bulk_create", "Book.objects.bulk_create(objects, batch_size=1000)"),
    ("django", "django.db.models.base:Model.save of Book", "update", "5.2", "bulk_update", "Book.objects.bulk_update(objects"),
    ("django", f"{QUERY}QuerySet.update of Book", "update", "5.2", "bulk_update", "Book.objects.filter(pk__in=keys).update(<field>=value)"),
    ("django", f"{QUERY}QuerySet.get_or_create of Book", "select", "5.2", "in_bulk, bulk_create", "update_conflicts=True"),
    ("django", f"{QUERY}QuerySet.get_or_create of Book", "select", "4.0.1", "in_bulk, bulk_create", "Book.objects.in_bulk(keys"),
    ("django", "django.db.models.base:Model.delete of Book", "delete", "5.2", "delete", "Book.objects.filter(pk__in=keys).delete()"),
    ("django", "django.db.models.base:Model.refresh_from_db of Book", "select", "5.2", "in_bulk", "fresh = Book.objects.in_bulk("),
    ("django", f"{QUERY}QuerySet.exists of Book", "select", "5.2", "values_list", 'values_list("pk", flat=True)'),
    ("django", "django.db.models.manager:Manager.aggregate of Book", "select", "5.2", "annotate", 'Book.objects.values("<field>").annotate('),
    ("django", f"{QUERY}QuerySet.get of Book", "select", "5.2", "in_bulk", "by_key = Book.objects.in_bulk(keys)"),
    ("django", f"{QUERY}RawQuerySet.__iter__ of Book", "select", "5.2", "raw", "Book.objects.raw("),
    ("django", f"{QUERY}QuerySet.__iter__ of Book", "select", "5.2", "filter __in", "Book.objects.filter(<field>__in=values)"),
    ("sqlalchemy", f"{SA}strategies:LazyLoader._load_for_state of Author.books", "select", "2.0.36", "selectinload", "select(Author).options(selectinload(Author.books))"),
    ("sqlalchemy", f"{SA}strategies:LazyLoader._load_for_state of Author.books", "select", "1.3.24", "selectinload", "session.query(Author).options(selectinload(Author.books))"),
    ("sqlalchemy", f"{SA}dynamic:AppenderMixin.__getitem__ of Author.books", "select", "2.0", "in_", "<Other>.<key>.in_(keys)"),
    ("sqlalchemy", f"{SA}strategies:DeferredColumnLoader._load_for_state of Author.bio", "select", "2.0", "undefer", "undefer(Author.bio)"),
    ("sqlalchemy", f"{SA}loading:load_scalar_attributes of Author", "select", "2.0", "expire_on_commit", "expire_on_commit=False"),
    ("sqlalchemy", f"{SA}session:Session.get of Author", "select", "2.0", "in_", "by_key = {each.id: each for each in session.scalars(select(Author)"),
    ("sqlalchemy", f"{SA}query:Query.get", "select", "1.3", "in_", "session.query(<Model>).filter(<Model>.id.in_(keys))"),
    ("sqlalchemy", f"{SA}session:Session._flush", "insert", "2.0", "bulk INSERT", "session.execute(insert(<Model>), [{"),
    ("sqlalchemy", f"{SA}session:Session._flush", "update", "2.0", "bulk UPDATE by primary key", "session.execute(update(<Model>), [{"),
    ("sqlalchemy", f"{SA}session:Session._flush", "update", "1.4", "bulk UPDATE by primary key", "bulk_update_mappings"),
    ("sqlalchemy", f"{SA}session:Session._flush", "delete", "2.0", "delete where", "delete(<Model>).where("),
    ("sqlalchemy", f"{SA}query:Query.count", "select", "2.0", "group_by", "func.count()"),
    ("sqlalchemy", "sqlalchemy.engine.base:Connection.execute", "insert", "2.0", "execute many", "insert(<Model>), [{"),
    ("sqlalchemy", f"{SA}session:Session.scalars", "select", "2.0", "in_", "<Model>.<key>.in_(keys)"),
    ("peewee", "peewee:ForeignKeyAccessor.__get__ of Book.author", "select", "3.17", "join", "Book.select(Book, <Other>).join(<Other>, on=Book.author)"),
    ("peewee", "peewee:Model.create of Book", "insert", "3.17", "insert_many", "Book.insert_many(rows)"),
    ("peewee", "peewee:Model.save of Book", "update", "3.17", "bulk_update", "Book.bulk_update(objects"),
    ("peewee", "peewee:Model.delete_instance of Book", "delete", "3.17", "delete", "Book.delete().where("),
    ("peewee", "peewee:SelectBase.count of Book", "select", "3.17", "fn.COUNT", "fn.COUNT(Book.id)"),
    ("peewee", "peewee:Model.get_by_id of Book", "select", "3.17", "in_", "Book.id.in_(keys)"),
    ("peewee", "peewee:BaseModelSelect.__iter__ of Book", "select", "3.17", "prefetch", "prefetch(<Other>.select(), Book.select())"),
    ("pony", "pony.orm.core:SetInstance.__len__", "select", "0.7.19", "prefetch", ".prefetch(<Entity>.<attribute>)"),
    ("pony", "pony.orm.core:EntityMeta.get of Book", "select", "0.7.19", "in", "select(x for x in Book if x.id in keys)"),
    ("pony", "pony.orm.core:flush", "insert", "0.7.19", "executemany", "executemany("),
    ("tortoise", "tortoise.models:Model.create of Book", "insert", "0.21", "bulk_create", "await Book.bulk_create(objects)"),
    ("tortoise", "tortoise.models:Model.save of Book", "update", "0.21", "bulk_update", "await Book.bulk_update(objects"),
    ("tortoise", "tortoise.queryset:CountQuery._execute of Book", "select", "0.21", "annotate", 'annotate(number=Count("id"))'),
    ("tortoise", "tortoise.fields.relational:ReverseRelation.__aiter__", "select", "0.21", "prefetch_related", "prefetch_related("),
    ("tortoise", "tortoise.queryset:QuerySet._execute of Book", "select", "0.21", "prefetch_related", "await Book.filter(<key>__in=keys)"),
    ("frappe", "frappe.model.document:get_doc of Sales Order", "select", "15.2", "get_all", 'frappe.get_all("Sales Order", filters={"name": ["in", names]}'),
    ("frappe", "frappe.database.database:Database.get_value of Item", "select", "15.2", "get_all", 'frappe.get_all("Item"'),
    ("frappe", "frappe.database.database:Database.set_value of Item", "update", "15.2", "bulk_update", 'frappe.db.bulk_update("Item"'),
    ("frappe", "frappe.database.database:Database.set_value of Item", "update", "14.0", "bulk_update", 'frappe.db.set_value("Item", {"name": ["in", names]}'),
    ("frappe", "frappe.model.document:Document.insert of Item", "insert", "15.2", "bulk_insert", 'frappe.db.bulk_insert("Item"'),
    ("frappe", "frappe.database.database:Database.sql", "select", "15.2", "sql IN", "frappe.db.sql("),
    ("frappe", "frappe:get_all of Item", "select", "15.2", "filters in", 'filters={"<field>": ["in", values]}'),
]  # fmt: skip


@pytest.mark.parametrize(
    ("orm", "via", "verb", "version", "feature", "how"), CASES, ids=[f"{case[1]} {case[2]} {case[3]}" for case in CASES]
)
def test_words_of_the_library(orm: str, via: str, verb: str, version: str, feature: str, how: str):
    """By library, function, verb and version; with the names of the model and the relation where they are known."""
    found = advice(orm, via, verb, orm_version=version)

    assert (found.feature, found.orm, found.orm_version) == (feature, orm, version)
    assert how in found.how
    assert "{model}" not in found.title + found.why + found.how
    assert "{{" not in found.how


@pytest.mark.parametrize(
    ("library", "rules"),
    [
        ("django", django.RULES),
        ("sqlalchemy", sqlalchemy.RULES),
        ("peewee", smaller.PEEWEE),
        ("pony", smaller.PONY),
        ("tortoise", smaller.TORTOISE),
        ("frappe", frappe.RULES),
    ],
)
def test_every_rule_has_a_case(library: str, rules: tuple[Rule, ...]):
    """No rule stands behind another that takes all it is for."""
    used = set()
    for orm, via, verb, *_ in CASES:
        parts = Via.of(via)
        if orm == library and parts is not None:
            used.add(next(rule for rule in rules if rule.holds(parts, verb)))

    assert [rule.title for rule in rules if rule not in used] == []


@pytest.mark.parametrize(
    ("verb", "how"), [("select", "IN (...)"), ("insert", "VALUES (...), (...)"), ("other", "one statement")]
)
def test_no_orm_has_the_words_of_none(verb: str, how: str):
    """Where no library is known, SQL is spoken, and that none was seen is said."""
    found = advice(None, None, verb)

    assert (found.orm, found.orm_version, found.doc) == (None, None, None)
    assert how in found.how
    assert found.why.endswith("No ORM was seen between this line and the statement.")


@pytest.mark.parametrize(
    ("orm", "via"),
    [("django", "django.db.models.query:Odd.call of Book"), ("ormar", "ormar.queryset:QuerySet.get"), ("django", None)],
    ids=["unknown function", "unknown library", "no function"],
)
def test_unknown_ways_have_general_advice(orm: str, via: str | None):
    """A function that no table has is not guessed at: the advice holds for any library, and names none."""
    found = advice(orm, via)

    assert (found.orm, found.feature) == (None, "IN")
    assert "by a function for which there is no advice in its own words." in found.why


def test_words_of_one_library_are_no_words_of_another():
    """The same name of a function means nothing in another library."""
    assert advice("sqlalchemy", f"{QUERY}QuerySet.get of Book").feature == "IN"
    assert advice("peewee", f"{SA}session:Session.get of Book").orm is None


def test_duplicate_is_asked_once():
    """The same parameters every time: no batch is needed, but the answer kept."""
    found = advice("django", f"{QUERY}QuerySet.get of Site", kind="duplicate")

    assert (found.feature, found.title) == (
        "keep the result",
        "Ask once, and keep the result while the operation lasts",
    )


def test_duplicate_of_a_relation_is_loaded_along():
    """Many rows that point to the same one: loading it with them mends it, and so does keeping it."""
    found = advice("django", f"{RELATED}ForwardManyToOneDescriptor.__get__ of Book.author", kind="duplicate")

    assert found.feature == "select_related"
    assert found.why.endswith("All of them asked for the same row; loading it once and passing it on will do as well.")


def test_template_leads_to_the_query_that_fills_it():
    """The line of a tag is not where the query is written."""
    site = CallSite("/srv/shop/templates/books.html", 9, "<ForNode>")

    found = advice("django", f"{QUERY}QuerySet.__iter__ of Author.books", call_site=site)

    assert found.why.endswith("The line is in a template: the query to change is the one whose rows it is given.")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("n_plus_one", "duplicate")])
def test_other_kinds_have_advice_of_their_own(kind: str):
    """What is no repeat is advised by its kind, whatever library ran it."""
    found = advice("django", f"{QUERY}QuerySet.get of Book", kind=kind)

    assert (found.orm, found.doc) == (None, None)
    assert found.title
    assert found == advice(None, None, "other", kind=kind)


def test_an_error_is_looked_for_by_the_name_of_its_operation():
    """The command finds its traces as it stands; a shell reads the name as one word."""
    found = advice(None, None, "other", kind="errors", operation="GET /it's/*")

    assert found.how.splitlines()[0] == """otel-verein slow --failed --operation 'GET /it'"'"'s/*'"""


def test_as_dict_has_every_key():
    """All keys, whatever is known."""
    assert set(advice(None, None).as_dict()) == {"title", "why", "how", "orm", "orm_version", "feature", "doc"}


@pytest.mark.parametrize(
    ("text", "numbers"), [("5.2.1", (5, 2)), ("15", (15,)), ("2.0b1", (2, 0)), ("", None), (None, None), ("dev", None)]
)
def test_versions(text: str | None, numbers: tuple[int, ...] | None):
    """The first two numbers; none of what begins with no number."""
    assert version_of(text) == numbers
