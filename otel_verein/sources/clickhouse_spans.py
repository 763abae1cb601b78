"""The spans in ClickHouse as the relations that the shared questions are put to.

A span that was inserted again, or is in the tables of two tiers, counts once, in its longest tier.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from otel_verein import semconv
from otel_verein.sources.base import Ask
from otel_verein.sources.clickhouse_columns import (
    CALLS,
    FINDING,
    HOUR_NS,
    IS_CALL,
    IS_ROOT,
    KIND,
    LONGEST_FIRST,
    ORIGIN,
    ROOTS,
    START_NS,
    WEIGHT,
    moment,
    named_origin,
)
from otel_verein.sources.sql.dialect import Query, both
from otel_verein.sources.viewed import LONGEST_NS
from otel_verein.store.layout import NANOSECONDS, TIERS
from otel_verein.store.measuring import TOLD_S

TABLES: Final = ("otel_traces", *(f"otel_traces_{tier}" for tier in TIERS if tier))
"""Where the exporter writes spans: by itself into the first, by our configuration of it into the others."""


def roots(tables: Sequence[str], ask: Ask, more: str = "true") -> Query:
    """The CTE ``roots``; *more* is another condition on the columns of the relation."""
    condition = both(_of(ask), Query(IS_ROOT))
    return Query(f"roots AS (SELECT * FROM ({_once(tables, ROOTS, condition.text)}) WHERE {more})", condition.values)


def calls(tables: Sequence[str], ask: Ask) -> Query:
    """The CTE ``calls``: those that the operations in the window of *ask* may have run."""
    end_ns = None if ask.end_ns is None else ask.end_ns + LONGEST_NS
    condition = both(
        moment("Timestamp", Ask(start_ns=ask.start_ns)),
        _before("calls_end_ns", end_ns),
        named_origin(ask),
        Query(IS_CALL),
    )
    return Query(f"calls AS ({_once(tables, CALLS, condition.text)})", condition.values)


_NEAREST: Final = (
    "arrayReverseSort(one -> (parent_span_id = one.3, one.1 <= start_ns AND start_ns <= one.2, one.1, one.3), near)[1]"
)


def owned(condition: str) -> str:
    """The CTE ``owned``, from the CTEs ``roots`` and ``calls``: as :func:`template.owned_calls`, in one pass of each.

    ClickHouse makes a CTE again wherever it is named, and plans it again.
    """
    said = ", ".join(CALLS)
    return f"""owned AS (
    SELECT *, if(fingerprint IS NULL, coalesce(statement, summary), NULL) AS plain FROM (
        SELECT trace_id, span_id, {said}, {_NEAREST} AS nearest, nearest.3 AS root_id, nearest.4 AS operation,
            nearest.5 AS weight
        FROM calls JOIN (
            SELECT trace_id, service, groupArray((start_ns, start_ns + duration_ns, span_id, operation, weight)) AS near
            FROM roots GROUP BY trace_id, service
        ) AS of_trace USING (trace_id, service)
    ) WHERE {condition}
)"""


def _before(name: str, end_ns: int | None) -> Query:
    if end_ns is None:
        return Query("true")
    return Query(f"Timestamp < fromUnixTimestamp64Nano({{{name}:Int64}})", {name: end_ns})


def events(tables: Sequence[str], ask: Ask) -> Query:
    """The CTE ``events``, without those that say too little to be shown."""
    condition = both(_of(ask), Query(f"has(Events.Name, '{semconv.FINDING_EVENT}')"))
    columns = {
        "service": ORIGIN["service"],
        "operation": ROOTS["operation"],
        "start_ns": START_NS,
        "found": f"arrayFilter((said, name) -> name = '{semconv.FINDING_EVENT}', Events.Attributes, Events.Name)",
    }
    spans = _once(tables, columns, condition.text)
    said = ", ".join(f"{expression} AS {name}" for name, expression in FINDING.items())
    return Query(
        f"""events AS (
    SELECT * EXCEPT (all_queries), coalesce(if(all_queries > 0, all_queries, NULL), statements * repeats) AS queries
    FROM (
        SELECT trace_id, span_id, service, operation, {said}
        FROM ({spans}) ARRAY JOIN found AS event
    ) WHERE kind IS NOT NULL AND fingerprint IS NOT NULL AND repeats > 0
)""",
        condition.values,
    )


def _of(ask: Ask) -> Query:
    return both(moment("Timestamp", ask), named_origin(ask))


_COLUMNS: Final = (
    "Timestamp, TraceId, SpanId, ParentSpanId, TraceState, SpanName, SpanKind, ServiceName, ResourceAttributes, "
    "ScopeName, ScopeVersion, SpanAttributes, Duration, StatusCode, StatusMessage, Events.Timestamp, Events.Name, "
    "Events.Attributes, Links.TraceId, Links.SpanId, Links.Attributes"
)


def _once(tables: Sequence[str], columns: dict[str, str], condition: str) -> str:
    """The *columns* of the spans in *tables* that meet the condition, each span once."""
    made = ", ".join(f"{expression} AS {name}" for name, expression in columns.items())
    every = " UNION ALL ".join(f"SELECT {_COLUMNS} FROM {table} WHERE {condition}" for table in tables)
    each = (
        f"SELECT lower(TraceId) AS trace_id, lower(SpanId) AS span_id, {made}, {LONGEST_FIRST} AS place FROM ({every})"
    )
    apart = ", ".join(f"tupleElement(best, {at}) AS {name}" for at, name in enumerate(columns, 1))
    return (
        f"SELECT trace_id, span_id, {apart} FROM (SELECT trace_id, span_id, argMin(({', '.join(columns)}), "
        f"(if(place = 0, {len(TIERS) + 1}, place), start_ns)) AS best FROM ({each}) GROUP BY trace_id, span_id)"
    )


def outside(known: str) -> str:
    """The condition that the relation *known* does not show the service of a root to be measured.

    Neither in the hour in which it begins, nor in the one in which its end is told.
    """
    hours = ("start_ns", f"start_ns + duration_ns + {TOLD_S * NANOSECONDS}")
    return " AND ".join(
        f"(service, intDiv({hour}, {HOUR_NS})) NOT IN (SELECT service, hour FROM {known})" for hour in hours
    )


def attributes_of(tables: Sequence[str], ask: Ask, chosen: Query) -> Query:
    """Of the roots that *chosen* names in its first two columns: both ids, and the attributes of span and resource."""
    condition = _of(ask)
    each = " UNION ALL ".join(
        f"SELECT lower(TraceId) AS trace_id, lower(SpanId) AS span_id, SpanAttributes, ResourceAttributes FROM {table} "
        f"WHERE {condition.text} AND (lower(TraceId), lower(SpanId)) IN "
        f"(SELECT tupleElement(one, 1), tupleElement(one, 2) FROM chosen)"
        for table in tables
    )
    ids = f"chosen AS (SELECT (trace_id, span_id) AS one FROM ({chosen.text}))"
    return Query(
        f"WITH {ids} SELECT trace_id, span_id, any(SpanAttributes), any(ResourceAttributes) FROM ({each}) "
        "GROUP BY trace_id, span_id",
        {**condition.values, **chosen.values},
    )


def of_trace(tables: Sequence[str], trace_id: str) -> Query:
    """All of the spans of one trace, each once, the earliest first."""
    columns = {
        "parent_span_id": "lower(ParentSpanId)",
        "start_ns": START_NS,
        "duration_ns": "toInt64(Duration)",
        "service": ORIGIN["service"],
        "name": "toString(SpanName)",
        "kind": KIND,
        "status": "lower(replaceOne(toString(StatusCode), 'STATUS_CODE_', ''))",
        "message": "StatusMessage",
        "operation": f"if({IS_ROOT}, {ROOTS['operation']}, NULL)",
        "tier": f"if({LONGEST_FIRST} > 0, SpanAttributes['{semconv.TIER}'], '')",
        "weight": WEIGHT,
        "resource": "ResourceAttributes",
        "scope": "ScopeName",
        "scope_version": "ScopeVersion",
        "attributes": "SpanAttributes",
        "times": "arrayMap(at -> toUnixTimestamp64Nano(toDateTime64(at, 9)), Events.Timestamp)",
        "names": "Events.Name",
        "said": "Events.Attributes",
        "links": "Links.TraceId",
        "link_spans": "Links.SpanId",
        "link_said": "Links.Attributes",
    }
    text_ = _once(tables, columns, "TraceId = {trace_id:String}")
    return Query(f"{text_} ORDER BY start_ns, duration_ns DESC, span_id", {"trace_id": trace_id})
