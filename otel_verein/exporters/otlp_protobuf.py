"""Spans as an OTLP request in protobuf's wire format, written directly: a third of the time of message objects.

Field numbers are those of opentelemetry-proto 1.x, which never change. Values that protobuf would refuse, and with
them the whole request, are made plain first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import SpanKind

from otel_verein.exporters.values import plain
from otel_verein.faults import FAULTS

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import Link

_KINDS = {kind: b"\x30" + bytes([kind.value + 1]) for kind in SpanKind}
_HAS_IS_REMOTE, _IS_REMOTE = 0x100, 0x200
_KEYS = 1000

_fixed64 = Struct("<Q").pack
_fixed32 = Struct("<I").pack
_double = Struct("<d").pack


def encoded(spans: Iterable[ReadableSpan]) -> tuple[bytes, int]:
    """An ``ExportTraceServiceRequest`` of *spans*, by resource and scope in the order they came.

    And how many of them are not in it, since they have no form at all, such as one without a context.
    """
    owners: dict[tuple[int, int], tuple[Resource, InstrumentationScope | None]] = {}
    grouped: dict[tuple[int, int], list[bytes]] = {}
    bad = 0
    for span in spans:
        try:
            one = _field(b"\x12", _span(span))
        except Exception as fault:  # noqa: BLE001 - reported; a span of the application must not take others along
            FAULTS.report("export.encode", fault)
            bad += 1
            continue
        key = id(span.resource), id(span.instrumentation_scope)
        known = grouped.get(key)
        if known is None:
            owners[key] = span.resource, span.instrumentation_scope
            grouped[key] = [one]
        else:
            known.append(one)
    resources: dict[int, list[bytes]] = {}
    for (resource, scope), members in grouped.items():
        resources.setdefault(resource, []).append(_scope_spans(owners[resource, scope][1], members))
    by_id = {resource: owner for (resource, _), (owner, _) in owners.items()}
    return b"".join(_resource_spans(by_id[key], scopes) for key, scopes in resources.items()), bad


def _resource_spans(resource: Resource, scopes: list[bytes]) -> bytes:
    url = _text(b"\x1a", resource.schema_url) if resource.schema_url else b""
    inside = _field(b"\x0a", _attributes(b"\x0a", resource.attributes)) + b"".join(scopes) + url
    return _field(b"\x0a", inside)


def _scope_spans(scope: InstrumentationScope | None, spans: list[bytes]) -> bytes:
    described = url = b""
    if scope is not None:
        described = _text(b"\x0a", scope.name) if scope.name else b""
        described += _text(b"\x12", scope.version) if scope.version else b""
        described += _attributes(b"\x1a", scope.attributes or {})
        url = _text(b"\x1a", scope.schema_url) if scope.schema_url else b""
    return _field(b"\x12", _field(b"\x0a", described) + b"".join(spans) + url)


def _span(span: ReadableSpan) -> bytes:
    context, parent = span.context, span.parent
    parts = [b"\x0a\x10", context.trace_id.to_bytes(16, "big"), b"\x12\x08", context.span_id.to_bytes(8, "big")]
    if context.trace_state:
        parts.append(_text(b"\x1a", context.trace_state.to_header()))
    flags = _HAS_IS_REMOTE
    if parent is not None:
        parts += (b"\x22\x08", parent.span_id.to_bytes(8, "big"))
        flags |= _IS_REMOTE if parent.is_remote else 0
    if span.name:
        parts.append(_text(b"\x2a", span.name))
    parts.append(_KINDS[span.kind])
    if span.start_time:
        parts += (b"\x39", _fixed64(span.start_time))
    if span.end_time:
        parts += (b"\x41", _fixed64(span.end_time))
    if span.attributes:
        parts.append(_attributes(b"\x4a", span.attributes))
    parts.append(_number(b"\x50", span.dropped_attributes))
    parts += [_field(b"\x5a", _event(event)) for event in span.events]
    parts.append(_number(b"\x60", span.dropped_events))
    parts += [_field(b"\x6a", _link(link)) for link in span.links]
    parts.append(_number(b"\x70", span.dropped_links))
    status = span.status
    message = _text(b"\x12", status.description) if status.description else b""
    parts.append(_field(b"\x7a", message + _number(b"\x18", status.status_code.value)))
    parts += (b"\x85\x01", _fixed32(flags))
    return b"".join(parts)


def _event(event: Event) -> bytes:
    time = b"\x09" + _fixed64(event.timestamp) if event.timestamp else b""
    name = _text(b"\x12", event.name) if event.name else b""
    return time + name + _attributes(b"\x1a", event.attributes or {}) + _number(b"\x20", event.dropped_attributes)


def _link(link: Link) -> bytes:
    context = link.context
    ids = b"\x0a\x10" + context.trace_id.to_bytes(16, "big") + b"\x12\x08" + context.span_id.to_bytes(8, "big")
    flags = b"\x35" + _fixed32(_HAS_IS_REMOTE | (_IS_REMOTE if context.is_remote else 0))
    return ids + _attributes(b"\x22", link.attributes or {}) + _number(b"\x28", link.dropped_attributes) + flags


@lru_cache(_KEYS)
def _key(key: str) -> bytes:
    return _text(b"\x0a", str(key)) if key else b""


def _attributes(tag: bytes, attributes: Mapping[str, Any]) -> bytes:
    """Repeated ``KeyValue``, each after *tag*."""
    parts: list[bytes] = []
    for key, value in attributes.items():
        if type(value) is str:
            text = value.encode("utf-8", "replace")
            any_value = b"\x0a" + _length(len(text)) + text
        else:
            any_value = _value(plain(value))
        pair = _key(key) + b"\x12" + _length(len(any_value)) + any_value
        parts += (tag, _length(len(pair)), pair)
    return b"".join(parts)


def _value(value: Any) -> bytes:
    """An ``AnyValue`` of what :func:`plain` returns."""
    kind = type(value)
    if kind is str:
        return _text(b"\x0a", value)
    if kind is bool:
        return b"\x10\x01" if value else b"\x10\x00"
    if kind is int:
        return b"\x18" + _length(value & 0xFFFF_FFFF_FFFF_FFFF)
    if kind is float:
        return b"\x21" + _double(value)
    if kind is bytes:
        return _field(b"\x3a", value)
    if kind is list:
        return _field(b"\x2a", b"".join([_field(b"\x0a", _value(item)) for item in value]))
    if kind is dict:
        return _field(b"\x32", _attributes(b"\x0a", value))
    return b""


def _text(tag: bytes, text: str) -> bytes:
    return _field(tag, text.encode("utf-8", "replace"))


def _field(tag: bytes, content: bytes) -> bytes:
    return tag + _length(len(content)) + content


def _number(tag: bytes, number: int) -> bytes:
    return tag + _length(number) if number else b""


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


_SHORT = tuple(map(_varint, range(2048)))


def _length(number: int) -> bytes:
    return _SHORT[number] if number < 2048 else _varint(number)
