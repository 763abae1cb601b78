"""Spans in protobuf's form, encoded once, with the places of their ids and times, which each copy gets anew."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from struct import Struct
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

Attributes = Mapping[str, Any]

_TRACE_ID = b"\xf1trace-id-here-\xf2"
_SPAN_ID, _SPAN_IDS = b"\xf1\xf2\xf3\xf4", re.compile(b"\xf1\xf2\xf3\xf4(....)", re.DOTALL)
_TIME, _TIMES = b"\xe4\xe3\xe2\xe1", re.compile(b"(....)\xe4\xe3\xe2\xe1", re.DOTALL)
_HAS_IS_REMOTE, _IS_REMOTE = 0x100, 0x200
_number = Struct("<I")
_time = Struct("<Q")


@dataclass(slots=True)
class Draft:
    """One span of a trace; times are nanoseconds after the trace began, below 2^32."""

    service: int
    scope: str
    name: str
    kind: Span.SpanKind
    parent: int | None
    """The number of its parent in the trace."""
    begin_ns: int
    end_ns: int
    attributes: dict[str, Any]
    events: list[tuple[str, Attributes]] = field(default_factory=list)
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """The spans of one scope in one process, each as a field of ``ScopeSpans``; offsets are from its first byte."""

    scope: str
    content: bytes
    trace_ids: tuple[int, ...]
    span_ids: tuple[tuple[int, int], ...]
    """Where, and the number of the span in its trace."""
    times: tuple[tuple[int, int], ...]
    """Where, and nanoseconds after the trace began."""

    def fill(self, buffer: bytearray, start: int, trace_id: bytes, span_ids: Sequence[bytes], begin_ns: int) -> None:
        """Write ids and times into the copy of :attr:`content` that begins at *start* of *buffer*."""
        for offset in self.trace_ids:
            at = start + offset
            buffer[at : at + 16] = trace_id
        for offset, number in self.span_ids:
            at = start + offset
            buffer[at : at + 8] = span_ids[number]
        pack_into = _time.pack_into
        for offset, after in self.times:
            pack_into(buffer, start + offset, begin_ns + after)


def block(drafts: Sequence[Draft], numbers: Sequence[int], trace_state: str) -> Block:
    """The spans *numbers* of the trace *drafts*, which are of one process and scope."""
    content = b"".join(field_of(b"\x12", _encoded(number, drafts, trace_state)) for number in numbers)
    return Block(
        drafts[numbers[0]].scope,
        content,
        tuple(found.start() for found in re.finditer(re.escape(_TRACE_ID), content)),
        tuple((found.start(), _number.unpack(found[1])[0]) for found in _SPAN_IDS.finditer(content)),
        tuple((found.start(), _number.unpack(found[1])[0]) for found in _TIMES.finditer(content)),
    )


def _encoded(number: int, drafts: Sequence[Draft], trace_state: str) -> bytes:
    draft = drafts[number]
    remote = draft.parent is not None and drafts[draft.parent].service != draft.service
    span = Span(
        trace_id=_TRACE_ID,
        span_id=_SPAN_ID + _number.pack(number),
        trace_state=trace_state,
        parent_span_id=b"" if draft.parent is None else _SPAN_ID + _number.pack(draft.parent),
        flags=_HAS_IS_REMOTE | (_IS_REMOTE if remote else 0),
        name=draft.name,
        kind=draft.kind,
        start_time_unix_nano=_placeholder(draft.begin_ns),
        end_time_unix_nano=_placeholder(draft.end_ns),
        attributes=attributes(draft.attributes),
        status=Status(code=Status.STATUS_CODE_ERROR) if draft.failed else Status(),
    )
    for name, said in draft.events:
        span.events.add(name=name, time_unix_nano=_placeholder(draft.end_ns), attributes=attributes(said))
    return span.SerializeToString()


def _placeholder(after_ns: int) -> int:
    found: int = _time.unpack(_number.pack(after_ns) + _TIME)[0]
    return found


def attributes(given: Attributes) -> list[KeyValue]:
    """*given* as OTLP has them."""
    return [KeyValue(key=key, value=_any(value)) for key, value in given.items()]


def _any(value: Any) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=map(_any, value)))
    return AnyValue(string_value=value)


def field_of(tag: bytes, content: bytes | bytearray) -> bytes:
    """A field of protobuf with a length."""
    return tag + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)
