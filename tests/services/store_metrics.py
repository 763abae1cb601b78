"""The metrics of one process as lines of OTLP JSON: what our SDK writes to files (deltas), or sends to an endpoint."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache

from otel_verein import semconv
from otel_verein.exporters.otlp_json import attributes_field
from otel_verein.processors.metrics.histogram import Histogram
from tests.services.store_truth import Series

_DESCRIBED = {entry.name: entry for entry in semconv.TABLE}
_HISTOGRAMS = (semconv.METRIC_DURATION, semconv.METRIC_QUERIES, semconv.METRIC_DB_DURATION)
DETAILS = {
    semconv.METRIC_KEPT: semconv.KEEP_REASON,
    semconv.METRIC_BREACHES: semconv.BREACH,
    semconv.METRIC_FINDINGS: semconv.FINDING_KIND,
}
"""The attribute that tells the points of a counter apart."""

Example = tuple[float, str, str, int]
"""A value, the ids of its span, and when that ended."""


@dataclass(slots=True)
class Measured:
    """The operations of one series since the last export."""

    durations_s: list[float] = field(default_factory=list)
    queries: list[int] = field(default_factory=list)
    db_s: list[float] = field(default_factory=list)
    counters: Counter[tuple[str, str]] = field(default_factory=Counter)
    slowest: Example | None = None


class Sums:
    """All series of one process since its start, for an endpoint that gets cumulative figures."""

    def __init__(self) -> None:
        self.histograms: dict[Series, tuple[Histogram, Histogram, Histogram]] = {}
        self.counters: dict[Series, Counter[tuple[str, str]]] = {}

    def add(self, measured: dict[Series, Measured]) -> None:
        """Book what one interval brought."""
        for series, each in measured.items():
            known = self.histograms.setdefault(series, (Histogram(), Histogram(), Histogram()))
            for histogram, values in zip(known, _values(each), strict=True):
                histogram.record_all(values)
            self.counters.setdefault(series, Counter()).update(each.counters)


def deltas(measured: dict[Series, Measured], start_ns: int, end_ns: int) -> tuple[str, int]:
    """The metrics of one interval, as they stand in a scope; and the number of points."""
    points: tuple[list[str], ...] = ([], [], [])
    times = _times(start_ns, end_ns)
    for series, each in measured.items():
        head = f'{{"attributes":[{_attributes(series, "", "")}]{times}'
        shown = f'{{"attributes":[{_attributes(series, "", "")}],"timeUnixNano":"{end_ns}"'
        for number, (found, values) in enumerate(zip(points, _values(each), strict=True)):
            if each.slowest is not None and number == 0:
                begin = f'{shown},"exemplars":[{_exemplar(each.slowest)}],"startTimeUnixNano":"{start_ns}"'
            else:
                begin = head
            found.append(begin + (_one(values[0]) if len(values) == 1 else _many(values)))
    counters = {series: each.counters for series, each in measured.items()}
    return _whole(points, counters, times, 1)


def cumulative(sums: Sums, start_ns: int, end_ns: int) -> tuple[str, int]:
    """All that a process has measured since its start, as they stand in a scope; and the number of points."""
    points: tuple[list[str], ...] = ([], [], [])
    times = _times(start_ns, end_ns)
    for series, histograms in sums.histograms.items():
        head = f'{{"attributes":[{_attributes(series, "", "")}]{times}'
        for found, histogram in zip(points, histograms, strict=True):
            found.append(head + _fields(histogram))
    return _whole(points, sums.counters, times, 2)


def _values(measured: Measured) -> tuple[list[float], list[float], list[float]]:
    return measured.durations_s, list(map(float, measured.queries)), measured.db_s


def _whole(
    points: Iterable[list[str]], counters: dict[Series, Counter[tuple[str, str]]], times: str, temporality: int
) -> tuple[str, int]:
    made = [
        _metric(name, "exponentialHistogram", found, f'"aggregationTemporality":{temporality}')
        for name, found in zip(_HISTOGRAMS, points, strict=True)
    ]
    number = sum(map(len, points))
    for name, found in _counted(counters, times):
        made.append(_metric(name, "sum", found, f'"aggregationTemporality":{temporality},"isMonotonic":true'))
        number += len(found)
    return ",".join(made), number


def _counted(counters: dict[Series, Counter[tuple[str, str]]], times: str) -> Iterator[tuple[str, list[str]]]:
    by_metric: dict[str, list[str]] = {}
    for series, counts in counters.items():
        for (metric, detail), count in counts.items():
            attributes = _attributes(series, DETAILS.get(metric, ""), detail)
            point = f'{{"attributes":[{attributes}]{times},"asInt":"{count}"}}'
            by_metric.setdefault(metric, []).append(point)
    yield from by_metric.items()


def configuration(digest: str, start_ns: int, end_ns: int) -> str:
    """The gauge that says which configuration a process runs."""
    said = {
        semconv.CONFIG_DIGEST: digest,
        semconv.CONFIG_ENVIRONMENT: "production",
        semconv.CONFIG_STATE: "in_force",
    }
    point = f'{{{attributes_field(said)}{_times(start_ns, end_ns)},"asInt":"1"}}'
    return _metric(semconv.METRIC_CONFIG_INFO, "gauge", [point], "")


def _metric(name: str, shape: str, points: list[str], more: str) -> str:
    entry = _DESCRIBED[name]
    rest = f",{more}" if more else ""
    described = f'"name":"{name}","description":"{entry.meaning}","unit":"{entry.unit}"'
    return f'{{{described},"{shape}":{{"dataPoints":[{",".join(points)}]{rest}}}}}'


@cache
def _attributes(series: Series, key: str, detail: str) -> str:
    _, operation, kind, status = series
    said = {semconv.OPERATION: operation, semconv.OPERATION_KIND: kind, semconv.OPERATION_STATUS: status}
    return attributes_field(said | ({key: detail} if key else {})).removeprefix('"attributes":[')[:-1]


def _times(start_ns: int, end_ns: int) -> str:
    return f',"timeUnixNano":"{end_ns}","startTimeUnixNano":"{start_ns}"'


def _exemplar(example: Example) -> str:
    value, trace_id, span_id, ended_ns = example
    return f'{{"timeUnixNano":"{ended_ns}","asDouble":{value!r},"spanId":"{span_id}","traceId":"{trace_id}"}}'


def _one(value: float) -> str:
    """The rest of a point of one value: most are, where an interval is short."""
    extremes = f',"count":"1","sum":{value!r},"min":{value!r},"max":{value!r},"scale":4'
    if not value:
        return extremes + ',"zeroCount":"1"}'
    index = math.ceil(math.log2(value) * 16.0) - 1
    return f'{extremes},"positive":{{"offset":{index},"bucketCounts":["1"]}}}}'


def _many(values: list[float]) -> str:
    histogram = Histogram()
    histogram.record_all(values)
    return _fields(histogram)


def _fields(histogram: Histogram) -> str:
    offset, counts = histogram.dense()
    zeros = f',"zeroCount":"{histogram.zeros}"' if histogram.zeros else ""
    buckets = '","'.join(map(str, counts))
    positive = f',"positive":{{"offset":{offset},"bucketCounts":["{buckets}"]}}' if counts else ""
    return (
        f',"count":"{histogram.count}","sum":{float(histogram.sum)!r},"min":{float(histogram.minimum)!r}'
        f',"max":{float(histogram.maximum)!r},"scale":{histogram.scale}{zeros}{positive}}}'
    )
