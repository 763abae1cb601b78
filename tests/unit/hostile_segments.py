"""Segments that are broken in every way we know of, each with what has to be taken from it and what set aside."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.unit.otlp_lines import attributes

NOW_NS = 1_795_000_000_000_000_000
"""The moment at which everything here is ingested."""
START_NS = NOW_NS - 7_200_000_000_000
DEEP = 100_000


@dataclass(frozen=True)
class Case:
    """The content of a segment, the spans and points that are taken from it, and the items set aside by reason."""

    name: str
    content: bytes
    spans: int = 0
    points: int = 0
    asides: Mapping[str, int] = field(default_factory=dict)


def span(number: int = 1, **fields: object) -> dict[str, Any]:
    """A span without fault, but for *fields*; None leaves one out."""
    given: dict[str, Any] = {
        "traceId": f"{number:032x}",
        "spanId": f"{number:016x}",
        "name": "GET /orders",
        "kind": 2,
        "startTimeUnixNano": str(START_NS),
        "endTimeUnixNano": str(START_NS + 5_000_000),
        "attributes": attributes({"http.route": "/orders"}),
        "status": {},
    }
    return {name: value for name, value in (given | fields).items() if value is not None}


def request(spans: Iterable[object], service: str = "shop", scope: object = None) -> dict[str, Any]:
    """One request with *spans*."""
    resource = {"attributes": attributes({"service.name": service})}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": scope or {}, "spans": list(spans)}]}]}


def line(*spans: object, **origin: Any) -> bytes:
    """One request with *spans* as a line."""
    return text(request(spans, **origin))


def text(value: object) -> bytes:
    """A value as a line of JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def deep(opening: str, inner: str, closing: str) -> bytes:
    """A line with a span that has a value of 100,000 levels at the place of its attributes."""
    value = opening * DEEP + inner + closing * DEEP
    return line(span(1, attributes="@")).replace(b'"@"', value.encode())


BAD_ID = "an id is not of 16 or 8 bytes in hexadecimal digits"
ZERO = "no time of start or end"
OLD = "before the year 2000"
FUTURE = "later than now"
NEGATIVE = "ends before it starts"
NUMBER = "a number is out of range"
ATTRIBUTES = "attributes are not a list of keys and values"
NO_SPAN = "no span, or a part of it has a wrong type"
NO_LINE = "not OTLP/JSON"
NOT_UTF8 = "taken with U+FFFD for what is no UTF-8"
NO_RESOURCE = "a resource or scope is not one"
OTHER_SIGNAL = "logs or profiles, which the store does not keep"


HOUR_NS = 3_600_000_000_000
_WHOLE_SPAN = {
    "no attributes": span(1, attributes=None),
    "empty attributes": span(1, attributes=[]),
    "attributes null": span(1) | {"attributes": None},
    "attribute without value": span(1, attributes=[{"key": "a"}]),
    "attribute with an empty value": span(1, attributes=[{"key": "a", "value": {}}]),
    "attribute of an unknown type": span(1, attributes=[{"key": "a", "value": {"newValue": 1}}]),
    "attribute twice": span(1, attributes=attributes({"a": 1}) * 2),
    "integer of 100 digits in an attribute": span(
        1, attributes=[{"key": "verein.db.query_count", "value": {"intValue": "9" * 100}}]
    ),
    "not a number in an attribute": span(
        1, attributes=[{"key": "verein.db.duration_ms", "value": {"doubleValue": "NaN"}}]
    ),
    "infinite attribute": span(1, attributes=[{"key": "verein.db.duration_ms", "value": {"doubleValue": "-Infinity"}}]),
    "negative query count": span(1, attributes=attributes({"verein.db.query_count": -5})),
    "text as query count": span(1, attributes=attributes({"verein.db.query_count": "many"})),
    "tier with a path": span(1, attributes=attributes({"verein.tier": "../../long"})),
    "name with a path": span(1, name="../../../../etc/passwd"),
    "name with nul": span(1, name="a\0b"),
    "name of 900 kB": span(1, name="n" * 900_000),
    "no name": span(1, name=None),
    "name null": span(1) | {"name": None},
    "no kind": span(1, kind=None),
    "kind as text": span(1, kind="2"),
    "times as numbers": span(1, startTimeUnixNano=START_NS, endTimeUnixNano=START_NS),
    "ids in capitals": span(1, traceId="ABCDEF0123456789ABCDEF0123456789", spanId="ABCDEF0123456789"),
    "parent of zeros": span(1, parentSpanId="0" * 16),
    "empty parent": span(1, parentSpanId=""),
    "unknown keys": span(1, unknown={"a": [1, {"b": None}]}),
    "events of numbers": span(1, events=[1, 2]),
    "events that are none": span(1, events={"name": "verein.finding"}),
    "finding without attributes": span(1, events=[{"name": "verein.finding"}]),
    "finding with wrong types": span(
        1, events=[{"name": "verein.finding", "attributes": attributes({"verein.finding.repeats": "x"})}]
    ),
    "links of texts": span(1, links=["a"]),
    "tracestate of nonsense": span(1, traceState="ot=th:zz;;;,==,ot=th:"),
    "tracestate that weighs the most": span(1, traceState="ot=th:ffffffffffffff"),
    "status null": span(1) | {"status": None},
    "negative dropped count": span(1, droppedEventsCount=-1),
    "a little in the future": span(
        1, startTimeUnixNano=str(NOW_NS + 60_000_000_000), endTimeUnixNano=str(NOW_NS + 120_000_000_000)
    ),
    "late by a year": span(
        1,
        startTimeUnixNano=str(NOW_NS - 365 * 24 * HOUR_NS),
        endTimeUnixNano=str(NOW_NS - 365 * 24 * HOUR_NS + 1),
    ),
}
"""Spans that are odd, but have all that it takes."""

