"""The relations of :mod:`otel_verein.sources.sql.template` over the view ``copies`` of a reading, for DuckDB.

Texts that come again and again are numbers of an ENUM, which compare and read as the texts: with them the calls of
millions of queries stay small.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otel_verein import semconv
from otel_verein.store.layout import TIERS
from otel_verein.store.rolling.sql import KIND, REASONS, STATUS, attribute, attributes_parsed

_TIERS: Final = ", ".join(f"'{tier}'" for tier in TIERS)
_IS_CALL: Final = (
    f"kind = 3 AND (fingerprint IS NOT NULL OR contains(attributes, '\"{semconv.DB_QUERY_TEXT}\"') "
    "OR contains(attributes, '\"db.system'))"
)
FAILED: Final = f"coalesce(({STATUS}) = 2, false)"
"""The condition on ``copies`` that an operation has failed."""
_IDS: Final = "trace_id, span_id"
_RETURNED_ROWS: Final = "db.response.returned_rows"
_TEXTS: Final = ("statement", "db_system", "verb", "file", "function", "fingerprint", "summary")


def repeated(condition: str) -> str:
    """The ids of the spans of which ``copies`` has several rows for which *condition* holds; mostly there are none."""
    return f"SELECT {_IDS} FROM copies WHERE {condition} GROUP BY {_IDS} HAVING count(*) > 1"


def once(columns: str, condition: str, repeats: bool) -> str:
    """The *columns* of ``copies`` for which *condition* holds, each span once, in its longest tier.

    Only few spans come twice, so only those are sorted; without *repeats* none does, which takes one pass, not three.
    """
    given = f"SELECT {_IDS}, tier, start_ns, {columns} FROM copies WHERE {condition}"
    if not repeats:
        return given
    return f"""
WITH twice AS MATERIALIZED ({repeated(condition)})
SELECT * FROM ({given}) ANTI JOIN twice USING ({_IDS})
UNION ALL
SELECT * FROM (
    SELECT * FROM ({given}) SEMI JOIN twice USING ({_IDS})
    QUALIFY row_number() OVER (PARTITION BY {_IDS} ORDER BY list_position([{_TIERS}], tier), start_ns) = 1
)"""


def roots(condition: str, repeats: bool) -> str:
    """The relation ``roots``, of the rows of ``copies`` for which *condition* holds; without their items."""
    given = (
        f"service, coalesce(operation, name) AS operation, kind, {STATUS} AS status, "
        "greatest(duration_ns, 0) AS duration_ns, coalesce(weight, 1) AS weight, query_count, db_ms, "
        "breaches, entity_type, entity_id"
    )
    return f"""
SELECT {_IDS}, service, operation, {KIND} AS kind, start_ns, duration_ns, coalesce(status = 2, false) AS error, weight,
    query_count AS queries, db_ms, {REASONS} AS reasons, entity_type, entity_id, NULL::BIGINT AS items
FROM ({once(given, f"root AND ({condition})", repeats)})"""


def owners(condition: str, every: int, repeats: bool) -> str:
    """As :func:`roots`, with what the calls have to know of them only; each stands for *every* of its like."""
    given = "service, coalesce(operation, name) AS operation, greatest(duration_ns, 0) AS duration_ns, weight"
    return f"""
SELECT {_IDS}, service, operation, start_ns, duration_ns, coalesce(weight, 1) * {every} AS weight
FROM ({once(given, f"root AND ({condition})", repeats)})"""


def texts(condition: str) -> str:
    """The relation ``call_texts``: the different attributes of query spans, each looked into once, by their hash."""
    one = "parsed"
    return f"""
