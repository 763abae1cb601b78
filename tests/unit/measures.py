"""Builders for tests of the metrics: one operation's figures, an exporter that keeps or fails, a clock."""

from __future__ import annotations

from typing import Any

from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData, Sum
from opentelemetry.sdk.resources import Resource

from otel_verein.delivery import Delivery, Outcome
from otel_verein.processors.metrics import Measurement, Measures

MINUTE = 60_000_000_000


class Collected(MetricExporter):
    """Keeps what it is given; fails while told to, and after *takes* payloads; says when *most_points* are passed."""

    def __init__(self, most_points: int | None = None, takes: int | None = None) -> None:
        super().__init__()
        self.failing = False
        self.given: list[MetricsData] = []
        self.asked = 0
        self.rejected = 0
        self.tells: Delivery | None = None
        self.last: Delivery | None = None
        self._most_points = most_points
        self.takes = takes

    def export(self, metrics_data: MetricsData, timeout_millis: float = 0, **kwargs: Any) -> MetricExportResult:
        encode_metrics(metrics_data)
        self.asked += 1
        self.last = Delivery(Outcome.TAKEN, rejected=self.rejected)
        size = sum(len(metric.data.data_points) for metric in metrics_of(metrics_data))
        if self.failing or len(self.given) == self.takes:
            self.last = Delivery(Outcome.LATER, "cannot send")
        elif self._most_points is not None and size > self._most_points:
            self.last = Delivery(Outcome.TOO_LARGE, "too large")
        if self.last.outcome is not Outcome.TAKEN:
            return MetricExportResult.FAILURE
        self.given.append(metrics_data)
        self.last = self.tells or self.last
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 0) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 0, **kwargs: Any) -> None:
        self.failing = True

    def points(self, name: str) -> list[Any]:
        """The data points of metric *name*, of all exports."""
        metrics = [metric for data in self.given for metric in metrics_of(data)]
        return [point for metric in metrics if metric.name == name for point in metric.data.data_points]

    def total(self, name: str) -> int:
        """The sum of a counter over its points."""
        return sum(point.value for point in self.points(name))

    def counters(self) -> dict[str, int]:
        """All counters with their sums."""
        metrics = [metric for data in self.given for metric in metrics_of(data)]
        return {metric.name: self.total(metric.name) for metric in metrics if isinstance(metric.data, Sum)}

    def windows(self, name: str) -> list[tuple[int, int]]:
        """Start and end of each point of metric *name*."""
        return [(point.start_time_unix_nano, point.time_unix_nano) for point in self.points(name)]


class Foreign(MetricExporter):
    """An exporter of somebody else's: it raises or says that it failed, and not why; hands on to *to* otherwise."""

    def __init__(self, to: Collected) -> None:
        super().__init__()
        self.raising = self.failing = False
        self._to = to

    def export(self, metrics_data: MetricsData, timeout_millis: float = 0, **kwargs: Any) -> MetricExportResult:
        if self.raising:
            raise RuntimeError("told to")
        return MetricExportResult.FAILURE if self.failing else self._to.export(metrics_data)

    def force_flush(self, timeout_millis: float = 0) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 0, **kwargs: Any) -> None:
        """Nothing to shut down."""


class Clock:
    """Wall time that a test sets, in nanoseconds."""

    def __init__(self, now: int = 1_700_000_000_000_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


def metrics_of(data: MetricsData) -> Any:
    """The metrics of one payload."""
    return data.resource_metrics[0].scope_metrics[0].metrics


def measured(operation: str = "GET /", queries: int = 3, reason: str | None = None, **more: Any) -> Measurement:
    """The figures of one operation."""
    return Measurement(operation, "server", "ok", 0.01, queries, 0.001, (), (), (), reason)._replace(**more)


def exported(measures: Measures, to: MetricExporter) -> bool:
    """Whether an export to *to* succeeded."""
    return measures.export(to, Resource.get_empty())
