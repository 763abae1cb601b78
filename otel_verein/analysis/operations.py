"""What every operation did: counts, queries, durations, breaches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from otel_verein import semconv
from otel_verein.analysis.histogram import Distribution, merge
from otel_verein.sources.base import CounterRow, HistogramRow, Tables

BREACHES = ("error", "duration", "queries", "db_duration", "n_plus_one")
ANY_BREACH = "any"
"""Counted once per operation with an error or a broken budget; an N+1 alone is none."""


@dataclass(frozen=True, slots=True, order=True)
class OperationKey:
    """What tells two operations apart."""

    service: str
    operation: str
    kind: str


@dataclass(frozen=True, slots=True)
class OperationStats:
    """All operations of one name; ``queries`` and ``db_duration`` are None where no driver was watched."""

    key: OperationKey
    count: int
    errors: int
    duration: Distribution
    queries: Distribution | None
    db_duration: Distribution | None
    breaches: Mapping[str, int]
    bad: int
    kept: int
    sampled_out: int

    @property
    def db_share(self) -> float | None:
        """Database time per wall time; above 1 when queries ran side by side."""
        if self.db_duration is None or self.db_duration.total is None or not self.duration.total:
            return None
        return self.db_duration.total / self.duration.total


def operations(tables: Tables) -> tuple[OperationStats, ...]:
    """The statistics of every operation, the one with the most wall time first."""
    rows: dict[tuple[OperationKey, str], list[HistogramRow]] = defaultdict(list)
    for row in tables.histograms:
        rows[OperationKey(row.service, row.operation, row.kind), row.metric].append(row)
    counts = _by_operation(tables.counters)
    keys = sorted({key for key, metric in rows if metric == semconv.METRIC_DURATION})
    measured = [_stats(key, rows, counts.get(key, {})) for key in keys]
    return tuple(sorted(measured, key=lambda stats: -(stats.duration.total or 0.0)))


def _by_operation(
    counters: Iterable[CounterRow],
) -> dict[OperationKey, dict[tuple[str, str | None], int]]:
    counts: dict[OperationKey, dict[tuple[str, str | None], int]] = defaultdict(lambda: defaultdict(int))
    for row in counters:
        if row.operation is not None:
            key = OperationKey(row.service, row.operation, row.kind or "internal")
            counts[key][row.metric, row.detail] += row.value
    return counts


def _stats(
    key: OperationKey,
    rows: Mapping[tuple[OperationKey, str], list[HistogramRow]],
    counts: Mapping[tuple[str, str | None], int],
) -> OperationStats:
    durations = rows[key, semconv.METRIC_DURATION]
    duration = merge(durations)
    if duration is None:
        raise ValueError(f"{key}: no duration was measured")
    return OperationStats(
        key=key,
        count=duration.count,
        errors=sum(row.count for row in durations if row.status == "error"),
        duration=duration,
        queries=merge(rows.get((key, semconv.METRIC_QUERIES), ())),
        db_duration=merge(rows.get((key, semconv.METRIC_DB_DURATION), ())),
        breaches={breach: counts.get((semconv.METRIC_BREACHES, breach), 0) for breach in BREACHES},
        bad=counts.get((semconv.METRIC_BREACHES, ANY_BREACH), 0),
        kept=_over_details(counts, semconv.METRIC_KEPT),
        sampled_out=_over_details(counts, semconv.METRIC_SAMPLED_OUT),
    )


def _over_details(counts: Mapping[tuple[str, str | None], int], wanted: str) -> int:
    return sum(value for (metric, _), value in counts.items() if metric == wanted)