SELECT fingerprint, db_summary AS summary, merged, hash(attributes) AS text_id,
    {_text(one, semconv.DB_QUERY_TEXT, "db.statement")} AS statement,
    {_text(one, semconv.DB_SYSTEM_NAME, "db.system")} AS db_system,
    {_text(one, semconv.DB_OPERATION_NAME, "db.operation")} AS verb,
    {_text(one, semconv.CODE_FILE_PATH, "code.filepath")} AS file,
    {_whole(one, semconv.CODE_LINE_NUMBER)} AS line,
    {_text(one, semconv.CODE_FUNCTION_NAME, "code.function")} AS function,
    {_whole(one, _RETURNED_ROWS)} AS returned,
    {_whole(one, semconv.AGG_DURATION_TOTAL_NS)} AS total_ns,
    {_whole(one, semconv.AGG_DURATION_MIN_NS)} AS least_ns,
    {_whole(one, semconv.AGG_DURATION_MAX_NS)} AS most_ns,
    {_list(one, semconv.AGG_BUCKET_BOUNDS_S, "DOUBLE", "coalesce(v.doubleValue, try_cast(v.intValue AS DOUBLE))")}
        AS bounds_s,
    {_list(one, semconv.AGG_BUCKET_COUNTS, "BIGINT", "try_cast(v.intValue AS BIGINT)")} AS cumulative
FROM (
    SELECT attributes, any_value(fingerprint) AS fingerprint, any_value(db_summary) AS db_summary,
        any_value(merged) AS merged, {attributes_parsed("attributes")} AS parsed
    FROM copies WHERE {_IS_CALL} AND ({condition}) GROUP BY attributes
)"""


def numbered_texts() -> Iterator[str]:
    """What makes ``call_texts`` of the relation ``said_texts``, which is as :func:`texts` gives it."""
    for name in _TEXTS:
        yield (
            f"CREATE TYPE {name}_text AS ENUM (SELECT DISTINCT {name} FROM said_texts "
            f"WHERE {name} IS NOT NULL ORDER BY {name})"
        )
    numbers = ", ".join(f"{name}::{name}_text AS {name}" for name in _TEXTS)
    yield f"CREATE TEMP TABLE call_texts AS SELECT * REPLACE ({numbers}) FROM said_texts"
    yield "DROP TABLE said_texts"


def calls(condition: str, repeats: bool) -> str:
    """The relation ``calls``, of the rows of ``copies`` for which *condition* holds, with ``call_texts``."""
    given = "parent_span_id, service, status, greatest(duration_ns, 0) AS duration_ns, hash(attributes) AS text_id"
    return f"""
SELECT {_IDS}, parent_span_id, service, start_ns, coalesce(status = 2, false) AS error,
    coalesce(merged, 1) AS number, coalesce(total_ns, duration_ns) AS total_ns,
    coalesce(least_ns, duration_ns) AS least_ns, coalesce(most_ns, duration_ns) AS most_ns, bounds_s,
    CASE WHEN len(cumulative) = len(bounds_s) + 1 THEN cumulative ELSE []::BIGINT[] END AS cumulative, returned,
    fingerprint, summary, statement, db_system, verb, file, line, function
FROM ({once(given, f"{_IS_CALL} AND ({condition})", repeats)}) JOIN call_texts USING (text_id)"""


WHOLE: Final = """
SELECT lower(hex(trace_id)), lower(hex(span_id)), attributes, resource FROM copies
WHERE root AND span_id IN (SELECT span_id FROM wanted)
"""
"""Ids as text, attributes and resource of the local roots whose span ids are in the relation ``wanted``."""


def _text(parsed: str, key: str, older: str) -> str:
    return f"coalesce({attribute(parsed, key, 'stringValue')}, {attribute(parsed, older, 'stringValue')})"


def _whole(parsed: str, key: str) -> str:
    return f"try_cast({attribute(parsed, key, 'intValue')} AS BIGINT)"


def _list(parsed: str, key: str, kind: str, part: str) -> str:
    values = attribute(parsed, key, 'arrayValue."values"')
    return f"coalesce([{part} for v in {values}], [])::{kind}[]"
