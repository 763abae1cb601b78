"""What the spans in ClickHouse are as the relations that the shared questions are put to.

The tables are those of the collector's exporter, where every attribute is a text and a list is JSON. A span that was
inserted again, or is in the tables of two tiers, counts once, in its longest tier.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from otel_verein import semconv
from otel_verein.sources.base import Ask
from otel_verein.sources.sql.dialect import Query, both
from otel_verein.sources.viewed import LONGEST_NS
from otel_verein.store.layout import HOUR_S, NANOSECONDS, TIERS
from otel_verein.store.measuring import TOLD_S

TABLES: Final = ("otel_traces", *(f"otel_traces_{tier}" for tier in TIERS if tier))
"""Where the exporter writes spans: by itself into the first, by our configuration of it into the others."""

HOUR_NS: Final = HOUR_S * NANOSECONDS
START_NS: Final = "toUnixTimestamp64Nano(toDateTime64(Timestamp, 9))"
_TIERS: Final = ", ".join(f"'{tier}'" for tier in TIERS)
_LONGEST_FIRST: Final = f"indexOf([{_TIERS}], SpanAttributes['{semconv.TIER}'])"
_THRESHOLD: Final = """extract(TraceState,
    '(?:^|,)[[:space:]]*ot=(?:[^,]*;)?th:([0-9a-f]{1,14})(?:[;,[:space:]]|$)')"""
_ALL: Final = 1 << 56
_WEIGHT: Final = f"""toFloat64({_ALL}) / toFloat64({_ALL} - reinterpretAsUInt64(reverse(unhex(
    concat('00', rightPad({_THRESHOLD}, 14, '0'))))))"""
"""What a span stands for by the ``ot=th`` of its trace state, as the store reads it; 1 without."""
_HIGHEST: Final = 1 << 53


def text(of: str, name: str) -> str:
    """The attribute *name* in the map *of*; NULL where it is not there."""
    return f"nullIf({of}['{name}'], '')"


UNKNOWN_SERVICE: Final = "unknown_service"
ORIGIN: Final = {
    "service": f"if(ServiceName = '', '{UNKNOWN_SERVICE}', toString(ServiceName))",
    "environment": text("ResourceAttributes", semconv.ENVIRONMENT),
    "version": text("ResourceAttributes", "service.version"),
}


def _said(name: str) -> str:
    return text("SpanAttributes", name)


def _whole(name: str) -> str:
    number = f"toInt64OrNull(SpanAttributes['{name}'])"
    return f"if({number} >= 0 AND {number} < {_HIGHEST}, {number}, NULL)"


def _real(name: str) -> str:
    number = f"toFloat64OrNull(SpanAttributes['{name}'])"
    return f"if({number} >= 0 AND {number} < {_HIGHEST}, {number}, NULL)"


def _list(name: str, kind: str) -> str:
    return f"JSONExtract(SpanAttributes['{name}'], 'Array({kind})')"


_FAILED: Final = "CAST(StatusCode IN ('Error', 'STATUS_CODE_ERROR') AS Bool)"
_KIND: Final = "lower(replaceOne(toString(SpanKind), 'SPAN_KIND_', ''))"
_SPAN: Final = {
    "start_ns": START_NS,
    "duration_ns": "toInt64(Duration)",
    "error": _FAILED,
}

_ROOTS: Final = {
    "service": ORIGIN["service"],
    "operation": f"coalesce({_said(semconv.OPERATION)}, toString(SpanName))",
    "kind": f"if({_KIND} IN ('server', 'client', 'producer', 'consumer'), {_KIND}, 'internal')",
    **_SPAN,
    "weight": _WEIGHT,
    "queries": _whole(semconv.DB_QUERY_COUNT),
    "db_ms": _real(semconv.DB_DURATION_MS),
    "reasons": f"arrayDistinct(arrayConcat(arrayFilter(one -> trim(one) != '', "
    f"{_list(semconv.BREACH, 'String')}), if({_FAILED}, ['error'], [])))",
    "entity_type": _said(semconv.ENTITY_TYPE),
    "entity_id": _said(semconv.ENTITY_ID),
    "items": _whole(semconv.ITEMS),
}
_IS_ROOT: Final = (
    "(ParentSpanId IN ('', '0000000000000000') OR SpanKind IN ('Server', 'Consumer', 'SPAN_KIND_SERVER', "
    f"'SPAN_KIND_CONSUMER') OR mapContains(SpanAttributes, '{semconv.DB_QUERY_COUNT}'))"
)
_IS_SUMMARY: Final = f"mapContains(SpanAttributes, '{semconv.AGG_SPAN_COUNT}')"


def _summed(name: str) -> str:
    return f"if({_IS_SUMMARY}, coalesce({_whole(name)}, toInt64(Duration)), toInt64(Duration))"


_BOUNDS: Final = _list(semconv.AGG_BUCKET_BOUNDS_S, "Float64")
_COUNTS: Final = _list(semconv.AGG_BUCKET_COUNTS, "Int64")
_CALLS: Final = {
    "parent_span_id": "lower(ParentSpanId)",
    "service": ORIGIN["service"],
    **_SPAN,
    "number": f"greatest(coalesce({_whole(semconv.AGG_SPAN_COUNT)}, 1), 1)",
    "total_ns": _summed(semconv.AGG_DURATION_TOTAL_NS),
    "least_ns": _summed(semconv.AGG_DURATION_MIN_NS),
    "most_ns": _summed(semconv.AGG_DURATION_MAX_NS),
    "bounds_s": _BOUNDS,
    "cumulative": f"if(length({_COUNTS}) = length({_BOUNDS}) + 1, {_COUNTS}, [])",
    "returned": _whole("db.response.returned_rows"),
    "fingerprint": _said(semconv.DB_FINGERPRINT),
    "summary": _said(semconv.DB_QUERY_SUMMARY),
    "statement": _said(semconv.DB_QUERY_TEXT),
    "db_system": _said(semconv.DB_SYSTEM_NAME),
    "verb": _said(semconv.DB_OPERATION_NAME),
    "file": _said(semconv.CODE_FILE_PATH),
    "line": _whole(semconv.CODE_LINE_NUMBER),
    "function": _said(semconv.CODE_FUNCTION_NAME),
}
_IS_CALL: Final = "(SpanKind IN ('Client', 'SPAN_KIND_CLIENT') AND ({}))".format(
    " OR ".join(
        f"mapContains(SpanAttributes, '{name}')"
        for name in (semconv.DB_FINGERPRINT, semconv.DB_QUERY_TEXT, semconv.DB_SYSTEM_NAME)
    )
)


def _event(name: str) -> str:
    return text("event", name)


def _event_number(name: str) -> str:
    number = f"toInt64OrNull(event['{name}'])"
    return f"if({number} > 0 AND {number} < {1 << 31}, {number}, NULL)"


_FINDING: Final = {
    "kind": _event(semconv.FINDING_KIND),
    "fingerprint": _event(semconv.FINDING_FINGERPRINT),
    "file": _event(semconv.CODE_FILE_PATH),
    "line": _event_number(semconv.CODE_LINE_NUMBER),
    "function": _event(semconv.CODE_FUNCTION_NAME),
    "repeats": _event_number(semconv.FINDING_REPEATS),
    "statements": f"coalesce({_event_number(semconv.FINDING_STATEMENTS)}, 1)",
    "all_queries": _event_number(semconv.FINDING_QUERIES),
    "total_ms": f"toFloat64OrNull(event['{semconv.FINDING_TOTAL_MS}'])",
    "summary": _event(semconv.DB_QUERY_SUMMARY),
    "statement": _event(semconv.DB_QUERY_TEXT),
    "verb": _event(semconv.DB_OPERATION_NAME),
    "db_system": _event(semconv.DB_SYSTEM_NAME),
    "stack": f"JSONExtract(event['{semconv.FINDING_STACK}'], 'Array(String)')",
    "orm": _event(semconv.FINDING_ORM),
    "orm_version": _event(semconv.FINDING_ORM_VERSION),
    "via": _event(semconv.FINDING_VIA),
}


def roots(tables: Sequence[str], ask: Ask, more: str = "true") -> Query:
    """The CTE ``roots``; *more* is another condition on the columns of the relation."""
    condition = both(_of(ask), Query(_IS_ROOT))
    return Query(f"roots AS (SELECT * FROM ({_once(tables, _ROOTS, condition.text)}) WHERE {more})", condition.values)


def calls(tables: Sequence[str], ask: Ask) -> Query:
    """The CTE ``calls``: those that the operations in the window of *ask* may have run."""
    end_ns = None if ask.end_ns is None else ask.end_ns + LONGEST_NS
    condition = both(
        moment("Timestamp", Ask(start_ns=ask.start_ns)),
        _before("calls_end_ns", end_ns),
        named_origin(ask),
        Query(_IS_CALL),
    )
    return Query(f"calls AS ({_once(tables, _CALLS, condition.text)})", condition.values)


_NEAREST: Final = (
    "arrayReverseSort(one -> (parent_span_id = one.3, one.1 <= start_ns AND start_ns <= one.2, one.1, one.3), near)[1]"
)


def owned(condition: str) -> str:
    """The CTE ``owned``, from the CTEs ``roots`` and ``calls``: as :func:`template.owned_calls`, in one pass of each.

    ClickHouse makes a CTE again wherever it is named, and plans it again.
    """
    said = ", ".join(_CALLS)
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
        "operation": _ROOTS["operation"],
        "start_ns": START_NS,
        "found": f"arrayFilter((said, name) -> name = '{semconv.FINDING_EVENT}', Events.Attributes, Events.Name)",
    }
    spans = _once(tables, columns, condition.text)
    said = ", ".join(f"{expression} AS {name}" for name, expression in _FINDING.items())
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


def moment(column: str, ask: Ask) -> Query:
    """The condition that a time is in the window of *ask*, such that parts of the table are left out by it."""
    values = {name: value for name in ("start_ns", "end_ns") if (value := getattr(ask, name)) is not None}
    signs = {"start_ns": ">=", "end_ns": "<"}
    parts = [f"{column} {signs[name]} fromUnixTimestamp64Nano({{{name}:Int64}})" for name in values]
    return Query(" AND ".join(parts) or "true", values)


def named_origin(ask: Ask) -> Query:
    """The condition that the names in *ask* make, but for the operation, on the columns of a table."""
    columns = {"service": "ServiceName", "environment": ORIGIN["environment"], "version": ORIGIN["version"]}
    values = {name: value for name in columns if (value := getattr(ask, name)) is not None}
    if ask.service == UNKNOWN_SERVICE:
        columns["service"] = ORIGIN["service"]
    parts = [f"{columns[name]} = {{{name}:String}}" for name in values]
    return Query(" AND ".join(parts) or "true", values)


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
        f"SELECT lower(TraceId) AS trace_id, lower(SpanId) AS span_id, {made}, {_LONGEST_FIRST} AS place FROM ({every})"
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
        "kind": _KIND,
        "status": "lower(replaceOne(toString(StatusCode), 'STATUS_CODE_', ''))",
        "message": "StatusMessage",
        "operation": f"if({_IS_ROOT}, {_ROOTS['operation']}, NULL)",
        "tier": f"if({_LONGEST_FIRST} > 0, SpanAttributes['{semconv.TIER}'], '')",
        "weight": _WEIGHT,
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
