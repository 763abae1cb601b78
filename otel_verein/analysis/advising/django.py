"""What to write with Django's ORM."""

from __future__ import annotations

from typing import Final

from otel_verein.analysis.advising.rule import Rule

_QUERYSETS = "https://docs.djangoproject.com/en/stable/ref/models/querysets/"
_BULK = (
    "`save()`, `pre_save` and `post_save` of each object are not run then; "
    "where something depends on them, the loop has to stay."
)
_ANY = r"(?:\w*QuerySet|\w*Manager\w*)"

RULES: Final = (
    Rule(
        r"(?:Forward\w+|ReverseOneToOne)Descriptor\.__get__",
        "select_related",
        "Load {model}.{relation} in the same query",
        "Each {model} fetches its `{relation}` when the attribute is read.",
        '{model}.objects.select_related("{relation}")',
        f"{_QUERYSETS}#select-related",
    ),
    Rule(
        r"GenericForeignKey\.__get__",
        "prefetch_related",
        "Fetch all {model}.{relation} at once",
        "Each {model} fetches its `{relation}`, which may be in another table each time; a join cannot.",
        '{model}.objects.prefetch_related("{relation}")',
        f"{_QUERYSETS}#prefetch-related",
    ),
    Rule(
        r"DeferredAttribute\.__get__",
        "only, defer",
        "Load {model}.{relation} with the rest",
        "The query that made each {model} left out `{relation}` by `only()` or `defer()`; reading it asks again.",
        'add "{relation}" to `.only(...)`, or take it out of `.defer(...)`, where {model} is queried',
        f"{_QUERYSETS}#defer",
    ),
    Rule(
        rf"{_ANY}\.(?:count|aggregate|acount|aaggregate)",
        "annotate",
        "Let the database count {relation} for all {model} at once",
        "Each {model} asks for a figure over its `{relation}`.",
        'from django.db.models import Count\n{model}.objects.annotate(number=Count("{relation}", distinct=True))',
        f"{_QUERYSETS}#annotate",
        related=True,
    ),
    Rule(
        rf"{_ANY}\.(?:exists|contains|aexists|acontains)",
        "prefetch_related",
        "Fetch all {relation} at once and look there",
        "Each {model} asks whether there is something among its `{relation}`.",
        '{model}.objects.prefetch_related("{relation}")\n# then, for each: bool(one.{relation}.all())',
        f"{_QUERYSETS}#prefetch-related",
        related=True,
    ),
    Rule(
        rf"{_ANY}\.(?:get|first|last|earliest|latest|__getitem__|aget|afirst|alast)",
        "prefetch_related",
        "Fetch all {relation} at once and take one in Python",
        "Each {model} asks for one of its `{relation}`. `.all()[0]` uses what was prefetched; `.get()`, "
        "`.latest()`, and "
        "`.first()` without an order, ask again.",
        '{model}.objects.prefetch_related("{relation}")\n# then, for each: next(iter(one.{relation}.all()), None)',
        f"{_QUERYSETS}#prefetch-related",
        related=True,
    ),
    Rule(
        rf"{_ANY}\.(?:add|set|remove|clear|create|aadd|aset|aremove|aclear|acreate)",
        "bulk_create",
        "Write the rows of {relation} together",
        "Each call writes the rows of one {model} only. " + _BULK,
        "{model}.{relation}.through.objects.bulk_create(rows, ignore_conflicts=True)  # of many-to-many relations\n"
        "<the model of {relation}>.objects.bulk_create(rows)  # of others",
        f"{_QUERYSETS}#bulk-create",
        related=True,
    ),
    Rule(
        rf"{_ANY}\.\w+",
        "prefetch_related",
        "Fetch all {relation} at once",
        "Each {model} fetches its `{relation}` by a query of its own. Only `.all()` uses what was prefetched; what is "
        "filtered or ordered anew afterwards asks again and needs a `Prefetch` with that queryset and a `to_attr`. "
        "With `.iterator()` it takes a `chunk_size`, and Django 4.1.",
        '{model}.objects.prefetch_related("{relation}")',
        f"{_QUERYSETS}#prefetch-related",
        related=True,
    ),
    Rule(
        rf"{_ANY}\.(?:a?create)|Model\.(?:save|save_base|asave)",
        "bulk_create",
        "Write all {model} rows together",
        "Each object is written by a statement of its own. " + _BULK,
        "{model}.objects.bulk_create(objects, batch_size=1000)",
        f"{_QUERYSETS}#bulk-create",
        verb="insert",
    ),
    Rule(
        r"Model\.(?:save|save_base|asave)",
        "bulk_update",
        "Change all {model} rows together",
        "Each object is written by a statement of its own. " + _BULK,
        '{model}.objects.bulk_update(objects, ["<field>", ...], batch_size=1000)\n'
        "# or, where all get the same value: {model}.objects.filter(pk__in=keys).update(<field>=value)",
        f"{_QUERYSETS}#bulk-update",
        verb="update",
    ),
    Rule(
        rf"{_ANY}\.(?:a?update)",
        "bulk_update",
        "Change all {model} rows together",
        "Each pass of the loop runs an UPDATE of its own.",
        "{model}.objects.filter(pk__in=keys).update(<field>=value)  # the same value for all\n"
        '{model}.objects.bulk_update(objects, ["<field>", ...])  # values of their own',
        f"{_QUERYSETS}#bulk-update",
    ),
    Rule(
        rf"{_ANY}\.(?:a?(?:get_or_create|update_or_create))",
        "in_bulk, bulk_create",
        "Look up all keys in one query, then write what is missing together",
        "Each call asks for its row, and writes it in a statement of its own. " + _BULK,
        '{model}.objects.bulk_create(objects, update_conflicts=True, unique_fields=["<key>"], update_fields=[...])',
        f"{_QUERYSETS}#bulk-create",
        since=(4, 1),
        before='known = {model}.objects.in_bulk(keys, field_name="<key>")\n'
        "{model}.objects.bulk_create([each for each in objects if each.<key> not in known])",
    ),
    Rule(
        rf"Model\.(?:a?delete)|{_ANY}\.(?:a?delete)",
        "delete",
        "Delete all {model} rows together",
        "Each object is deleted by itself, with what refers to it. "
        "The signals of each are still sent, but its own `delete()` is not run.",
        "{model}.objects.filter(pk__in=keys).delete()",
        f"{_QUERYSETS}#delete",
    ),
    Rule(
        r"Model\.(?:a?refresh_from_db)",
        "in_bulk",
        "Read all {model} rows again in one query",
        "Each object is read again by itself.",
        "fresh = {model}.objects.in_bulk([each.pk for each in objects])",
        f"{_QUERYSETS}#in-bulk",
    ),
    Rule(
        rf"{_ANY}\.(?:a?(?:exists|contains))",
        "values_list",
        "Ask once for all that there are",
        "Each pass of the loop asks whether one {model} is there.",
        'there = set({model}.objects.filter(pk__in=keys).values_list("pk", flat=True))\n# then, for each: key in there',
        f"{_QUERYSETS}#values-list",
        verb="select",
    ),
    Rule(
        rf"{_ANY}\.(?:a?(?:count|aggregate))",
        "annotate",
        "Count for all in one query, by group",
        "Each pass of the loop asks for one figure over {model}.",
        'from django.db.models import Count\n{model}.objects.values("<field>").annotate(number=Count("pk"))',
        f"{_QUERYSETS}#annotate",
        verb="select",
    ),
    Rule(
        rf"{_ANY}\.(?:a?(?:get|first|last|earliest|latest)|__getitem__)",
        "in_bulk",
        "Fetch all {model} rows by their keys at once",
        "Each pass of the loop fetches one {model}.",
        "by_key = {model}.objects.in_bulk(keys)\n# then, for each: by_key[key]",
        f"{_QUERYSETS}#in-bulk",
        verb="select",
    ),
    Rule(
        r"RawQuerySet\.\w+",
        "raw",
        "Ask for all keys in one statement",
        "Each pass of the loop runs a raw statement over {model}.",
        '{model}.objects.raw("SELECT ... WHERE <key> IN %s", [tuple(keys)])  # PostgreSQL: = ANY(%s), [keys]',
        "https://docs.djangoproject.com/en/stable/topics/db/sql/",
    ),
    Rule(
        rf"{_ANY}\.\w+|prefetch_related_objects",
        "filter __in",
        "Ask for all of them in one query",
        "Each pass of the loop runs a query over {model} with other values.",
        "{model}.objects.filter(<field>__in=values)  # once, before the loop; then group the rows by <field>",
        f"{_QUERYSETS}#in",
        verb="select",
    ),
)
