"""The metrics that the processes of a load report of their operations: cumulative, several times, with known sums."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric, ScopeMetrics

from tests.services.otlp_load import Load, Request, Trace, resource
from tests.services.otlp_shapes import BREACHES, MS, REASONS, Part, db_duration_ms, operation
from tests.services.otlp_wire import attributes

_SCALE = 4
_CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """What the operations have in common that are one entry of a report."""

    service: int
    instance: int
    kind: str
    duration_ms: int
    queries: int
    kept: bool

    @property
    def point(self) -> Pairs:
        """The attributes of its points."""
        status = "error" if self.kind == "error" else "ok"
        name = operation(self.service, self.kind)
        return (
            ("verein.operation.name", name),
            ("verein.operation.kind", "server"),
            ("verein.operation.status", status),
        )


class MetricLoad:
    """Every process of *load* reports *reports* times, each time all operations that it has had so far.

    Operations without our SDK have no metrics: the load must be of our SDK.
    """

    def __init__(self, load: Load, reports: int = 3) -> None:
        assert load.traffic.ours, "services without our SDK report none of these metrics"
        self._load, self._reports = load, reports

    def operations(self, until: int | None = None) -> Counter[Operation]:
        """What ran in the first *until* traces (all of them by default), by process and kind."""
        found: Counter[Operation] = Counter()
        instances = self._load.traffic.instances
        for trace in self._load.traces():
            if until is not None and trace.number >= until:
                break
            kept = {part.service for part in self._load.kept(trace)}
            for part in trace.shape.parts:
                found[_operation(trace, part, instances, part.service in kept)] += 1
        return found

    def totals(self) -> Mapping[str, int]:
        """How many operations had each name, in all processes: what ``verein.operation.duration`` must count."""
        found: Counter[str] = Counter()
        for one, count in self.operations().items():
            found[dict(one.point)["verein.operation.name"]] += count
        return found

    def requests(self) -> Iterator[Request]:
        """One request for each process and report, the reports in order; ``spans`` is the number of points."""
        number, traces = 0, self._load.traffic.traces
        for report in range(1, self._reports + 1):
            until = traces * report // self._reports
            operations = self.operations(until)
            for process in self._load.processes:
                mine = {one: count for one, count in operations.items() if (one.service, one.instance) == process}
                metrics = list(_metrics(mine, self._load.traffic.begin_ns, until))
                body = _encoded(process, metrics)
                yield Request(number, body, sum(map(_points, metrics)))
                number += 1


def _operation(trace: Trace, part: Part, instances: int, kept: bool) -> Operation:
    return Operation(part.service, trace.number % instances, part.kind, part.duration_ms, part.queries, kept)


def _encoded(process: tuple[int, int], metrics: Iterable[Metric]) -> bytes:
    request = ExportMetricsServiceRequest()
    whole = request.resource_metrics.add(resource=resource(*process, ours=True))
    scope = ScopeMetrics(metrics=metrics)
    scope.scope.name, scope.scope.version = "otel_verein", "0.1.0"
    whole.scope_metrics.append(scope)
    return request.SerializeToString()


def _points(metric: Metric) -> int:
    return len(metric.exponential_histogram.data_points) + len(metric.sum.data_points)


def _metrics(operations: Mapping[Operation, int], begin_ns: int, until: int) -> Iterator[Metric]:
    times = begin_ns, begin_ns + until * MS
    durations: Values = {}
    queries: Values = {}
    in_database: Values = {}
    counted: dict[str, Counter[Pairs]] = {}
    for one, count in operations.items():
        durations.setdefault(one.point, Counter())[one.duration_ms / 1000] += count
        queries.setdefault(one.point, Counter())[float(one.queries)] += count
        in_database.setdefault(one.point, Counter())[db_duration_ms(one.kind) / 1000] += count
        for name, pairs in _counts(one):
            counted.setdefault(name, Counter())[one.point + pairs] += count
    for name, unit, values in (
        ("verein.operation.duration", "s", durations),
        ("verein.operation.db.queries", "{query}", queries),
        ("verein.operation.db.duration", "s", in_database),
    ):
        yield _histogram(name, unit, values, times)
    for name, points in counted.items():
        yield _sum(name, points, times)


Values = dict[Pairs, Counter[float]]


def _counts(one: Operation) -> Iterator[tuple[str, Pairs]]:
    """The counters that an operation adds one to."""
    if one.kept:
        yield "verein.operation.kept", (("verein.keep_reason", REASONS[one.kind]),)
        yield "verein.export.exported", ()
    else:
        yield "verein.operation.sampled_out", ()
    for breach in BREACHES.get(one.kind, ()):
        yield "verein.operation.breaches", (("verein.breach", breach),)
    if one.kind == "n_plus_one":
        yield "verein.findings", (("verein.finding.kind", "n_plus_one"),)


def _histogram(name: str, unit: str, values: Values, times: tuple[int, int]) -> Metric:
    metric = Metric(name=name, unit=unit)
    body = metric.exponential_histogram
    body.aggregation_temporality = _CUMULATIVE
    for pairs, counts in values.items():
        point = body.data_points.add(attributes=attributes(dict(pairs)), scale=_SCALE, count=counts.total())
        point.start_time_unix_nano, point.time_unix_nano = times
        point.sum = sum(value * count for value, count in counts.items())
        point.min, point.max = min(counts), max(counts)
        buckets: Counter[int] = Counter()
        for value, count in counts.items():
            buckets[_bucket(value)] += count
        point.positive.offset = min(buckets)
        point.positive.bucket_counts.extend(buckets[at] for at in range(min(buckets), max(buckets) + 1))
    return metric


def _bucket(value: float) -> int:
    """The bucket of a positive value, whose upper bound belongs to it."""
    return math.ceil(math.log2(value) * 2**_SCALE) - 1


def _sum(name: str, points: Mapping[Pairs, int], times: tuple[int, int]) -> Metric:
    metric = Metric(name=name, unit="1")
    metric.sum.aggregation_temporality, metric.sum.is_monotonic = _CUMULATIVE, True
    for pairs, count in points.items():
        point = metric.sum.data_points.add(attributes=attributes(dict(pairs)), as_int=count)
        point.start_time_unix_nano, point.time_unix_nano = times
    return metric
