"""The figures of ended operations, added up: one series per operation name, kind and status, and plain counters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from otel_verein import semconv
from otel_verein.processors.metrics.histogram import Histogram
from otel_verein.processors.metrics.names import OperationNames

Attributes = tuple[tuple[str, str], ...]
"""What tells the points of one metric apart: (key, value) pairs."""

_MOST_POINTS = 200
"""Points of one counter that is no operation's; their values come from our own code, so this is never reached."""


class Measurement(NamedTuple):
    """The figures of one ended operation.

    The ids name the trace an exemplar leads to: they are 0 unless the operation is kept. ``ended_ns`` is wall time.
    ``queries`` is None where counting is off, and the database time is unknown then, too.
    """

    operation: str
    kind: str
    status: str
    duration_s: float
    queries: int | None
    db_duration_s: float
    breaches: tuple[str, ...]
    findings: tuple[str, ...]
    ignored: tuple[str, ...]
    keep_reason: str | None
    trace_id: int = 0
    span_id: int = 0
    ended_ns: int = 0
    spans_merged: int = 0
    spans_dropped: int = 0
    late: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """The time that points stand for, in nanoseconds since the epoch, and whether it began with the process."""

    start_ns: int
    end_ns: int
    cumulative: bool


class Example(NamedTuple):
    """One kept operation that a point can lead to."""

    value: float
    trace_id: int
    span_id: int
    ended_ns: int


class Series:
    """All operations of one name, kind and status; ``since_ns`` is None, or when the first of them was collected."""

    __slots__ = ("counters", "db_duration", "duration", "most_queries", "queries", "since_ns", "slowest")

    def __init__(self) -> None:
        self.duration = Histogram()
        self.queries = Histogram()
        self.db_duration = Histogram()
        self.counters: Counter[tuple[str, Attributes]] = Counter()
        self.slowest: Example | None = None
        self.most_queries: Example | None = None
        self.since_ns: int | None = None

    def add(self, rows: Sequence[Measurement]) -> None:
        """Book operations."""
        self.duration.record_all([row.duration_s for row in rows])
        self.queries.record_counts(Counter([row.queries for row in rows if row.queries is not None]))
        self.db_duration.record_all([row.db_duration_s for row in rows if row.queries is not None])
        kept = 0
        for row in rows:
            if row.keep_reason is not None:
                kept += 1
                self._add_kept(row)
            if row.breaches or row.findings or row.ignored:
                self._add_verdict(row)
        if kept < len(rows):
            self.counters[semconv.METRIC_SAMPLED_OUT, ()] += len(rows) - kept

    def merge(self, other: Series) -> None:
        """Add all that *other* holds."""
        self.duration.merge(other.duration)
        self.queries.merge(other.queries)
        self.db_duration.merge(other.db_duration)
        self.counters.update(other.counters)
        self.slowest = _greater(self.slowest, other.slowest)
        self.most_queries = _greater(self.most_queries, other.most_queries)
        self.since_ns = _earlier(self.since_ns, other.since_ns)

    def _add_kept(self, row: Measurement) -> None:
        self.counters[semconv.METRIC_KEPT, ((semconv.KEEP_REASON, str(row.keep_reason)),)] += 1
        if row.trace_id and row.span_id:
            if self.slowest is None or row.duration_s > self.slowest.value:
                self.slowest = Example(row.duration_s, row.trace_id, row.span_id, row.ended_ns)
            if row.queries is not None and (self.most_queries is None or row.queries > self.most_queries.value):
                self.most_queries = Example(row.queries, row.trace_id, row.span_id, row.ended_ns)

    def _add_verdict(self, row: Measurement) -> None:
        for metric, key, values in (
            (semconv.METRIC_BREACHES, semconv.BREACH, row.breaches),
            (semconv.METRIC_FINDINGS, semconv.FINDING_KIND, row.findings),
            (semconv.METRIC_FINDINGS_IGNORED, semconv.IGNORE_RULE, row.ignored),
        ):
            for value in values:
                self.counters[metric, ((key, str(value)),)] += 1


