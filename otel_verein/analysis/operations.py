"""What every operation did: counts, queries, durations, breaches."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from otel_verein import semconv
from otel_verein.analysis.histogram import Distribution, merge
from otel_verein.sources.base import Tables
from otel_verein.sources.rows import CounterRow, HistogramRow

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
    """All operations of one name; ``queries`` and ``db_duration`` are None where no driver was watched.

    ``count`` and ``errors`` are exact, unless ``estimated``: made of sampled spans and their weights; ``kept`` and
    ``sampled_out`` are None then. ``errors_s`` is the wall time of those that failed, in seconds.
    """

    key: OperationKey
    count: int
    errors: int
    duration: Distribution
    queries: Distribution | None
    db_duration: Distribution | None
    breaches: Mapping[str, int]
    bad: int
    kept: int | None
    sampled_out: int | None
    errors_s: float | None = None

    @property
    def estimated(self) -> bool:
        """Whether any of it is an estimate."""
        return self.duration.estimated

    @property
    def impact(self) -> float | None:
        """Queries of one operation x its wall time x how often it ran; None where queries were not measured.

        It is large for what runs often, and slowly, with many queries: where to look first when all three count.
        """
        if self.queries is None or self.queries.mean is None or self.duration.total is None:
            return None
        return self.queries.mean * self.duration.total

    @property
    def db_share(self) -> float | None:
        """Database time per wall time; above 1 when queries ran side by side."""
        if self.db_duration is None or self.db_duration.total is None or not self.duration.total:
            return None
        return self.db_duration.total / self.duration.total

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON; ``count_error`` is half the width of the 95 % interval of an estimated count."""
        return {
            "operation": self.key.operation,
            "kind": self.key.kind,
            "service": self.key.service,
            "count": self.count,
            "errors": self.errors,
            "queries": _queries(self.queries),
            "duration_s": _times(self.duration, 0.50, 0.95, 0.99) | {"max": self.duration.maximum},
            "db_duration_s": _times(self.db_duration, 0.50, 0.95) | {"share": self.db_share},
            "breaches": dict(self.breaches),
            "kept": self.kept,
            "sampled_out": self.sampled_out,
            "bad": self.bad,
            "estimated": self.estimated,
            "samples": self.duration.samples if self.estimated else self.count,
            "count_error": self.duration.count_error,
            "impact": self.impact,
        }


def operations(tables: Tables) -> tuple[OperationStats, ...]:
    """The statistics of every operation, the one with the most wall time first."""
    rows: dict[tuple[OperationKey, str], list[HistogramRow]] = defaultdict(list)
    for row in tables.histograms:
        rows[OperationKey(row.service, row.operation, row.kind), row.metric].append(row)
    counts = _by_operation(tables.counters)
    keys = sorted({key for key, metric in rows if metric == semconv.METRIC_DURATION})
    measured = [_stats(key, rows, counts.get(key, {})) for key in keys]
    return tuple(sorted(measured, key=lambda stats: -(stats.duration.total or 0.0)))


def by_impact(stats: Iterable[OperationStats]) -> tuple[OperationStats, ...]:
    """*stats* in the order of their impact, the largest first; of unknown impact last."""
    return tuple(sorted(stats, key=lambda each: (each.impact is None, -(each.impact or 0.0), each.key)))


def resting_on(stats: OperationStats) -> float:
    """How many operations the figures of *stats* rest on: the count, of an estimate its effective sample size."""
    return stats.duration.effective if stats.estimated else stats.count


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
    failed = [row for row in durations if row.status == "error"]
    return OperationStats(
        key=key,
        count=duration.count,
        errors=sum(row.count for row in failed),
        duration=duration,
        queries=merge(rows.get((key, semconv.METRIC_QUERIES), ())),
        db_duration=merge(rows.get((key, semconv.METRIC_DB_DURATION), ())),
        breaches={breach: counts.get((semconv.METRIC_BREACHES, breach), 0) for breach in BREACHES},
        bad=counts.get((semconv.METRIC_BREACHES, ANY_BREACH), 0),
        kept=None if duration.estimated else _over_details(counts, semconv.METRIC_KEPT),
        sampled_out=None if duration.estimated else _over_details(counts, semconv.METRIC_SAMPLED_OUT),
        errors_s=_sum_of(row.total for row in failed),
    )


def _sum_of(totals: Iterable[float | None]) -> float | None:
    """The sum; None when one of them is not known."""
    known = list(totals)
    return None if None in known else math.fsum(total for total in known if total is not None)


def _over_details(counts: Mapping[tuple[str, str | None], int], wanted: str) -> int:
    return sum(value for (metric, _), value in counts.items() if metric == wanted)


def _queries(queries: Distribution | None) -> dict[str, Any]:
    if queries is None:
        return dict.fromkeys(("total", "mean", "p50", "p95", "p99", "max"))
    return {
        "total": None if queries.total is None else round(queries.total),
        "mean": queries.mean,
        "p50": queries.whole_percentile(0.50),
        "p95": queries.whole_percentile(0.95),
        "p99": queries.whole_percentile(0.99),
        "max": None if queries.maximum is None else round(queries.maximum),
    }


def _times(durations: Distribution | None, *shares: float) -> dict[str, float | None]:
    values: dict[str, float | None] = {"mean": None if durations is None else durations.mean}
    for share in shares:
        values[f"p{share * 100:.0f}"] = None if durations is None else durations.percentile(share)
    return values
