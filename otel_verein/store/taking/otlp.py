"""One message of OTLP/JSON, parsed as far as the store has to look into it.

What is only stored stays the text that it was. The specification lets a number of 64 bits be a string, and an enum be
its number; ``opentelemetry.io/docs/specs/otlp``, "JSON Protobuf Encoding".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct

Number = float
NOTHING = Raw(b"")
_NULL = b"null"
"""What some write for a member that is absent."""

_T = TypeVar("_T")


class Status(Struct, gc=False):
    """How a span ended."""

    code: int | None = None
    message: str | None = None


class Span(Struct, gc=False):
    """A span; attributes, events and links as their texts."""

    traceId: str = ""
    spanId: str = ""
    parentSpanId: str | None = None
    traceState: str | None = None
    flags: int | None = None
    name: str | None = None
    kind: int | None = None
    startTimeUnixNano: int = 0
    endTimeUnixNano: int = 0
    attributes: Raw = NOTHING
    events: Raw = NOTHING
    links: Raw = NOTHING
    status: Status | None = None
    droppedAttributesCount: int | None = None
    droppedEventsCount: int | None = None
    droppedLinksCount: int | None = None


class ScopeSpans(Struct, gc=False):
    """The spans of one instrumentation."""

    scope: Raw = NOTHING
    spans: list[Span] | None = None
    schemaUrl: str | None = None


class ResourceSpans(Struct, gc=False):
    """The spans of one process."""

    resource: Raw = NOTHING
    scopeSpans: list[ScopeSpans] | None = None
    schemaUrl: str | None = None


class Metric(Struct, gc=False):
    """A metric; one of the shapes has its points."""

    name: str = ""
    unit: str | None = None
    description: str | None = None
    exponentialHistogram: Raw = NOTHING
    sum: Raw = NOTHING
    gauge: Raw = NOTHING
    histogram: Raw = NOTHING
    summary: Raw = NOTHING


class ScopeMetrics(Struct, gc=False):
    """The metrics of one meter."""

    scope: Raw = NOTHING
    metrics: list[Metric] | None = None
    schemaUrl: str | None = None


class ResourceMetrics(Struct, gc=False):
    """The metrics of one process."""

    resource: Raw = NOTHING
    scopeMetrics: list[ScopeMetrics] | None = None
    schemaUrl: str | None = None


class Line(Struct, gc=False):
    """A message."""

    resourceSpans: list[ResourceSpans] | None = None
    resourceMetrics: list[ResourceMetrics] | None = None
    resourceLogs: Raw = NOTHING
    resourceProfiles: Raw = NOTHING


class LooseLine(Struct, gc=False):
    """A message of which some part is wrong: each part by itself."""

    resourceSpans: list[Raw] | None = None
    resourceMetrics: list[Raw] | None = None
    resourceLogs: Raw = NOTHING
    resourceProfiles: Raw = NOTHING


class LooseResource(Struct, gc=False):
    """One entry of ``resourceSpans`` or ``resourceMetrics``."""

    resource: Raw = NOTHING
    scopeSpans: list[Raw] | None = None
    scopeMetrics: list[Raw] | None = None
    schemaUrl: str | None = None


class LooseScope(Struct, gc=False):
    """One entry of ``scopeSpans`` or ``scopeMetrics``."""

    scope: Raw = NOTHING
    spans: list[Raw] | None = None
    metrics: list[Raw] | None = None
    schemaUrl: str | None = None


class Buckets(Struct, gc=False):
    """The buckets of an exponential histogram: counts from index *offset* on."""

    offset: int = 0
    bucketCounts: list[int] | None = None


class Exemplar(Struct, gc=False):
    """A measured value, and the trace that it was measured in."""

    traceId: str | None = None
    asDouble: float | None = None
    asInt: int | None = None


class Point(Struct, gc=False):
    """A point of a sum, gauge or exponential histogram."""

    attributes: Raw = NOTHING
    startTimeUnixNano: int = 0
    timeUnixNano: int = 0
    asInt: int | None = None
    asDouble: float | None = None
    count: int | None = None
    sum: float | None = None
    min: float | None = None
    max: float | None = None
    scale: int | None = None
    zeroCount: int | None = None
    positive: Buckets | None = None
    negative: Buckets | None = None
    exemplars: list[Exemplar] | None = None


class Data(Struct, gc=False):
    """The points of one metric."""

    dataPoints: list[Point] | None = None
    aggregationTemporality: int | str | None = None


class LooseData(Struct, gc=False):
    """The points of one metric, each as its text."""

    dataPoints: list[Raw] | None = None
    aggregationTemporality: int | str | None = None


class Scope(Struct, gc=False):
    """An instrumentation."""

    name: str | None = None


class Event(Struct, gc=False):
    """An event of a span."""

    name: str | None = None
    attributes: Raw = NOTHING


class _Array(Struct, gc=False):
    values: list[_Value] | None = None


class _Value(Struct, gc=False):
    stringValue: str | None = None
    intValue: int | None = None
    doubleValue: float | None = None
    boolValue: bool | None = None
    arrayValue: _Array | None = None
    kvlistValue: Raw = NOTHING
    bytesValue: str | None = None


class _KeyValue(Struct, gc=False):
    key: str = ""
    value: _Value | None = None


class _Resource(Struct, gc=False):
    attributes: Raw = NOTHING


def _decoder(kind: type[_T]) -> msgspec.json.Decoder[_T]:
    return msgspec.json.Decoder(kind, strict=False)


LINE = _decoder(Line)
LOOSE_LINE = _decoder(LooseLine)
LOOSE_RESOURCE = _decoder(LooseResource)
LOOSE_SCOPE = _decoder(LooseScope)
SPAN = _decoder(Span)
METRIC = _decoder(Metric)
DATA = _decoder(Data)
LOOSE_DATA = _decoder(LooseData)
POINT = _decoder(Point)
SCOPE = _decoder(Scope)
EVENTS = _decoder(list[Event])
_ATTRIBUTES = _decoder(list[_KeyValue])
_RESOURCE = _decoder(_Resource)

UNUSABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
"""What decoding raises for a text that is not what it should be."""

Attributes = Mapping[str, Any]


def attributes_of(text: Raw | bytes, wanted: frozenset[str] | None = None) -> Attributes:
    """The attributes in a list of keys and values: text, int, float, bool, or a list of such; the first of a key.

    Those that are *wanted*, or all. Raises one of UNUSABLE.
    """
    if not len(text) or bytes(text) == _NULL:
        return {}
    found: dict[str, Any] = {}
    for pair in _ATTRIBUTES.decode(text):
        key, value = pair.key, pair.value
        if value is not None and (wanted is None or key in wanted) and key not in found:
            found[key] = value.stringValue if value.stringValue is not None else _plain(value)
    return found


def resource_attributes(text: Raw | bytes) -> Attributes:
    """The attributes of a resource; raises one of UNUSABLE."""
    return attributes_of(_RESOURCE.decode(text).attributes) if len(text) and bytes(text) != _NULL else {}


def text_of(raw: Raw | bytes) -> str:
    """The text itself; raises UnicodeDecodeError."""
    return str(bytes(raw), "utf-8")


def with_schema(text: bytes, url: str | None) -> bytes:
    """A resource's or scope's text with the URL of its schema as one more member, where there is one."""
    if not url:
        return text
    member = b'"schemaUrl":' + msgspec.json.encode(url)
    inner = text.strip()[1:-1].strip()
    return b"{" + inner + (b"," if inner else b"") + member + b"}"


def _plain(value: _Value) -> Any:
    for found in (value.stringValue, value.intValue, value.doubleValue, value.boolValue):
        if found is not None:
            return found
    if value.arrayValue is not None:
        return [_plain(item) for item in value.arrayValue.values or ()]
    return value.bytesValue


def texts(value: Any) -> Iterable[str]:
    """The texts in the value of an attribute that holds several."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else ()


