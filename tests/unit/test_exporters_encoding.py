"""Our two encodings of spans, and ours of metrics, against that of OpenTelemetry; and values that it refuses."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import pytest
from google.protobuf.json_format import Parse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.metrics import Exemplar, MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricsData
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link

from otel_verein.exporters.halves import halves
from otel_verein.exporters.otlp_json_metrics import MetricLines
from otel_verein.exporters.otlp_json_spans import SpanLines
from otel_verein.exporters.otlp_protobuf import encoded
from otel_verein.exporters.values import plain
from otel_verein.processors.outbox.queue import estimated_bytes
from tests.services.otlp_receiver import as_line
from tests.unit import odd_spans
from tests.unit.odd_spans import ODD_VALUES, span

ANY_SPEED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _normal(node: Any) -> Any:
    """JSON with numbers as numbers: protobuf writes a whole double without its point."""
    if isinstance(node, dict):
        return {key: _normal(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_normal(value) for value in node]
    return float(node) if isinstance(node, int | float) and not isinstance(node, bool) else node


@settings(ANY_SPEED, max_examples=150)
@given(st.lists(odd_spans.spans, max_size=3))
def test_spans_in_json_are_those_of_opentelemetry(spans: Sequence[ReadableSpan]) -> None:
    """Any spans: the same line as by way of protobuf, its ids in hexadecimal and its enums as numbers."""
    line, bad = SpanLines().encode(spans)

    expected = as_line(encode_spans(spans)) or {"resourceSpans": []}
    assert (_normal(expected), 0) == (_normal(json.loads(line)), bad)


@settings(ANY_SPEED, max_examples=150)
@given(st.lists(odd_spans.spans, max_size=3))
def test_spans_in_protobuf_are_those_of_opentelemetry(spans: Sequence[ReadableSpan]) -> None:
    """Any spans: the same message."""
    body, bad = encoded(spans)

    assert (encode_spans(spans), 0) == (ExportTraceServiceRequest.FromString(body), bad)


@settings(ANY_SPEED, max_examples=40)
@given(st.lists(odd_spans.spans, max_size=3))
def test_resources_are_remembered_only_as_themselves(spans: Sequence[ReadableSpan]) -> None:
    """One encoder gives the same line again and again, whatever it encoded before."""
    lines = SpanLines()
    lines.encode([span(), *reversed(spans)])

    assert SpanLines().encode(spans) == lines.encode(spans)


@pytest.mark.parametrize(("given_value", "expected"), ODD_VALUES.values(), ids=ODD_VALUES.keys())
def test_odd_values_are_made_plain(given_value: Any, expected: Any) -> None:
    """What OTLP has no form for becomes text, in spans, events and links, in both encodings."""
    odd = {"odd": given_value, "other": 1}
    event, link = Event("e", odd, 5), Link(span().context, odd)
    one = ReadableSpan("GET /", span().context, attributes=odd, events=[event], links=[link])

    line, bad_lines = SpanLines().encode([one, span()])
    body, bad_bodies = encoded([one, span()])

    assert (0, 0) == (bad_lines, bad_bodies)
    assert as_line(ExportTraceServiceRequest.FromString(body)) == json.loads(line)
    assert expected == plain(given_value)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_lacks_are_words(number: float) -> None:
    """As the JSON mapping of protobuf has them, so that its readers take them."""
    line, _ = SpanLines().encode([span(n=number)])

    read = Parse(
        line.replace(b'"traceId"', b'"trace_id"').replace(b'"spanId"', b'"span_id"'), ExportTraceServiceRequest()
    )
    (found,) = read.resource_spans[0].scope_spans[0].spans[0].attributes
    assert repr(number) == repr(found.value.double_value)


def test_a_value_that_contains_itself_ends() -> None:
    """Nothing recurses without bound."""
    endless: list[Any] = []
    endless.append(endless)
    line, bad = SpanLines().encode([span(endless=endless)])

    assert bad == 0
    assert len(line) < 2000


BAD = {
    "no context": ReadableSpan("bad", None),
    "negative time": ReadableSpan("bad", span().context, start_time=-1),
    "name that is no text": ReadableSpan(5, span().context),  # type: ignore[arg-type]
    "no kind": ReadableSpan("bad", span().context, kind=None),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_a_bad_span_does_not_take_others_along(bad: ReadableSpan) -> None:
    """What has no form at all is left out and counted; the spans around it are there."""
    line, bad_lines = SpanLines().encode([span("a"), bad, span("b")])
    body, bad_bodies = encoded([span("a"), bad, span("b")])

    for found, number in (
        (json.loads(line), bad_lines),
        (as_line(ExportTraceServiceRequest.FromString(body)), bad_bodies),
    ):
        names = [each["name"] for resource in found["resourceSpans"] for each in resource["scopeSpans"][0]["spans"]]
        assert (["a", "b"], 1) == (names, number)


@settings(ANY_SPEED, max_examples=40)
@given(odd_spans.spans)
def test_size_is_estimated_cheaply_and_within_bounds(one: ReadableSpan) -> None:
    """Never more than three times the encoded size, nor less than a quarter: characters may have four bytes."""
    size = len(encoded([one])[0])
    own = size - len(encoded([ReadableSpan("", one.context, resource=one.resource, start_time=1)])[0])

    assert estimated_bytes(one) <= 3 * (own + 150)
    assert estimated_bytes(one) >= own / 4


def test_size_of_an_ordinary_span_is_estimated_within_a_factor_of_two() -> None:
    """The spans that there are: of a query, of a request, of a summary."""
    query = span(
        "SELECT author", **{
            "db.system.name": "postgresql", "db.namespace": "shop", "db.query.summary": "SELECT author",
            "db.query.text": "SELECT name FROM author WHERE id = ?", "db.operation.name": "SELECT",
            "server.port": 5432, "verein.tier": "short",
        }
    )  # fmt: skip
    request = span("GET /shop/<int:id>", **{"http.request.method": "GET", "http.response.status_code": 200})
    summary = span("SELECT author", **{"aggregation.histogram_bucket_counts": (0,) * 16, "aggregation.span_count": 50})

    for one in (query, request, summary):
        size = len(encoded([one] * 100)[0]) / 100
        assert size / 2 <= estimated_bytes(one) <= size * 2


def _metrics() -> MetricsData:
    """One of each kind, with an exemplar and without."""
    reader = InMemoryMetricReader()
    view = View(instrument_name="exponential", aggregation=ExponentialBucketHistogramAggregation())
    meter = MeterProvider([reader], views=[view]).get_meter("m", "1")
    meter.create_counter("counter", "1", 'said "so"').add(3, {"a": "b"})
    meter.create_up_down_counter("float").add(-1.5)
    meter.create_gauge("gauge").set(2.5, {"n": 1})
    for name in ("explicit", "exponential"):
        for value in (0.0, 0.3, 12.0, 1e9):
            meter.create_histogram(name).record(value)
    data = reader.get_metrics_data()
    assert data is not None
    for metric in data.resource_metrics[0].scope_metrics[0].metrics:
        metric.data.data_points[0].exemplars.append(Exemplar({"x": 1}, 2.5, 7, 0xB, 0xA))  # type: ignore[union-attr]
        metric.data.data_points[0].exemplars.append(Exemplar({}, 2, 7, None, None))  # type: ignore[union-attr]
    return data


def test_metrics_in_json_are_those_of_opentelemetry() -> None:
    """Sums, gauges and both kinds of histogram: the same line as by way of protobuf."""
    data = _metrics()

    line = json.loads(MetricLines().encode(data))

    assert _normal(as_line(encode_metrics(data))) == _normal(line)


def test_halves_of_metrics_are_the_whole() -> None:
    """Every point is in exactly one part, down to single points, in its metric, scope and resource."""
    parts, single = [_metrics()], []
    while parts:
        split = halves(parts.pop(0))
        if split is None:
            single.append(None)
        else:
            parts = [*split, *parts]
    whole = _metrics()
    names = [metric.name for metric in whole.resource_metrics[0].scope_metrics[0].metrics]
    first, second = halves(whole) or (whole, whole)
    found = [metric.name for part in (first, second) for metric in part.resource_metrics[0].scope_metrics[0].metrics]

    assert len(names) == len(single)
    assert names == found
