"""Histograms and counters of every operation, sampled or not.

The end of an operation appends one tuple; no lock, no SDK instrument. The export thread adds the tuples up and
hands the sums out as OTLP metrics. A failed export gives its sums back, so nothing is lost while a disk is full
or an endpoint is down; what grows is bounded by the number of operation names.
"""

from __future__ import annotations

import os
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from time import time_ns
from typing import TYPE_CHECKING, Any, NamedTuple

from otel_verein import semconv
from otel_verein.faults import FAULTS, Faults
from otel_verein.ledger import UNATTRIBUTED
from otel_verein.processors.histogram import Histogram
from otel_verein.version import __version__

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricExporter, MetricsData
    from opentelemetry.sdk.resources import Resource

_PENDING = 10_000


class Measurement(NamedTuple):
    """The figures of one ended operation."""

    operation: str
    kind: str
    status: str
    duration_s: float
    queries: int
    db_duration_s: float
    breaches: tuple[str, ...]
    findings: tuple[str, ...]
    ignored: tuple[str, ...]
    keep_reason: str | None


_HISTOGRAMS: tuple[tuple[str, str, Callable[[Measurement], float]], ...] = (
    (semconv.METRIC_DURATION, "s", attrgetter("duration_s")),
    (semconv.METRIC_QUERIES, "{query}", attrgetter("queries")),
    (semconv.METRIC_DB_DURATION, "s", attrgetter("db_duration_s")),
)
_Series = tuple[tuple[str, str], ...]
"""The attributes of one series: sorted (key, value) pairs."""


class Sums:
    """What was added up: histograms and counters by metric name and series."""

    def __init__(self) -> None:
        self.histograms: dict[str, dict[_Series, Histogram]] = {name: {} for name, _, _ in _HISTOGRAMS}
        self.counters: dict[str, Counter[_Series]] = {}

    def __bool__(self) -> bool:
        return any(self.histograms.values()) or any(self.counters.values())

    def add(self, measured: Measurement) -> None:
        """Book one operation."""
        series = (
            (semconv.OPERATION, measured.operation),
            (semconv.OPERATION_KIND, measured.kind),
            (semconv.OPERATION_STATUS, measured.status),
        )
        for name, _, value in _HISTOGRAMS:
            histogram = self.histograms[name].get(series)
            if histogram is None:
                histogram = self.histograms[name][series] = Histogram()
            histogram.record(value(measured))
        for breach in measured.breaches:
            self.count(semconv.METRIC_BREACHES, (*series, (semconv.BREACH, breach)))
        for kind in measured.findings:
            self.count(semconv.METRIC_FINDINGS, (*series, (semconv.FINDING_KIND, kind)))
        for rule in measured.ignored:
            self.count(semconv.METRIC_FINDINGS_IGNORED, (*series, (semconv.IGNORE_RULE, rule)))
        if measured.keep_reason is None:
            self.count(semconv.METRIC_SAMPLED_OUT, series)
        else:
            self.count(semconv.METRIC_KEPT, (*series, (semconv.KEEP_REASON, measured.keep_reason)))

    def count(self, name: str, series: _Series, number: int = 1) -> None:
        """Add *number* to a counter."""
        self.counters.setdefault(name, Counter())[series] += number

    def merge(self, other: Sums) -> None:
        """Add all that *other* holds."""
        for name, by_series in other.histograms.items():
            for series, histogram in by_series.items():
                self.histograms[name].setdefault(series, Histogram()).merge(histogram)
        for name, counts in other.counters.items():
            self.counters.setdefault(name, Counter()).update(counts)


