"""What to write with Peewee, Pony and Tortoise."""

from __future__ import annotations

from typing import Final

from otel_verein.analysis.advising.rule import Rule

_PEEWEE = "https://docs.peewee-orm.com/en/latest/peewee/"
_PONY = "https://docs.ponyorm.org/"
_TORTOISE = "https://tortoise.github.io/query.html"

PEEWEE: Final = (
    Rule(
        r"ForeignKeyAccessor\.\w+",
        "join",
        "Select {model}.{relation} in the same query",
        "Each {model} fetches its `{relation}` when the attribute is read.",
        "<Other> = {model}.{relation}.rel_model\n{model}.select({model}, <Other>).join(<Other>, on={model}.{relation})",
        f"{_PEEWEE}relationships.html#avoiding-the-n-1-problem",
    ),
    Rule(
        r"Model\.(?:create|save|insert)|BaseQuery\.execute",
        "insert_many",
        "Write all {model} rows together",
        "Each object is written by a statement of its own. `save()` and hooks of each are not run then.",
        "{model}.insert_many(rows).execute()\n# or, of objects: {model}.bulk_create(objects, batch_size=100)",
        f"{_PEEWEE}querying.html#bulk-inserts",
        verb="insert",
    ),
    Rule(
        r"Model\.save|BaseQuery\.execute",
        "bulk_update",
        "Change all {model} rows together",
        "Each object is written by a statement of its own.",
        "{model}.bulk_update(objects, fields=[{model}.<field>], batch_size=100)",
        f"{_PEEWEE}querying.html#bulk-updates",
        verb="update",
    ),
    Rule(
        r"Model\.delete_instance|BaseQuery\.execute",
        "delete",
        "Delete all {model} rows together",
        "Each object is deleted by itself.",
        "{model}.delete().where({model}.id.in_(keys)).execute()",
        f"{_PEEWEE}querying.html#deleting-records",
        verb="delete",
    ),
    Rule(
        r"(?:SelectBase|BaseModelSelect)\.(?:count|exists|scalar)",
        "fn.COUNT",
        "Count for all in one query, by group",
        "Each pass of the loop asks for one figure over {model}.",
        "{model}.select({model}.<key>, fn.COUNT({model}.id)).where({model}.<key>.in_(keys)).group_by({model}.<key>)",
        f"{_PEEWEE}querying.html#aggregating-records",
        verb="select",
    ),
    Rule(
        r"Model\.(?:get\w*|__getitem__)|(?:SelectBase|BaseModelSelect)\.(?:get|first|get_or_none)",
        "in_",
        "Fetch all {model} rows by their keys at once",
        "Each pass of the loop fetches one {model}.",
        "by_key = {{each.id: each for each in {model}.select().where({model}.id.in_(keys))}}",
        f"{_PEEWEE}querying.html",
        verb="select",
    ),
    Rule(
        r"(?:\w*Select\w*|\w*Query)\.\w+",
        "prefetch",
        "Fetch all {model} rows of the loop at once",
        "Each pass of the loop selects from {model}. Where it is a back reference that is read, "
        "`prefetch` fills it for all.",
        "prefetch(<Other>.select(), {model}.select())  # where {model} refers to <Other>\n"
        "# else: {model}.select().where({model}.<key>.in_(keys))",
        f"{_PEEWEE}relationships.html#using-prefetch",
        verb="select",
    ),
)

PONY: Final = (
    Rule(
        r"(?:Attribute|Set|SetInstance)\.\w+",
        "prefetch",
        "Prefetch the attribute in the query that makes the objects",
        "Each object loads a relation when it is read. "
        "Pony loads those of several objects at once by itself, but only of objects that it knows by then.",
        "select(x for x in <Entity>).prefetch(<Entity>.<attribute>)",
        f"{_PONY}api_reference.html#Query.prefetch",
        verb="select",
    ),
    Rule(
        r"EntityMeta\.\w+",
        "in",
        "Fetch all {model} objects at once",
        "Each pass of the loop fetches one {model}. What a query has loaded, `{model}[key]` finds without asking.",
        "select(x for x in {model} if x.id in keys)[:]",
        f"{_PONY}queries.html",
        verb="select",
    ),
    Rule(
        r"(?:flush|commit|\w*\.flush|\w*\.commit|db_session\S*)",
        "executemany",
        "Write the rows by a statement of your own",
        "Pony writes each new object by an INSERT of its own and has no call for many. "
        "If the time matters, hand the rows to the driver in one call.",
        'db.get_connection().executemany("INSERT INTO ...", rows)',
        f"{_PONY}api_reference.html#Database.get_connection",
        verb="insert",
    ),
)

TORTOISE: Final = (
    Rule(
        r"Model\.(?:save|create)|QuerySet\.create",
        "bulk_create",
        "Write all {model} rows together",
        "Each object is written by a statement of its own. Signals of each are not sent then.",
        "await {model}.bulk_create(objects)",
        _TORTOISE,
        verb="insert",
    ),
    Rule(
        r"Model\.save|UpdateQuery\.\w+",
        "bulk_update",
        "Change all {model} rows together",
        "Each object is written by a statement of its own.",
        'await {model}.bulk_update(objects, fields=["<field>"])',
        _TORTOISE,
        verb="update",
    ),
    Rule(
        r"CountQuery\.\w+|ExistsQuery\.\w+",
        "annotate",
        "Count for all in one query, by group",
        "Each pass of the loop asks for one figure over {model}.",
        'await {model}.filter(<key>__in=keys).annotate(number=Count("id")).group_by("<key>").values("<key>", "number")',
        _TORTOISE,
        verb="select",
    ),
    Rule(
        r"ReverseRelation\.\w+|ManyToManyRelation\.\w+",
        "prefetch_related",
        "Fetch the relation of all at once",
        "Each object fetches what belongs to it by a query of its own.",
        'await <Model>.all().prefetch_related("<relation>")',
        _TORTOISE,
        verb="select",
    ),
    Rule(
        r"\w*QuerySet\w*\.\w+|\w*Query\.\w+",
        "prefetch_related",
        "Fetch all {model} rows of the loop at once",
        "Each pass of the loop selects from {model}. "
        "Where it is a relation that is awaited, the query of the objects can fetch it along.",
        'await <Other>.all().prefetch_related("<relation>")  # where {model} is what the relation leads to\n'
        "# else: await {model}.filter(<key>__in=keys)",
        _TORTOISE,
        verb="select",
    ),
)