_BROKEN_SPAN: dict[str, tuple[str, Mapping[str, object]]] = {
    "trace id too short": (BAD_ID, {"traceId": "ab"}),
    "trace id too long": (BAD_ID, {"traceId": "a" * 33}),
    "trace id not hexadecimal": (BAD_ID, {"traceId": "g" * 32}),
    "trace id in base64": (BAD_ID, {"traceId": "W47/95gDgQPSabYzgT/GDA=="}),
    "trace id with digits of another script": (BAD_ID, {"traceId": "\u0661" * 32}),
    "trace id with spaces": (BAD_ID, {"traceId": "a" * 31 + " "}),
    "trace id of zeros": (BAD_ID, {"traceId": "0" * 32}),
    "no trace id": (BAD_ID, {"traceId": None}),
    "span id of zeros": (BAD_ID, {"spanId": "0" * 16}),
    "span id empty": (BAD_ID, {"spanId": ""}),
    "parent id too short": (BAD_ID, {"parentSpanId": "abc"}),
    "start zero": (ZERO, {"startTimeUnixNano": "0"}),
    "end zero": (ZERO, {"endTimeUnixNano": 0}),
    "no times": (ZERO, {"startTimeUnixNano": None, "endTimeUnixNano": None}),
    "before 2000": (OLD, {"startTimeUnixNano": "946684799999999999"}),
    "negative start": (OLD, {"startTimeUnixNano": "-5"}),
    "seconds in place of nanoseconds": (OLD, {"startTimeUnixNano": 1_795_000_000, "endTimeUnixNano": 1_795_000_001}),
    "end before start": (NEGATIVE, {"endTimeUnixNano": str(START_NS - 1)}),
    "two hours in the future": (
        FUTURE,
        {"startTimeUnixNano": str(NOW_NS + 2 * HOUR_NS), "endTimeUnixNano": str(NOW_NS + 2 * HOUR_NS)},
    ),
    "end in the future": (FUTURE, {"endTimeUnixNano": str(NOW_NS + 2 * HOUR_NS)}),
    "end beyond 64 bits": (FUTURE, {"endTimeUnixNano": str(1 << 64)}),
    "times beyond 64 bits": (FUTURE, {"startTimeUnixNano": 10**30, "endTimeUnixNano": 10**30}),
    "kind out of range": (NUMBER, {"kind": 1000}),
    "status out of range": (NUMBER, {"status": {"code": 77}}),
    "flags out of range": (NUMBER, {"flags": 1 << 40}),
    "attributes an object": (ATTRIBUTES, {"attributes": {"a": 1}}),
    "attributes a text": (ATTRIBUTES, {"attributes": "a=1"}),
    "attributes of numbers": (ATTRIBUTES, {"attributes": [1, 2]}),
    "attribute with a number for a key": (ATTRIBUTES, {"attributes": [{"key": 5, "value": {}}]}),
    "attribute with a value of a wrong type": (ATTRIBUTES, {"attributes": [{"key": "a", "value": {"intValue": {}}}]}),
    "attribute with a bare value": (ATTRIBUTES, {"attributes": [{"key": "a", "value": 5}]}),
    "name a number": (NO_SPAN, {"name": 5}),
    "name an object": (NO_SPAN, {"name": {"a": 1}}),
    "trace id a number": (NO_SPAN, {"traceId": 7}),
    "start a fraction": (NO_SPAN, {"startTimeUnixNano": 1.5}),
    "start a word": (NO_SPAN, {"startTimeUnixNano": "yesterday"}),
    "start a list": (NO_SPAN, {"startTimeUnixNano": []}),
    "start a boolean": (NO_SPAN, {"startTimeUnixNano": True}),
    "start with 100,000 digits": (NO_SPAN, {"startTimeUnixNano": "9" * 100_000}),
    "tracestate a list": (NO_SPAN, {"traceState": ["a"]}),
    "status a text": (NO_SPAN, {"status": "ok"}),
    "flags a text": (NO_SPAN, {"flags": "none"}),
}
"""What makes a span unusable, and the reason."""

