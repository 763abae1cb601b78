"""The data points of the SDK's metrics under the same names, for exporters that do without the SDK's own.

Those come with all of its metrics, some three megabytes of code in the process, which an application that writes files
has no other use for. An exporter that has :meth:`PlainMetricExporter.export_plain` is given these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, Union, runtime_checkable

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricExporter


class AggregationTemporality(IntEnum):
    """Whether points are of their window alone, or of all time before it, too."""

    DELTA = 1
    CUMULATIVE = 2


@dataclass(slots=True, eq=False, repr=False)
class Buckets:
    """Counts from the bucket *offset* on."""

    offset: int
    bucket_counts: Sequence[int]


@dataclass(slots=True, eq=False, repr=False)
class Exemplar:
    """One operation that a point leads to."""

    filtered_attributes: Mapping[str, Any]
    value: float
    time_unix_nano: int
    span_id: int
    trace_id: int


@dataclass(slots=True, eq=False, repr=False)
class ExponentialHistogramDataPoint:
    """The distribution of one series."""

    attributes: Mapping[str, Any]
    start_time_unix_nano: int
    time_unix_nano: int
    count: int
    sum: float
    scale: int
    zero_count: int
    positive: Buckets
    negative: Buckets
    flags: int
    min: float
    max: float
    exemplars: Sequence[Exemplar] = ()


@dataclass(slots=True, eq=False, repr=False)
class NumberDataPoint:
    """The value of one series."""

    attributes: Mapping[str, Any]
    start_time_unix_nano: int
    time_unix_nano: int
    value: int
    exemplars: Sequence[Exemplar] = ()


@dataclass(slots=True, eq=False, repr=False)
class ExponentialHistogram:
    """A metric of distributions."""

    data_points: Sequence[ExponentialHistogramDataPoint]
    aggregation_temporality: AggregationTemporality


@dataclass(slots=True, eq=False, repr=False)
class Sum:
    """A metric of counts."""

    data_points: Sequence[NumberDataPoint]
    aggregation_temporality: AggregationTemporality
    is_monotonic: bool


@dataclass(slots=True, eq=False, repr=False)
class Gauge:
    """A metric of values that hold at a time."""

    data_points: Sequence[NumberDataPoint]


@dataclass(slots=True, eq=False, repr=False)
class Metric:
    """One metric with all its series."""

    name: str
    description: str
    unit: str
    data: ExponentialHistogram | Gauge | Sum


@dataclass(slots=True, eq=False, repr=False)
class ScopeMetrics:
    """The metrics of one instrumentation scope."""

    scope: InstrumentationScope
    metrics: Sequence[Metric]
    schema_url: str


@dataclass(slots=True, eq=False, repr=False)
class ResourceMetrics:
    """The metrics of one process."""

    resource: Resource
    scope_metrics: Sequence[ScopeMetrics]
    schema_url: str


@dataclass(slots=True, eq=False, repr=False)
class MetricsData:
    """One payload."""

    resource_metrics: Sequence[ResourceMetrics]


@runtime_checkable
class PlainMetricExporter(Protocol):
    """An exporter of the above."""

    def export_plain(self, data: MetricsData) -> bool:
        """Export *data*; False if it was not taken."""

    def shutdown(self, timeout_millis: float = 30_000) -> None:
        """Let go of files and connections."""


AnyMetricExporter: TypeAlias = Union["MetricExporter", PlainMetricExporter]
"""One of the SDK's, or one of the above."""
