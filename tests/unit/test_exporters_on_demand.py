"""Exporters on demand: made at the first export, with the preferences that the real ones read."""

from __future__ import annotations

import os

import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_verein.exporters.on_demand import MetricsOnDemand, SpansOnDemand, preferences

TEMPORALITY = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
HISTOGRAMS = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"


def test_an_exporter_is_made_once_and_only_for_an_export() -> None:
    """Flushing and shutting down make none; two exports share one, which is shut down."""
    made: list[InMemorySpanExporter] = []

    def make() -> InMemorySpanExporter:
        made.append(InMemorySpanExporter())
        return made[-1]

    idle = SpansOnDemand(make)
    assert idle.force_flush()
    idle.shutdown()
    assert made == []

    used = SpansOnDemand(make)
    results = [used.export([ReadableSpan("a")]), used.export([ReadableSpan("b")])]
    (exporter,) = made
    names = [span.name for span in exporter.get_finished_spans()]
    used.shutdown()

    assert ([SpanExportResult.SUCCESS] * 2, ["a", "b"]) == (results, names)
    assert used.export([ReadableSpan("c")]) is SpanExportResult.FAILURE


def test_a_forked_child_makes_its_own_and_leaves_that_of_its_parent() -> None:
    """Two processes that write on one connection would mix their requests; the parent's is not closed either."""
    closed: list[int] = []

    class Connected(InMemorySpanExporter):
        def __init__(self) -> None:
            super().__init__()
            self.made_in = os.getpid()

        def shutdown(self) -> None:
            closed.append(self.made_in)

    exporter = SpansOnDemand(Connected)
    exporter.export([ReadableSpan("a")])
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        exporter.shutdown()
        exporter.export([ReadableSpan("b")])
        exporter.shutdown()
        os.write(writer, b"1" if closed == [os.getpid()] else b"0")
        os._exit(0)
    os.waitpid(child, 0)

    assert b"1" == os.read(reader, 1)
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {TEMPORALITY: "cumulative"},
        {TEMPORALITY: "delta"},
        {TEMPORALITY: "LowMemory"},
        {HISTOGRAMS: "base2_exponential_bucket_histogram"},
    ],
    ids=str,
)
def test_preferences_are_those_of_the_real_exporter(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader gets the temporality and the aggregation of every instrument that the OTLP exporter would ask for."""
    for name in (TEMPORALITY, HISTOGRAMS):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    real = OTLPMetricExporter()

    ours = MetricsOnDemand(OTLPMetricExporter, **preferences(environ))

    asked = real._preferred_temporality
    assert {kind: asked[kind].name for kind in asked} == {
        kind: ours._preferred_temporality[kind].name if kind in ours._preferred_temporality else "CUMULATIVE"
        for kind in asked
    }
    assert {kind.__name__: type(of).__name__ for kind, of in (ours._preferred_aggregation or {}).items()} == {
        kind.__name__: type(of).__name__
        for kind, of in real._preferred_aggregation.items()
        if type(of).__name__ != "ExplicitBucketHistogramAggregation"
    }
