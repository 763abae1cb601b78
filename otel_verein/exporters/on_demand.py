"""Exporters that are made when there is something to export: what they import must not be loaded before that.

gevent has to patch ``ssl`` before anything keeps a class of it, and a forked child needs connections of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult


class SpansOnDemand(SpanExporter):
    """The exporter that *make* returns, from the first export on; used by one thread at a time."""

    def __init__(self, make: Callable[[], SpanExporter]) -> None:
        self._make = make
        self._made: SpanExporter | None = None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export *spans*; raises what making the exporter raises."""
        if self._made is None:
            self._made = self._make()
        return self._made.export(spans)

    def shutdown(self) -> None:
        """Shut the exporter down, if there was anything to export."""
        if self._made is not None:
            self._made.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing waits in an exporter that was not made."""
        return self._made is None or self._made.force_flush(timeout_millis)


class MetricsOnDemand(MetricExporter):
    """The same for metrics; a reader asks for the :func:`preferences` before the exporter is made."""

    def __init__(self, make: Callable[[], MetricExporter], **preferences: Any) -> None:
        super().__init__(**preferences)
        self._make = make
        self._made: MetricExporter | None = None

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        """Export *metrics_data*; raises what making the exporter raises."""
        if self._made is None:
            self._made = self._make()
        return self._made.export(metrics_data, timeout_millis, **kwargs)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Shut the exporter down, if there was anything to export."""
        if self._made is not None:
            self._made.shutdown(timeout_millis, **kwargs)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Nothing waits in an exporter that was not made."""
        return self._made is None or self._made.force_flush(timeout_millis)


def preferences(environ: Mapping[str, str]) -> dict[str, Any]:
    """What the standard variables say of temporality and histograms, as the OTLP exporters read them.

    https://opentelemetry.io/docs/specs/otel/metrics/sdk_exporters/otlp/
    """
    from opentelemetry.sdk import metrics
    from opentelemetry.sdk.metrics.export import AggregationTemporality
    from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation

    preference = environ.get("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "").strip().lower()
    as_deltas: tuple[type, ...] = ()
    if preference == "delta":
        as_deltas = (metrics.Counter, metrics.Histogram, metrics.ObservableCounter)
    elif preference == "lowmemory":
        as_deltas = (metrics.Counter, metrics.Histogram)
    found: dict[str, Any] = {"preferred_temporality": dict.fromkeys(as_deltas, AggregationTemporality.DELTA)}
    histograms = environ.get("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "").strip().lower()
    if histograms == "base2_exponential_bucket_histogram":
        found["preferred_aggregation"] = {metrics.Histogram: ExponentialBucketHistogramAggregation()}
    return found
