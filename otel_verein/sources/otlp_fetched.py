"""Traces as backends give them, in the JSON of OTLP that files have.

Between them backends differ from it in these: ids are base64 and enums names, as protobuf's own JSON has them; what is
``resourceSpans`` and ``scope`` has an older name; and a list is the text of one, where the backend knows no lists.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from otel_verein import semconv

Json = dict[str, Any]

_TRACE_DIGITS: Final = 32
_SPAN_DIGITS: Final = 16
_IDS: Final = (("traceId", _TRACE_DIGITS), ("spanId", _SPAN_DIGITS), ("parentSpanId", _SPAN_DIGITS))
_KINDS: Final = {
    f"SPAN_KIND_{name}": number
    for number, name in enumerate(("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"))
}
_STATUSES: Final = {f"STATUS_CODE_{name}": number for number, name in enumerate(("UNSET", "OK", "ERROR"))}
_LISTS: Final = frozenset(each.name for each in semconv.TABLE if each.type.endswith("[]")) | {
    semconv.AGG_BUCKET_BOUNDS_S,
    semconv.AGG_BUCKET_COUNTS,
}
"""Attributes of ours that are lists."""

_OLD_NAMES: Final = (("instrumentationLibrarySpans", "scopeSpans"), ("instrumentationLibrary", "scope"))


class ShapeError(ValueError):
    """What came is JSON, but not that of traces; the text says where."""


@dataclass(frozen=True, slots=True)
class Trace:
    """One trace as a message of OTLP/JSON; ``start_ns`` is when its first span began, 0 where none says."""

    message: bytes
    start_ns: int


def by_trace(resource_spans: object) -> dict[str, Trace]:
    """Each of the traces in a list of ``resourceSpans``, by its id; raises ShapeError."""
    parts: dict[str, dict[tuple[int, int], tuple[Json, Json, list[Json]]]] = {}
    starts: dict[str, int] = {}
    for number, of_resource in enumerate(_objects(resource_spans, "resourceSpans")):
        resource = {key: value for key, value in of_resource.items() if key != "scopeSpans"}
        for place, of_scope in enumerate(_scopes(of_resource)):
            scope = {key: value for key, value in of_scope.items() if key != "spans"}
            for span in _objects(of_scope.get("spans"), "spans"):
                _normalise(span)
                trace = str(span.get("traceId", ""))
                parts.setdefault(trace, {}).setdefault((number, place), (resource, scope, []))[2].append(span)
                start = number_of(span.get("startTimeUnixNano"))
                if start:
                    starts[trace] = min(start, starts.get(trace, start))
    return {trace: Trace(_message(of_trace), starts.get(trace, 0)) for trace, of_trace in parts.items()}


def padded(trace_id: str) -> str:
    """A trace id of 32 hexadecimal digits, of which some backends leave out the zeros it begins with."""
    return trace_id.lower().rjust(_TRACE_DIGITS, "0")


def _message(parts: Mapping[tuple[int, int], tuple[Json, Json, list[Json]]]) -> bytes:
    import msgspec

    of_resources: dict[int, Json] = {}
    for (number, _), (resource, scope, spans) in parts.items():
        of_resource = of_resources.setdefault(number, {**resource, "scopeSpans": []})
        of_resource["scopeSpans"].append({**scope, "spans": spans})
    encoded: bytes = msgspec.json.encode({"resourceSpans": list(of_resources.values())})
    return encoded


def _scopes(of_resource: Json) -> Iterator[Json]:
    for old, new in _OLD_NAMES[:1]:
        if old in of_resource:
            of_resource[new] = of_resource.pop(old)
    for of_scope in _objects(of_resource.get("scopeSpans"), "scopeSpans"):
        for old, new in _OLD_NAMES[1:]:
            if old in of_scope:
                of_scope[new] = of_scope.pop(old)
        yield of_scope


def _objects(value: object, name: str) -> list[Json]:
    """The objects of a list, which may be absent."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise ShapeError(f"{name} is no list of objects")
    return value


def _normalise(span: Json) -> None:
    """Make *span* one of OTLP/JSON; what cannot be made so stays, and is set aside by what takes it."""
    for name, digits in _IDS:
        if name in span:
            span[name] = _hex(span[name], digits)
    for link in _objects(span.get("links"), "links"):
        for name, digits in _IDS[:2]:
            if name in link:
                link[name] = _hex(link[name], digits)
    if "kind" in span:
        span["kind"] = _enum(span["kind"], _KINDS)
    status = span.get("status")
    if isinstance(status, dict) and "code" in status:
        status["code"] = _enum(status["code"], _STATUSES)
    _restore_values(span)
    for event in _objects(span.get("events"), "events"):
        _restore_values(event)


def _enum(value: object, names: Mapping[str, int]) -> object:
    return names.get(value, value) if isinstance(value, str) else value


def _hex(value: object, digits: int) -> object:
    """The id in hexadecimal digits, as which or in base64 it came; the lengths tell the two apart."""
    if not isinstance(value, str) or not value:
        return value
    if len(value) == digits:
        return value.lower()
    try:
        found = base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError):
        return value
    return found.hex() if len(found) * 2 == digits else value


def _restore_values(carrier: Json) -> None:
    for attribute in _objects(carrier.get("attributes"), "attributes"):
        value = attribute.get("value")
        if not isinstance(value, dict):
            continue
        if isinstance(value.get("doubleValue"), int):
            value["doubleValue"] = float(value["doubleValue"])  # written without its point, but no whole number
        text = value.get("stringValue")
        if isinstance(text, str) and attribute.get("key") in _LISTS:
            found = _list(text)
            if found is not None:
                attribute["value"] = {"arrayValue": {"values": [_value(each) for each in found]}}


def _value(found: str | int | float) -> Json:
    if isinstance(found, str):
        return {"stringValue": found}
    return {"intValue": str(found)} if isinstance(found, int) else {"doubleValue": found}


def _list(text: str) -> list[str | int | float] | None:
    import msgspec

    try:
        return msgspec.json.decode(text, type=list[str | int | float])
    except (msgspec.DecodeError, RecursionError):
        return None


def number_of(value: object) -> int:
    """A number that came as one or as its text; 0 where it is neither."""
    try:
        return int(value) if isinstance(value, (str, int)) else 0
    except ValueError:
        return 0
