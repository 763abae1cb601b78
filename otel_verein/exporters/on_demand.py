"""Exporters that are made when there is something to export: what they import must not be loaded before that.

gevent has to patch ``ssl`` before anything keeps a class of it, and a forked child needs connections of its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from otel_verein.delivery import Delivery, delivery_of
from otel_verein.forks import GATE

_T = TypeVar("_T")


class _Made(Generic[_T]):
    """What *make* returns, from the first call on; made anew in a forked child."""

    def __init__(self, make: Callable[[], _T]) -> None:
        self._make = make
        self.now: _T | None = None
        self._of_parents: list[_T] = []
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._leave_to_parent)

    def _leave_to_parent(self) -> None:
        # Held, not closed: it shares its sockets with the parent's, and would say good-bye on them.
        if self.now is not None:
            self._of_parents.append(self.now)
            self.now = None

    def __call__(self) -> _T:
        if self.now is None:
            with GATE.closed():
                self.now = self._make()
        return self.now


class SpansOnDemand(SpanExporter):
    """The exporter that *make* returns, from the first export on; used by one thread at a time."""

    def __init__(self, make: Callable[[], SpanExporter]) -> None:
        self._made = _Made(make)
        self.last: Delivery | None = None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export *spans*; raises what making the exporter raises."""
        exporter = self._made()
        result = exporter.export(spans)
        self.last = delivery_of(exporter, result is SpanExportResult.SUCCESS)
        return result

    def shutdown(self) -> None:
        """Shut the exporter down, if there was anything to export."""
        if self._made.now is not None:
            self._made.now.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing waits in an exporter that was not made."""
        return self._made.now is None or self._made.now.force_flush(timeout_millis)


class MetricsOnDemand(MetricExporter):
    """The same for metrics; a reader asks for the :func:`preferences` before the exporter is made."""

    def __init__(self, make: Callable[[], MetricExporter], **preferences: Any) -> None:
        super().__init__(**preferences)
        self._made = _Made(make)
        self.last: Delivery | None = None

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        """Export *metrics_data*; raises what making the exporter raises."""
        exporter = self._made()
        result = exporter.export(metrics_data, timeout_millis, **kwargs)
        self.last = delivery_of(exporter, result is MetricExportResult.SUCCESS)
        return result

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Shut the exporter down, if there was anything to export."""
        if self._made.now is not None:
            self._made.now.shutdown(timeout_millis, **kwargs)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Nothing waits in an exporter that was not made."""
        return self._made.now is None or self._made.now.force_flush(timeout_millis)


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