class _PointTime(Struct, gc=False):
    timeUnixNano: int = 0


POINT_TIME = _decoder(_PointTime)
_MEMBERS = _decoder(dict[str, Raw])


def without_points(data: Raw) -> str:
    """The text of a metric's data without its points; raises one of UNUSABLE."""
    members = {name: text for name, text in _MEMBERS.decode(data).items() if name != "dataPoints"}
    return str(msgspec.json.encode(members), "utf-8")


def encoded(item: Span | Metric | Point) -> bytes:
    """The text of a span or metric that was parsed, without what is absent."""
    members = {name: value for name in item.__struct_fields__ if (value := getattr(item, name)) not in (None, 0, "")}
    return msgspec.json.encode({name: value for name, value in members.items() if not _is_nothing(value)})


def _is_nothing(value: Any) -> bool:
    return isinstance(value, Raw) and not len(value)


_KINDS = {
    "SPAN_KIND_UNSPECIFIED": 0,
    "SPAN_KIND_INTERNAL": 1,
    "SPAN_KIND_SERVER": 2,
    "SPAN_KIND_CLIENT": 3,
    "SPAN_KIND_PRODUCER": 4,
    "SPAN_KIND_CONSUMER": 5,
}
_CODES = {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}


def span_with_names(raw: Raw) -> Span:
    """A span whose enums may be names, as some write them against the specification; raises one of UNUSABLE."""
    try:
        return SPAN.decode(raw)
    except msgspec.ValidationError:
        members = _MEMBERS.decode(raw)
        _name_to_number(members, "kind", _KINDS)
        if "status" in members:
            status = _MEMBERS.decode(members["status"])
            _name_to_number(status, "code", _CODES)
            members["status"] = Raw(msgspec.json.encode(status))
        return SPAN.decode(msgspec.json.encode(members))


def _name_to_number(members: dict[str, Raw], key: str, numbers: Mapping[str, int]) -> None:
    name = bytes(members.get(key, NOTHING)).strip(b'"')
    number = numbers.get(name.decode("ascii", "replace"))
    if number is not None:
        members[key] = Raw(str(number).encode())
