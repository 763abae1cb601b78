"""Metrics of every operation: exact sums, nothing lost by a failed export, bounded names."""

from __future__ import annotations

import random
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.resources import Resource

from otel_verein import semconv
from otel_verein.faults import Faults
from otel_verein.processors.histogram import Histogram
from otel_verein.processors.metrics import Measurement, Measures


class Collected(MetricExporter):
    """Keeps what it is given; fails while told to."""

    def __init__(self) -> None:
        super().__init__()
        self.failing = False
        self.given: list[MetricsData] = []

    def export(self, metrics_data: MetricsData, timeout_millis: float = 0, **kwargs: Any) -> MetricExportResult:
        if self.failing:
            return MetricExportResult.FAILURE
        self.given.append(metrics_data)
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 0) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 0, **kwargs: Any) -> None:
        self.failing = True

    def points(self, name: str) -> list[Any]:
        """The data points of metric *name*, of all exports."""
        metrics = [m for data in self.given for m in data.resource_metrics[0].scope_metrics[0].metrics]
        return [point for metric in metrics if metric.name == name for point in metric.data.data_points]


def measured(operation: str = "GET /", queries: int = 3, reason: str | None = None) -> Measurement:
    """The figures of one operation."""
    return Measurement(operation, "server", "ok", 0.01, queries, 0.001, (), (), (), reason)


def exported(measures: Measures, to: MetricExporter) -> bool:
    """Whether an export to *to* succeeded."""
    return measures.export(to, Resource.get_empty())


def test_every_operation_is_counted_whatever_was_decided() -> None:
    """Kept and sampled out add up to the operations, and the histogram has all their queries."""
    measures, collected = Measures(10, faults=Faults()), Collected()
    for index in range(100):
        measures.add(measured(queries=index, reason="sampled" if index % 10 == 0 else None))

    assert exported(measures, collected)

    (point,) = collected.points(semconv.METRIC_QUERIES)
    assert (point.count, point.sum, point.min, point.max, point.zero_count) == (100, 4950, 0, 99, 1)
    assert [p.value for p in collected.points(semconv.METRIC_KEPT)] == [10]
    assert [p.value for p in collected.points(semconv.METRIC_SAMPLED_OUT)] == [90]


def test_a_failed_export_loses_nothing() -> None:
    """What could not be written goes out with the next success, once."""
    measures, collected = Measures(10, faults=Faults()), Collected()
    collected.failing = True
    measures.add(measured())
    assert not exported(measures, collected)
    collected.failing = False
    measures.add(measured())

    assert exported(measures, collected)
    assert exported(measures, collected)

    assert [point.count for point in collected.points(semconv.METRIC_DURATION)] == [2]


def test_cumulative_sums_grow() -> None:
    """With cumulative temporality every export holds all so far."""
    measures, collected = Measures(10, cumulative=True, faults=Faults()), Collected()
    for _ in range(3):
        measures.add(measured())
        exported(measures, collected)

    assert [point.count for point in collected.points(semconv.METRIC_DURATION)] == [1, 2, 3]


def test_names_past_the_cap_are_other() -> None:
    """Operation names are bounded; what goes past is counted under one name."""
    measures, collected = Measures(5, faults=Faults()), Collected()
    for index in range(20):
        measures.add(measured(f"GET /{index}"))
    exported(measures, collected)

    points = {point.attributes[semconv.OPERATION]: point.count for point in collected.points(semconv.METRIC_DURATION)}
    assert len(points) == 6
    assert points[semconv.OTHER] == 15


def test_losses_and_faults_are_metrics() -> None:
    """Dropped operations and faults of our own are told by reason and place."""
    faults = Faults(on_first=lambda site, fault: None)
    measures, collected = Measures(5, faults=faults), Collected()
    measures.dropped("queue_full", 3)
    faults.report("somewhere", ValueError())
    exported(measures, collected)

    assert [(p.value, dict(p.attributes)) for p in collected.points(semconv.METRIC_EXPORT_DROPPED)] == [
        (3, {semconv.DROP_REASON: "queue_full"})
    ]
    assert [p.value for p in collected.points(semconv.METRIC_INTERNAL_ERRORS)] == [1]


@pytest.mark.parametrize("spread", [1.0, 1e6, 1e12])
def test_histogram_is_exact_in_sums_and_bounded_in_size(spread: float) -> None:
    """Whatever the range, at most 160 buckets hold every value, and merging equals recording."""
    rng = random.Random(1)
    values = [rng.random() * spread ** rng.random() for _ in range(2000)]
    whole, left, right = Histogram(), Histogram(), Histogram()
    for index, value in enumerate(values):
        whole.record(value)
        (left if index % 3 else right).record(value)
    left.merge(right)

    offset, counts = left.dense()
    assert len(counts) <= 160
    assert (left.count, sum(counts), left.minimum, left.maximum) == (2000, 2000, min(values), max(values))
    assert left.sum == pytest.approx(whole.sum)
    base = 2 ** (2.0**-left.scale)
    for value in (min(values), max(values)):
        assert any(
            count and base ** (offset + i) * 0.999 <= value <= base ** (offset + i + 1) * 1.001
            for i, count in enumerate(counts)
        )


def test_small_whole_numbers_have_buckets_of_their_own() -> None:
    """Query counts up to twenty are told apart, so their percentiles are exact."""
    histograms = [Histogram() for _ in range(20)]
    for number, histogram in enumerate(histograms, start=1):
        histogram.record(number)

    assert len({histogram.dense()[0] for histogram in histograms}) == 20