_NO_SPANS: dict[str, object] = {
    "number": 5,
    "text": "span",
    "null": None,
    "list": [],
    "boolean": True,
}

_ONE_LINE: dict[str, tuple[bytes, Mapping[str, int]]] = {
    "words": (b"hello\n", {NO_LINE: 1}),
    "number": (b"5\n", {NO_LINE: 1}),
    "null": (b"null\n", {NO_LINE: 1}),
    "list": (b"[1,2]\n", {NO_LINE: 1}),
    "text": (b'"a"\n', {NO_LINE: 1}),
    "torn": (line(span(1))[:100] + b"\n", {NO_LINE: 1}),
    "two on a line": (line(span(1)).rstrip() + b" {}\n", {NO_LINE: 1}),
    "nul bytes": (bytes(4096) + b"\n", {NO_LINE: 1}),
    "binary": (bytes(range(256)).replace(b"\n", b"") * 4 + b"\n", {NO_LINE: 1}),
    "utf-16": (line(span(1)).decode().encode("utf-16").replace(b"\n", b"") + b"\n", {NO_LINE: 1}),
    "other keys": (b'{"hello":"world"}\n', {NO_LINE: 1}),
    "snake case": (line(span(1)).replace(b"resourceSpans", b"resource_spans"), {NO_LINE: 1}),
    "resources a text": (b'{"resourceSpans":"x"}\n', {NO_LINE: 1}),
    "resources an object": (b'{"resourceSpans":{}}\n', {NO_LINE: 1}),
    "not a number": (line(span(1, kind=77)).replace(b":77", b":NaN"), {NO_LINE: 1}),
    "comment": (b"/* */{}\n", {NO_LINE: 1}),
    "deep lists in a span": (deep("[", "", "]"), {NO_LINE: 1}),
    "deep objects in a span": (deep('{"a":', "1", "}"), {NO_LINE: 1}),
    "deep lists": (b"[" * DEEP + b"]" * DEEP + b"\n", {NO_LINE: 1}),
    "deep and open": (b"[" * 1_000_000 + b"\n", {NO_LINE: 1}),
    "deep in a key that nobody knows": (b'{"x":' + b"[" * DEEP + b"]" * DEEP + b"}\n", {NO_LINE: 1}),
    "empty": (b"\n \n\t\n\r\n", {}),
    "empty object": (b"{}\n", {}),
    "resources empty": (b'{"resourceSpans":[]}\n', {}),
    "resources null": (b'{"resourceSpans":null}\n', {NO_LINE: 1}),
    "scopes empty": (b'{"resourceSpans":[{"scopeSpans":[]}]}\n', {}),
    "spans null": (b'{"resourceSpans":[{"scopeSpans":[{"spans":null}]}]}\n', {}),
}

_MENDED: dict[str, tuple[int, bytes]] = {
    "half a surrogate pair": (3, line(span(1), span(2, name="@"), span(3)).replace(b"@", rb"a\ud800b")),
    "half a surrogate pair in an attribute": (
        1,
        line(span(1, attributes=attributes({"a": "@"}))).replace(b"@", rb"\udfff"),
    ),
    "no utf-8 in a name": (3, line(span(1), span(2, name="@"), span(3)).replace(b"@", b"\xff")),
    "no utf-8 in an event": (2, line(span(1, events=[{"name": "@"}]), span(2)).replace(b"@", b"\xe2\x82")),
    "no utf-8 in a resource": (1, line(span(1), service="@").replace(b"@", b"\xc3")),
}
"""Lines in which a character is cut: all of their spans are taken, and the line as it was is kept aside."""

