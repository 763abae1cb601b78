"""Spans as applications make them, with any attribute value; for the tests of encoders."""

from __future__ import annotations

from decimal import Decimal
from enum import IntEnum
from typing import Any

from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

RESOURCES = (
    Resource({"service.name": "shop", "process.pid": 42, "100%": 0.5}, "https://opentelemetry.io/schemas/1.30.0"),
    Resource({}),
)
SCOPES = (
    InstrumentationScope("otel_verein", "1.0"),
    InstrumentationScope("opentelemetry.instrumentation.flask", None, "https://example.org/%s", {"a": True}),
    None,
)


class Colour(IntEnum):
    """A number that is not of type int."""

    RED = 3


class Grumpy:
    """A value that cannot even be written as text."""

    def __str__(self) -> str:
        raise RuntimeError("no")


ODD_VALUES: dict[str, tuple[Any, Any]] = {
    "none": (None, None),
    "bytes": (b"\xff\x00", b"\xff\x00"),
    "long number": (10**30, str(10**30)),
    "least number": (-(2**63), -(2**63)),
    "enum": (Colour.RED, 3),
    "decimal": (Decimal("1.10"), "1.10"),
    "half a pair": ("a\ud800b", "a?b"),
    "mapping": ({"a": [1, {"b": None}], 2: "c"}, {"a": [1, {"b": None}], "2": "c"}),
    "tuple": ((1, "a", 2.5, True), [1, "a", 2.5, True]),
    "mixed": ([None, b"b", 10**20], [None, b"b", str(10**20)]),
    "set": ({1}, [1]),
    "object": (Grumpy(), "<Grumpy>"),
    "empty": ((), []),
}
"""Values, and what they are in OTLP."""

_texts = st.text(max_size=8)
_plain = (
    _texts
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.binary(max_size=6)  # no None: releases of OpenTelemetry before 1.34 refuse it
)
_values = st.recursive(
    _plain, lambda of: st.lists(of, max_size=3) | st.dictionaries(_texts, of, max_size=3), max_leaves=4
)
_attributes = st.dictionaries(_texts, _values, max_size=3)
_contexts = st.builds(
    SpanContext,
    st.integers(1, 2**128 - 1),
    st.integers(1, 2**64 - 1),
    st.booleans(),
    st.sampled_from([TraceFlags(0), TraceFlags(1)]),
    st.sampled_from([TraceState(), TraceState([("ot", "th:0"), ("vendor", "x")])]),
)
_times = st.integers(0, 2**63 - 1)
_statuses = st.sampled_from([Status(StatusCode.UNSET), Status(StatusCode.OK), Status(StatusCode.ERROR, 'said "no"')])

spans = st.builds(
    ReadableSpan,
    name=_texts,
    context=_contexts,
    parent=st.none() | _contexts,
    resource=st.sampled_from(RESOURCES),
    attributes=_attributes,
    events=st.lists(st.builds(Event, _texts, _attributes, _times), max_size=3),
    links=st.lists(st.builds(Link, _contexts, _attributes), max_size=3),
    kind=st.sampled_from(list(SpanKind)),
    status=_statuses,
    start_time=st.none() | _times,
    end_time=st.none() | _times,
    instrumentation_scope=st.sampled_from(SCOPES),
)
"""Any span that the encoder of OpenTelemetry takes."""


def span(name: str = "GET /", **attributes: Any) -> ReadableSpan:
    """One plain span."""
    context = SpanContext(0xA << 64, 0xB, False, TraceFlags(1))
    return ReadableSpan(
        name, context, None, RESOURCES[0], attributes, start_time=10, end_time=20, instrumentation_scope=SCOPES[0]
    )
