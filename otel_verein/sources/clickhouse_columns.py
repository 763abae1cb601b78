"""What a span in ClickHouse says, as columns and conditions of SQL.

The tables are those of the collector's exporter, where every attribute is a text and a list is JSON.
"""

from __future__ import annotations

from typing import Final

from otel_verein import semconv
from otel_verein.sources.base import Ask
from otel_verein.sources.sql.dialect import CLICKHOUSE, Query, equal
from otel_verein.store.layout import HOUR_S, NANOSECONDS, TIERS

HOUR_NS: Final = HOUR_S * NANOSECONDS
START_NS: Final = "toUnixTimestamp64Nano(toDateTime64(Timestamp, 9))"
_TIERS: Final = ", ".join(f"'{tier}'" for tier in TIERS)
LONGEST_FIRST: Final = f"indexOf([{_TIERS}], SpanAttributes['{semconv.TIER}'])"
_THRESHOLD: Final = """extract(TraceState,
    '(?:^|,)[[:space:]]*ot=(?:[^,]*;)?th:([0-9a-f]{1,14})(?:[;,[:space:]]|$)')"""
_ALL: Final = 1 << 56
WEIGHT: Final = f"""toFloat64({_ALL}) / toFloat64({_ALL} - reinterpretAsUInt64(reverse(unhex(
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
KIND: Final = "lower(replaceOne(toString(SpanKind), 'SPAN_KIND_', ''))"
_ANSWERED: Final = " OR ".join(
    f"toInt32OrNull(SpanAttributes['{name}']) BETWEEN 400 AND 499"
    for name in ("http.response.status_code", "http.status_code")
)
_ROOT_FAILED: Final = f"({_FAILED} AND NOT ({KIND} = 'server' AND coalesce({_ANSWERED}, false)))"
"""A server span whose answer blames the client has not failed, as the store reads it."""
_SPAN: Final = {
    "start_ns": START_NS,
    "duration_ns": "toInt64(Duration)",
}

ROOTS: Final = {
    "service": ORIGIN["service"],
    "operation": f"coalesce({_said(semconv.OPERATION)}, toString(SpanName))",
    "kind": f"if({KIND} IN ('server', 'client', 'producer', 'consumer'), {KIND}, 'internal')",
    **_SPAN,
    "error": _ROOT_FAILED,
    "weight": WEIGHT,
    "queries": _whole(semconv.DB_QUERY_COUNT),
    "db_ms": _real(semconv.DB_DURATION_MS),
    "reasons": f"arrayDistinct(arrayConcat(arrayFilter(one -> trim(one) != '', "
    f"{_list(semconv.BREACH, 'String')}), if({_ROOT_FAILED}, ['error'], [])))",
    "entity_type": _said(semconv.ENTITY_TYPE),
    "entity_id": _said(semconv.ENTITY_ID),
    "items": _whole(semconv.ITEMS),
}
IS_ROOT: Final = (
    "(ParentSpanId IN ('', '0000000000000000') OR SpanKind IN ('Server', 'Consumer', 'SPAN_KIND_SERVER', "
    f"'SPAN_KIND_CONSUMER') OR mapContains(SpanAttributes, '{semconv.DB_QUERY_COUNT}'))"
)
_IS_SUMMARY: Final = f"mapContains(SpanAttributes, '{semconv.AGG_SPAN_COUNT}')"


def _summed(name: str) -> str:
    return f"if({_IS_SUMMARY}, coalesce({_whole(name)}, toInt64(Duration)), toInt64(Duration))"


_BOUNDS: Final = _list(semconv.AGG_BUCKET_BOUNDS_S, "Float64")
_COUNTS: Final = _list(semconv.AGG_BUCKET_COUNTS, "Int64")
CALLS: Final = {
    "parent_span_id": "lower(ParentSpanId)",
    "service": ORIGIN["service"],
    **_SPAN,
    "error": _FAILED,
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
IS_CALL: Final = "(SpanKind IN ('Client', 'SPAN_KIND_CLIENT') AND ({}))".format(
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


FINDING: Final = {
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


def moment(column: str, ask: Ask) -> Query:
    """The condition that a time is in the window of *ask*, such that parts of the table are left out by it."""
    values = {name: value for name in ("start_ns", "end_ns") if (value := getattr(ask, name)) is not None}
    signs = {"start_ns": ">=", "end_ns": "<"}
    parts = [f"{column} {signs[name]} fromUnixTimestamp64Nano({{{name}:Int64}})" for name in values]
    return Query(" AND ".join(parts) or "true", values)


def named_origin(ask: Ask) -> Query:
    """The condition that the names in *ask* make, but for the operation, on the columns of a table."""
    columns = {"service": "ServiceName", "environment": ORIGIN["environment"], "version": ORIGIN["version"]}
    if ask.service == UNKNOWN_SERVICE:
        columns["service"] = ORIGIN["service"]
    names = {"service": ask.service, "environment": ask.environment, "version": ask.version}
    return equal(CLICKHOUSE, columns, names)