class Sums:
    """What was added up: series by operation name, kind and status, and counters that are no operation's."""

    def __init__(self) -> None:
        self.series: dict[tuple[str, str, str], Series] = {}
        self.counters: Counter[tuple[str, Attributes]] = Counter()
        self.facts: dict[str, Attributes] = {}
        """What holds now, by name of its metric; the latest is the one that counts."""
        self.since_ns: int | None = None

    def __bool__(self) -> bool:
        return bool(self.series) or bool(self.counters) or bool(self.facts)

    def add(self, rows: Iterable[Measurement], names: OperationNames, now_ns: int) -> None:
        """Book operations; *names* says which have a series of their own."""
        groups: dict[tuple[str, str, str], list[Measurement]] = {}
        for row in rows:
            key = row[:3]
            group = groups.get(key)
            if group is None:
                groups[key] = [row]
            else:
                group.append(row)
            if row.late or row.spans_merged or row.spans_dropped:
                self._count_spans(row)
        for key, group in self._admitted(groups, names, now_ns).items():
            series = self.series.get(key)
            if series is None:
                series = self.series[key] = Series()
            series.add(group)

    def count(self, name: str, attributes: Attributes = (), number: int = 1) -> None:
        """Add *number* to a counter that is no operation's."""
        key = (name, attributes)
        if key not in self.counters and len(self.counters) >= _MOST_POINTS:
            key = (name, tuple((each, semconv.OTHER) for each, _ in attributes))
        self.counters[key] += number

    def merge(self, other: Sums) -> None:
        """Add all that *other* holds."""
        for key, series in other.series.items():
            known = self.series.get(key)
            if known is None:
                known = self.series[key] = Series()
            known.merge(series)
        for (name, attributes), number in other.counters.items():
            self.count(name, attributes, number)
        self.facts = {**self.facts, **other.facts}
        self.since_ns = _earlier(self.since_ns, other.since_ns)

    def parts(self, most_series: int) -> Iterator[Sums]:
        """The same in parts of at most so many series, which share their content; the counters come last."""
        keys = list(self.series)
        for first in range(0, len(keys), most_series):
            part = Sums()
            part.series = {key: self.series[key] for key in keys[first : first + most_series]}
            if first + most_series >= len(keys):
                part._take_rest(self)
            yield part
        if not keys and (self.counters or self.facts):
            yield self

    def halves(self) -> list[Sums]:
        """The same in two parts, which share their content; empty when it is one series or has none."""
        if len(self.series) > 1:
            return list(self.parts((len(self.series) + 1) // 2))
        if not (self.series and (self.counters or self.facts)):
            return []
        series, rest = Sums(), Sums()
        series.series = self.series
        rest._take_rest(self)
        return [series, rest]

    @property
    def points(self) -> int:
        """Points it makes on metrics."""
        return len(self.counters) + len(self.facts) + sum(3 + len(series.counters) for series in self.series.values())

    def forget_examples(self) -> None:
        """Start a collection of its own: an exemplar is of one collection, also where sums go on."""
        for series in self.series.values():
            series.slowest = series.most_queries = None

    def not_before(self, since_ns: int) -> None:
        """Remember that what is held was collected from *since_ns* on, unless it is older."""
        self.since_ns = _earlier(self.since_ns, since_ns)
        for series in self.series.values():
            series.since_ns = _earlier(series.since_ns, since_ns)

    def _take_rest(self, other: Sums) -> None:
        """Share all of *other* but its series."""
        self.counters, self.facts, self.since_ns = other.counters, other.facts, other.since_ns

    def _admitted(
        self, groups: dict[tuple[str, str, str], list[Measurement]], names: OperationNames, now_ns: int
    ) -> dict[tuple[str, str, str], list[Measurement]]:
        admitted: dict[tuple[str, str, str], list[Measurement]] = {}
        for (given, kind, status), rows in groups.items():
            name = names.admitted(given, now_ns)
            if name == semconv.OTHER and given != semconv.OTHER:
                self.count(semconv.METRIC_OVERFLOW, (), len(rows))
            known = admitted.setdefault((name, kind, status), rows)
            if known is not rows:
                known.extend(rows)
        return admitted

    def _count_spans(self, row: Measurement) -> None:
        for name, number in (
            (semconv.METRIC_SPANS_MERGED, row.spans_merged),
            (semconv.METRIC_SPANS_DROPPED, row.spans_dropped),
            (semconv.METRIC_LATE, int(row.late)),
        ):
            if number:
                self.count(name, (), number)


def _greater(left: Example | None, right: Example | None) -> Example | None:
    if left is None or right is None:
        return left or right
    return right if right.value > left.value else left


def _earlier(left: int | None, right: int | None) -> int | None:
    if left is None or right is None:
        return right if left is None else left
    return min(left, right)