class Measures:
    """The metrics of this process; fork-safe: a child starts with none."""

    def __init__(self, operation_names: int, *, cumulative: bool = False, faults: Faults = FAULTS) -> None:
        self._operation_names = operation_names
        self._cumulative = cumulative
        self._faults = faults
        self._reset()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._pending: deque[Measurement] = deque()
        self._names: set[str] = set()
        self._sums = Sums()
        self._exported = Sums()
        self._lost: deque[tuple[str, int]] = deque()
        self._faults_told = Counter(self._faults.counts)
        self._started_ns = time_ns()
        # guards the sums and names; held while sums are added up; reentrant, since a signal handler may flush
        self._lock = threading.RLock()

    def add(self, measured: Measurement) -> None:
        """Book one operation; lock-free unless ten thousand wait, when the caller adds them up itself."""
        self._pending.append(measured)
        if len(self._pending) > _PENDING and self._lock.acquire(blocking=False):
            try:
                self._add_up()
            finally:
                self._lock.release()

    def dropped(self, reason: str, operations: int = 1) -> None:
        """Book kept operations that were lost on the way out."""
        if operations:
            self._lost.append((reason, operations))

    def export(self, exporter: MetricExporter, resource: Resource) -> bool:
        """Hand out what was counted since the last success; on failure it is kept for the next call."""
        from opentelemetry.sdk.metrics.export import MetricExportResult

        with self._lock:
            self._add_up()
            taken, self._sums = self._sums, Sums()
        if not taken:
            return True
        until = time_ns()
        shown = taken
        if self._cumulative:
            self._exported.merge(taken)
            shown = self._exported
        try:
            succeeded = exporter.export(_as_data(shown, resource, self._started_ns, until, self._cumulative))
        except Exception as fault:  # noqa: BLE001 - reported; the sums are kept
            self._faults.report("export.metrics", fault)
            succeeded = MetricExportResult.FAILURE
        if self._cumulative:
            return succeeded is MetricExportResult.SUCCESS  # the sums go out again with the next call
        if succeeded is MetricExportResult.SUCCESS:
            self._started_ns = until
            return True
        with self._lock:
            self._sums.merge(taken)
        return False

    def _add_up(self) -> None:
        while self._pending:
            measured = self._pending.popleft()
            if measured.operation not in self._names:
                if len(self._names) >= self._operation_names:
                    measured = measured._replace(operation=semconv.OTHER)
                else:
                    self._names.add(measured.operation)
            self._sums.add(measured)
        self._take(semconv.METRIC_UNATTRIBUTED, semconv.THREAD_ROLE, UNATTRIBUTED.take())
        while self._lost:
            reason, operations = self._lost.popleft()
            self._sums.count(semconv.METRIC_EXPORT_DROPPED, ((semconv.DROP_REASON, reason),), operations)
        faults = Counter(self._faults.counts)
        self._take(semconv.METRIC_INTERNAL_ERRORS, semconv.ERROR_SITE, faults - self._faults_told)
        self._faults_told = faults

    def _take(self, name: str, attribute: str, counts: Mapping[str, int]) -> None:
        for value, number in counts.items():
            self._sums.count(name, ((attribute, value),), number)


def _as_data(sums: Sums, resource: Resource, start: int, end: int, cumulative: bool) -> MetricsData:
    from opentelemetry.sdk.metrics.export import MetricsData, ResourceMetrics, ScopeMetrics
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    scope = ScopeMetrics(
        scope=InstrumentationScope(semconv.SCOPE, __version__),
        metrics=[
            *_histogram_metrics(sums, start, end, cumulative),
            *_counter_metrics(sums, start, end, cumulative),
        ],
        schema_url="",
    )
    return MetricsData(resource_metrics=[ResourceMetrics(resource=resource, scope_metrics=[scope], schema_url="")])


def _histogram_metrics(sums: Sums, start: int, end: int, cumulative: bool) -> Iterator[Any]:
    from opentelemetry.sdk.metrics import export

    def point(series: _Series, histogram: Histogram) -> Any:
        offset, counts = histogram.dense()
        return export.ExponentialHistogramDataPoint(
            attributes=dict(series),
            start_time_unix_nano=start,
            time_unix_nano=end,
            count=histogram.count,
            sum=histogram.sum,
            scale=histogram.scale,
            zero_count=histogram.zeros,
            positive=export.Buckets(offset=offset, bucket_counts=counts),
            negative=export.Buckets(offset=0, bucket_counts=[]),
            flags=0,
            min=histogram.minimum,
            max=histogram.maximum,
        )

    for name, unit, _ in _HISTOGRAMS:
        if sums.histograms[name]:
            points = [point(series, histogram) for series, histogram in sums.histograms[name].items()]
            data = export.ExponentialHistogram(data_points=points, aggregation_temporality=_temporality(cumulative))
            yield export.Metric(name=name, description=_meaning(name), unit=unit, data=data)


def _counter_metrics(sums: Sums, start: int, end: int, cumulative: bool) -> Iterator[Any]:
    from opentelemetry.sdk.metrics import export

    for name, counts in sums.counters.items():
        points = [
            export.NumberDataPoint(
                attributes=dict(series), start_time_unix_nano=start, time_unix_nano=end, value=number
            )
            for series, number in counts.items()
        ]
        data = export.Sum(data_points=points, aggregation_temporality=_temporality(cumulative), is_monotonic=True)
        if points:
            yield export.Metric(name=name, description=_meaning(name), unit=_unit(name), data=data)


def _temporality(cumulative: bool) -> Any:
    from opentelemetry.sdk.metrics.export import AggregationTemporality

    return AggregationTemporality.CUMULATIVE if cumulative else AggregationTemporality.DELTA


_NAMES = {entry.name: entry for entry in semconv.TABLE}


def _meaning(name: str) -> str:
    return _NAMES[name].meaning


def _unit(name: str) -> str:
    return _NAMES[name].unit
