# ruff: noqa: UP031 - percent formats leave the braces of JSON alone
"""Metrics, of the SDK or plain, as one line of OTLP JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from json.encoder import encode_basestring as quoted
from typing import TYPE_CHECKING, Any

from otel_verein.exporters.otlp_json import Owners, any_double, attributes_field, number_field, time_field

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import Metric, MetricsData


class MetricLines:
    """Encodes metrics; used by one thread at a time."""

    def __init__(self) -> None:
        self._owners = Owners("scopeMetrics", "metrics")

    def encode(self, data: MetricsData) -> bytes:
        """One line without its end."""
        resources = [
            self._owners.resource(resource.resource)
            % ",".join(
                [
                    self._owners.scope(scope.scope) % ",".join(map(_metric, scope.metrics))
                    for scope in resource.scope_metrics
                ]
            )
            for resource in data.resource_metrics
        ]
        return f'{{"resourceMetrics":[{",".join(resources)}]}}'.encode("utf-8", "replace")


def _metric(metric: Metric) -> str:
    described = "".join(
        f'"{name}":{quoted(text)},'
        for name, text in (("name", metric.name), ("description", metric.description), ("unit", metric.unit))
        if text
    )
    data: Any = metric.data
    kind = type(data).__name__  # of the SDK's classes or of ours, which have the same names
    if kind == "Sum":
        monotonic = ',"isMonotonic":true' if data.is_monotonic else ""
        return f'{{{described}"sum":{_points(data, _number(data.data_points), monotonic)}}}'
    if kind == "Gauge":
        return f'{{{described}"gauge":{{"dataPoints":[{",".join(_number(data.data_points))}]}}}}'
    if kind == "ExponentialHistogram":
        return f'{{{described}"exponentialHistogram":{_points(data, _exponential(data.data_points))}}}'
    if kind == "Histogram":
        return f'{{{described}"histogram":{_points(data, _explicit(data.data_points))}}}'
    raise TypeError(f"no OTLP form for {kind}")


def _points(data: Any, points: Iterator[str], more: str = "") -> str:
    return f'{{"dataPoints":[{",".join(points)}],"aggregationTemporality":{int(data.aggregation_temporality)}{more}}}'


def _number(points: Sequence[Any]) -> Iterator[str]:
    for point in points:
        start = time_field("startTimeUnixNano", point.start_time_unix_nano)
        yield _whole(f"{_common(point)}{start},{_value(point.value)}")


def _exponential(points: Sequence[Any]) -> Iterator[str]:
    for point in points:
        yield _whole(
            _common(point)
            + time_field("startTimeUnixNano", point.start_time_unix_nano)
            + _counted(point)
            + number_field("scale", point.scale)
            + (f',"zeroCount":"{point.zero_count}"' if point.zero_count else "")
            + _buckets("positive", point.positive)
            + _buckets("negative", point.negative)
            + number_field("flags", point.flags)
        )


def _explicit(points: Sequence[Any]) -> Iterator[str]:
    for point in points:
        counts = _counts(point.bucket_counts)
        bounds = ",".join(map(any_double, point.explicit_bounds))
        yield _whole(
            _common(point)
            + time_field("startTimeUnixNano", point.start_time_unix_nano)
            + _counted(point)
            + (f',"bucketCounts":{counts}' if point.bucket_counts else "")
            + (f',"explicitBounds":[{bounds}]' if bounds else "")
        )


def _common(point: Any) -> str:
    attributes = attributes_field(point.attributes or {})
    exemplars = ",".join(map(_exemplar, point.exemplars))
    return (
        (f",{attributes}" if attributes else "")
        + time_field("timeUnixNano", point.time_unix_nano)
        + (f',"exemplars":[{exemplars}]' if exemplars else "")
    )


def _counted(point: Any) -> str:
    """Count, sum, least and most; the last three are there even if they are 0, unless they are not known."""
    count = f',"count":"{point.count}"' if point.count else ""
    known = [(name, getattr(point, name)) for name in ("sum", "min", "max")]
    return count + "".join(f',"{name}":{any_double(float(value))}' for name, value in known if value is not None)


def _buckets(name: str, buckets: Any) -> str:
    if not buckets.bucket_counts:
        return ""
    fields = number_field("offset", buckets.offset) + f',"bucketCounts":{_counts(buckets.bucket_counts)}'
    return f',"{name}":{_whole(fields)}'


def _counts(counts: Sequence[int]) -> str:
    return '["%s"]' % '","'.join(map(str, counts))


def _value(value: float) -> str:
    return f'"asInt":"{value}"' if isinstance(value, int) else f'"asDouble":{any_double(value)}'


def _exemplar(exemplar: Any) -> str:
    attributes = attributes_field(exemplar.filtered_attributes or {})
    fields = f",{attributes.replace('attributes', 'filteredAttributes', 1)}" if attributes else ""
    fields += time_field("timeUnixNano", exemplar.time_unix_nano) + "," + _value(exemplar.value)
    if exemplar.span_id is not None and exemplar.trace_id is not None:
        fields += f',"spanId":"{exemplar.span_id:016x}","traceId":"{exemplar.trace_id:032x}"'
    return _whole(fields)


def _whole(fields: str) -> str:
    """An object of *fields*, each of which begins with a comma."""
    return f"{{{fields[1:]}}}"
