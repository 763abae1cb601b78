"""Rows of answers as the rows of the tables, for what a database has added up already."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from otel_verein import semconv
from otel_verein.sources.asking import whole
from otel_verein.sources.asking_spans import STATEMENTS, TOLD_APART
from otel_verein.sources.rows import EntityRow, FindingRow, HistogramRow, StepRow
from otel_verein.store.rolling.sql import SPAN_SCALE

if TYPE_CHECKING:
    from otel_verein.store.traces import TraceSpan

Pairs = tuple[tuple[int, float], ...]
_KINDS: Final = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
_STATUS: Final = {"ok": 1, "error": 2}
_WHOLE: Final = frozenset(name.name for name in semconv.TABLE if name.type == "int") | {
    semconv.CODE_LINE_NUMBER,
    semconv.SERVER_PORT,
    *(name for name in semconv.AGGREGATION if name.endswith(("_ns", "_count"))),
}
_REAL: Final = frozenset(name.name for name in semconv.TABLE if name.type == "double")


def pairs(found: Iterable[Sequence[Any]]) -> Pairs:
    """Buckets in the order of their index."""
    return tuple(sorted((int(index), float(amount)) for index, amount in found if index is not None))


def measured(row: Sequence[Any]) -> HistogramRow:
    """From an answer of :func:`clickhouse_points.histograms`."""
    _, *series, scale, count, total, least, most, places, _, _ = row
    buckets = tuple(sorted((int(index), int(amount)) for index, amount in places))
    return HistogramRow(*(*series, scale, int(count), total, least, most, buckets))


def estimated(row: Sequence[Any]) -> HistogramRow:
    """From an answer of :func:`template.histograms`."""
    *series, count, total, least, most, places, samples, variance = row
    number, buckets = whole(count, pairs(places))
    return HistogramRow(*(*series, SPAN_SCALE, number, total, least, most, buckets, True, int(samples), variance))


def finding(row: Sequence[Any]) -> FindingRow:
    """From an answer of :func:`template.findings`."""
    *said, stack, trace_id, orm, orm_version, via = row
    return FindingRow(*(*said, tuple(stack), trace_id, orm, orm_version, via))


def entity(row: Sequence[Any]) -> EntityRow:
    """From an answer of :func:`template.entities`."""
    *key, count, errors, breached, samples, took, longest, queries, most, db_s, items, items_s, places = row
    figures = (count, errors, breached, int(samples), took, longest, SPAN_SCALE, pairs(places))
    return EntityRow(*(*key, *figures, queries, most, db_s, items, items_s))


def attributes(of_span: Mapping[str, str], of_resource: Mapping[str, str]) -> dict[str, str]:
    """What tells operations apart: all that a root says but SQL, and what of its resource tells processes apart."""
    said = {name: _joined(value) for name, value in of_span.items() if name not in STATEMENTS}
    return said | {f"resource.{name}": value for name, value in of_resource.items() if name in TOLD_APART}


def _joined(text: str) -> str:
    """A list as its texts, as other sources give it."""
    found = _listed(text) if text.startswith("[") else None
    return text if found is None else ", ".join(one if isinstance(one, str) else json.dumps(one) for one in found)


def step(row: Sequence[Any]) -> StepRow:
    """From an answer of :func:`template.steps`."""
    *key, count, errors, bad, took, queries, db_s, places = row
    return StepRow(*(*key, count, errors, bad, took, queries, db_s, SPAN_SCALE, pairs(places), True))


def trace_span(row: Sequence[Any]) -> TraceSpan:
    """From the columns of a span; what was no text is one again where we know its name."""
    from otel_verein.store.traces import TraceSpan

    trace_id, span_id, parent, start_ns, duration_ns, service, name, kind, status, message, *rest = row
    operation, tier, weight, resource, scope_name, scope_version, said, *rest = rest
    times, names, event_said, link_traces, link_spans, link_said = rest
    events = [
        {"timeUnixNano": str(time), "name": event, "attributes": _typed(attributes)}
        for time, event, attributes in zip(times, names, event_said, strict=True)
    ]
    links = [
        {"traceId": trace, "spanId": span, "attributes": _typed(attributes)}
        for trace, span, attributes in zip(link_traces, link_spans, link_said, strict=True)
    ]
    scope = {name: value for name, value in (("name", scope_name), ("version", scope_version)) if value}
    return TraceSpan(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent or None,
        start_ns=start_ns,
        duration_ns=duration_ns,
        service=service,
        name=name,
        kind=_KINDS.get(kind, 0),
        status=_STATUS.get(status, 0),
        status_message=message or None,
        operation=operation,
        tier=tier,
        weight=weight,
        resource=json.dumps({"attributes": _typed(resource)}),
        scope=json.dumps(scope),
        attributes=json.dumps(_typed(said)),
        events=json.dumps(events) if events else None,
        links=json.dumps(links) if links else None,
    )


def _typed(said: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"key": name, "value": _value(name, value)} for name, value in said.items()]


def _value(name: str, text: str) -> dict[str, Any]:
    if name in _WHOLE and text.lstrip("-").isdecimal():
        return {"intValue": text}
    if name in _REAL:
        try:
            return {"doubleValue": float(text)}
        except ValueError:
            return {"stringValue": text}
    if text in ("true", "false"):
        return {"boolValue": text == "true"}
    if text.startswith("["):
        return _array(text) or {"stringValue": text}
    return {"stringValue": text}


def _array(text: str) -> dict[str, Any] | None:
    found = _listed(text)
    if found is None:
        return None
    values = [{"intValue": str(one)} if type(one) is int else {_OF_LIST[type(one)]: one} for one in found]
    return {"arrayValue": {"values": values}}


_OF_LIST: Final[Mapping[type, str]] = {str: "stringValue", float: "doubleValue", bool: "boolValue"}


def _listed(text: str) -> list[Any] | None:
    """The list that the exporter wrote as JSON; None for what is none of plain values."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    is_plain = isinstance(found, list) and all(type(one) in (*_OF_LIST, int) for one in found)
    return found if is_plain else None
