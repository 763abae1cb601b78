"""Our light span against the SDK's: whatever is called on both, both read the same."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanLimits, TracerProvider
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, Tracer

from otel_verein.config import Config
from otel_verein.processors import VereinSpanProcessor
from otel_verein.tracing import VereinTracerProvider

LIMITS = SpanLimits(max_span_attributes=4, max_events=2, max_links=2, max_event_attributes=2)
SHORT = SpanLimits(max_span_attributes=4, max_span_attribute_length=3, max_attribute_length=3)

keys = st.sampled_from(["a", "b", "c", "d", "e", "f", ""])
plain = st.one_of(st.text(max_size=6), st.booleans(), st.integers(), st.floats(allow_nan=False))
odd = st.one_of(
    st.none(),
    st.binary(max_size=4),
    st.lists(st.integers(), max_size=3),
    st.lists(st.one_of(st.integers(), st.text(max_size=2)), max_size=3),
    st.dictionaries(st.text(min_size=1, max_size=2), st.integers(), max_size=2),
    st.just(object),
)
attributes = st.dictionaries(keys, st.one_of(plain, odd), max_size=6)
codes = st.sampled_from(list(StatusCode))
links = st.builds(SpanContext, st.integers(0, 5), st.integers(0, 5), st.booleans(), st.just(TraceFlags(1)))

Action = Callable[[Span], object]


def named(name: str, *arguments: Any) -> Action:
    """A call of the method *name*."""
    return lambda span: getattr(span, name)(*arguments)


actions = st.one_of(
    st.builds(named, st.just("set_attribute"), keys, st.one_of(plain, odd)),
    st.builds(named, st.just("set_attributes"), attributes),
    st.builds(named, st.just("add_event"), st.text(max_size=3), attributes, st.integers(1, 9)),
    st.builds(named, st.just("add_link"), links, attributes),
    st.builds(named, st.just("update_name"), st.text(max_size=5)),
    st.builds(named, st.just("set_status"), codes, st.one_of(st.none(), st.text(max_size=5))),
    st.builds(named, st.just("set_status"), st.builds(Status, codes)),
    st.just(named("end")),
)


def theirs(limits: SpanLimits) -> Tracer:
    """A tracer of the SDK."""
    return TracerProvider(span_limits=limits, shutdown_on_exit=False).get_tracer("test", "1")


def ours(limits: SpanLimits) -> Tracer:
    """A tracer of ours."""
    provider = VereinTracerProvider(VereinSpanProcessor(None, Config()), span_limits=limits, shutdown_on_exit=False)
    return provider.get_tracer("test", "1")


def reads(span: Any) -> dict[str, object]:
    """All that a reader sees of *span*, ids and times apart."""
    assert isinstance(span, ReadableSpan)
    return {
        "name": span.name,
        "kind": span.kind,
        "recording": span.is_recording(),  # type: ignore[attr-defined]
        "attributes": dict(span.attributes or {}),
        "status": (span.status.status_code, span.status.description),
        "events": [(event.name, dict(event.attributes or {}), event.timestamp) for event in span.events],
        "links": [(link.context, dict(link.attributes or {})) for link in span.links],
        "dropped": (span.dropped_attributes, span.dropped_events, span.dropped_links),
        "scope": span.instrumentation_scope,
    }


@pytest.mark.parametrize("limits", [SpanLimits(), LIMITS, SHORT], ids=["default", "few", "short"])
@given(first=attributes, calls=st.lists(actions, max_size=8))
def test_both_spans_read_the_same(limits: SpanLimits, first: dict[str, Any], calls: list[Action]) -> None:
    """Any sequence of calls, also with odd values, past the limits and after the end."""
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    pair = [make(limits).start_span("n", kind=SpanKind.CLIENT, attributes=first) for make in (theirs, ours)]

    for call in calls:
        for span in pair:
            call(span)  # type: ignore[arg-type]

    assert reads(pair[0]) == reads(pair[1])
