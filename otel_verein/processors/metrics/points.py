"""Sums as OTLP metrics: data points in the shapes of the SDK, or in our plain ones of the same names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from otel_verein import semconv
from otel_verein.processors.metrics.histogram import Histogram
from otel_verein.processors.metrics.sums import Example, Series, Sums, Window
from otel_verein.version import __version__

_SCOPE = InstrumentationScope(semconv.SCOPE, __version__)
_NAMES = {entry.name: entry for entry in semconv.TABLE}


def as_data(sums: Sums, resource: Resource, window: Window, shapes: Any) -> Any:
    """*sums* as one ``MetricsData``; *shapes* has the classes: the SDK's module of exports, or ``plain_metrics``."""
    scope = shapes.ScopeMetrics(
        scope=_SCOPE,
        metrics=[
            *_histograms(sums, window, shapes),
            *_counters(sums, window, shapes),
            *_facts(sums, window, shapes),
        ],
        schema_url="",
    )
    whole = shapes.ResourceMetrics(resource=resource, scope_metrics=[scope], schema_url="")
    return shapes.MetricsData(resource_metrics=[whole])


def _histograms(sums: Sums, window: Window, shapes: Any) -> Iterator[Any]:
    points: tuple[list[Any], ...] = ([], [], [])
    for key, series in sums.series.items():
        attributes = _attributes(key)
        start = window.start_ns if series.since_ns is None else series.since_ns
        for found, (histogram, example) in zip(points, _distributions(series), strict=True):
            if histogram.count:  # queries that were not counted have no figure, which is not 0
                found.append(_histogram_point(attributes, histogram, example, start, window.end_ns, shapes))
    for name, found in zip(
        (semconv.METRIC_DURATION, semconv.METRIC_QUERIES, semconv.METRIC_DB_DURATION), points, strict=True
    ):
        if found:
            data = shapes.ExponentialHistogram(data_points=found, aggregation_temporality=_temporality(window, shapes))
            yield _metric(name, data, shapes)


def _distributions(series: Series) -> tuple[tuple[Histogram, Example | None], ...]:
    return (series.duration, series.slowest), (series.queries, series.most_queries), (series.db_duration, None)


def _histogram_point(
    attributes: dict[str, str],
    histogram: Histogram,
    example: Example | None,
    start_ns: int,
    end_ns: int,
    shapes: Any,
) -> Any:
    offset, counts = histogram.dense()
    return shapes.ExponentialHistogramDataPoint(
        attributes=attributes,
        start_time_unix_nano=start_ns,
        time_unix_nano=end_ns,
        count=histogram.count,
        sum=histogram.sum,
        scale=histogram.scale,
        zero_count=histogram.zeros,
        positive=shapes.Buckets(offset=offset, bucket_counts=counts),
        negative=shapes.Buckets(offset=0, bucket_counts=[]),
        flags=0,
        min=histogram.minimum,
        max=histogram.maximum,
        exemplars=[] if example is None else [_exemplar(example, end_ns, shapes)],
    )


def _exemplar(example: Example, end_ns: int, shapes: Any) -> Any:
    return shapes.Exemplar(
        filtered_attributes={},
        value=example.value,
        time_unix_nano=example.ended_ns or end_ns,
        span_id=example.span_id,
        trace_id=example.trace_id,
    )


def _counters(sums: Sums, window: Window, shapes: Any) -> Iterator[Any]:
    points: dict[str, list[Any]] = {}

    def add(name: str, attributes: dict[str, str], since_ns: int | None, value: int) -> None:
        point = shapes.NumberDataPoint(
            attributes=attributes,
            start_time_unix_nano=window.start_ns if since_ns is None else since_ns,
            time_unix_nano=window.end_ns,
            value=value,
        )
        points.setdefault(name, []).append(point)

    for key, series in sums.series.items():
        own = _attributes(key)
        for (name, further), value in series.counters.items():
            add(name, own | {each: _text(text) for each, text in further}, series.since_ns, value)
    for (name, pairs), value in sums.counters.items():
        add(name, {each: _text(text) for each, text in pairs}, sums.since_ns, value)
    for name, found in points.items():
        data = shapes.Sum(data_points=found, aggregation_temporality=_temporality(window, shapes), is_monotonic=True)
        yield _metric(name, data, shapes)


def _facts(sums: Sums, window: Window, shapes: Any) -> Iterator[Any]:
    """What holds at the end of the window, as gauges of 1 whose attributes say it."""
    for name, pairs in sums.facts.items():
        point = shapes.NumberDataPoint(
            attributes={each: _text(text) for each, text in pairs},
            start_time_unix_nano=window.start_ns,
            time_unix_nano=window.end_ns,
            value=1,
        )
        yield _metric(name, shapes.Gauge(data_points=[point]), shapes)


def _attributes(key: tuple[str, str, str]) -> dict[str, str]:
    operation, kind, status = key
    return {
        semconv.OPERATION: _text(operation),
        semconv.OPERATION_KIND: _text(kind),
        semconv.OPERATION_STATUS: _text(status),
    }


def _text(value: object) -> str:
    """What any encoder takes: a string without lone surrogates."""
    text = str(value)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _metric(name: str, data: Any, shapes: Any) -> Any:
    entry = _NAMES.get(name)
    description, unit = (entry.meaning, entry.unit) if entry is not None else ("", "1")
    return shapes.Metric(name=name, description=description, unit=unit, data=data)


def _temporality(window: Window, shapes: Any) -> Any:
    return shapes.AggregationTemporality.CUMULATIVE if window.cumulative else shapes.AggregationTemporality.DELTA