_MIXED: list[Case] = [
    Case("carriage returns", line(span(1)).replace(b"\n", b"\r\n") * 2, spans=2),
    Case("key twice", line(span(1)).replace(b'"name":', b'"name":"x","name":', 1), spans=1),
    Case("glued to a torn line", line(span(1))[:-40] + line(span(2)), spans=1, asides={NO_LINE: 1}),
    Case("glued to a whole line", line(span(1))[:-1] + line(span(2)), spans=2),
    Case("kind by name", line(span(1, kind="SPAN_KIND_SERVER"), span(2)), spans=2),
    Case("logs", b'{"resourceLogs":[{}]}\n', asides={OTHER_SIGNAL: 1}),
    Case("logs beside spans", line(span(1))[:-2] + b',"resourceLogs":[{}]}\n', spans=1, asides={OTHER_SIGNAL: 1}),
    Case("key that nobody knows", b'{"a":1,' + line(span(1))[1:], spans=1),
    Case(
        "resource null",
        text({"resourceSpans": [None, request([span(1)])["resourceSpans"][0]]}),
        spans=1,
        asides={NO_RESOURCE: 1},
    ),
    Case("resource null beside its spans", line(span(1)).replace(b'"resource":{', b'"resource":null,"x":{'), spans=1),
    Case(
        "resource a number",
        text({"resourceSpans": [5, request([span(1)])["resourceSpans"][0]]}),
        spans=1,
        asides={NO_RESOURCE: 1},
    ),
    Case("resource without attributes", text({"resourceSpans": [{"scopeSpans": [{"spans": [span(1)]}]}]}), spans=1),
    Case(
        "resource of a wrong type",
        text({"resourceSpans": [{"resource": "x", "scopeSpans": [{"spans": [span(1), span(2)]}]}]}),
        asides={NO_RESOURCE: 2},
    ),
    Case(
        "attributes of a resource of a wrong type",
        text({"resourceSpans": [{"resource": {"attributes": 5}, "scopeSpans": [{"spans": [span(1)]}]}]}),
        asides={NO_RESOURCE: 1},
    ),
    Case("scopes of a wrong type", text({"resourceSpans": [{"scopeSpans": 5}]}), asides={NO_RESOURCE: 1}),
    Case("scope a text", line(span(1), scope="x"), spans=1),
    Case("spans an object", text({"resourceSpans": [{"scopeSpans": [{"spans": {}}]}]}), asides={NO_RESOURCE: 1}),
    Case("service with a path", line(span(1), service="../../x/\0y" + "z" * 5000), spans=1),
    Case(
        "service not a text",
        text(
            {
                "resourceSpans": [
                    {"resource": {"attributes": attributes({"service.name": 5})}, "scopeSpans": [{"spans": [span(1)]}]}
                ]
            }
        ),
        spans=1,
    ),
    Case("span twice on a line", line(span(1), span(1), span(2)), spans=3),
    Case("span on three lines", line(span(1)) * 3, spans=3),
    Case("10,000 lines of nothing", b"\n" * 10_000),
    Case("10,000 broken lines", b"x\n" * 10_000, asides={NO_LINE: 10_000}),
]

SPAN_CASES: list[Case] = [
    *(Case(f"whole: {name}", line(value), spans=1) for name, value in _WHOLE_SPAN.items()),
    *(
        Case(f"broken: {name}", line(span(1), span(2, **fields), span(3)), spans=2, asides={reason: 1})
        for name, (reason, fields) in _BROKEN_SPAN.items()
    ),
    *(
        Case(f"no span: {name}", line(span(1), value, span(3)), spans=2, asides={NO_SPAN: 1})
        for name, value in _NO_SPANS.items()
    ),
    *(Case(f"line: {name}", content, asides=asides) for name, (content, asides) in _ONE_LINE.items()),
    *(Case(name, content, spans, asides={NOT_UTF8: 1}) for name, (spans, content) in _MENDED.items()),
    *_MIXED,
]
