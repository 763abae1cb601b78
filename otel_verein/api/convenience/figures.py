"""What some operations did on the mean: of all of a source, or those that one entity was the subject of."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from otel_verein import semconv
from otel_verein.analysis.histogram import merge, spread
from otel_verein.analysis.operations import OperationStats
from otel_verein.sources.base import Tables
from otel_verein.sources.rows import EntityRow

TAIL: Final = 0.95
"""The percentile that speaks for the slow ones."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Per operation, on the mean: ``time_s``, ``queries``, ``db_s``; None for what is not known.

    ``operations``, ``errors`` and ``bad`` are estimates where it is ``estimated``, from so many ``samples``; ``bad``
    are those with an error or beyond a budget. Queries are those of the operations whose driver was watched.
    """

    operations: float
    errors: float
    bad: float
    samples: int
    estimated: bool
    time_s: float | None
    time_p95_s: float | None
    time_max_s: float | None
    queries: float | None
    queries_max: float | None
    db_s: float | None

    @property
    def error_share(self) -> float | None:
        """Failed operations of all."""
        return self.errors / self.operations if self.operations else None

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self) | {"error_share": self.error_share}


def of_all(tables: Tables, all_stats: Sequence[OperationStats]) -> Figures:
    """The figures of everything that *tables* hold, of which *all_stats* are the operations."""
    times = merge(row for row in tables.histograms if row.metric == semconv.METRIC_DURATION)
    watched = [stats.queries for stats in all_stats if stats.queries is not None]
    timed = [stats.db_duration for stats in all_stats if stats.db_duration is not None]
    return Figures(
        operations=sum(stats.count for stats in all_stats),
        errors=sum(stats.errors for stats in all_stats),
        bad=sum(stats.bad for stats in all_stats),
        samples=sum(stats.duration.samples if stats.estimated else stats.count for stats in all_stats),
        estimated=any(stats.estimated for stats in all_stats),
        time_s=None if times is None else times.mean,
        time_p95_s=None if times is None else times.percentile(TAIL),
        time_max_s=None if times is None else times.maximum,
        queries=_mean([each.total for each in watched], sum(each.count for each in watched)),
        queries_max=max((each.maximum for each in watched if each.maximum is not None), default=None),
        db_s=_mean([each.total for each in timed], sum(each.count for each in timed)),
    )


def of_entity(rows: Sequence[EntityRow]) -> Figures:
    """The figures of the operations in *rows*, estimated from those that were kept."""
    count = math.fsum(row.count for row in rows)
    watched = [row for row in rows if row.queries is not None]
    timed = [row for row in rows if row.db_s is not None]
    return Figures(
        operations=count,
        errors=math.fsum(row.errors for row in rows),
        bad=math.fsum(row.breached for row in rows),
        samples=sum(row.samples for row in rows),
        estimated=True,
        time_s=_mean([row.duration_s for row in rows], count),
        time_p95_s=spread(count, [(row.scale, row.buckets) for row in rows]).percentile(TAIL) if rows else None,
        time_max_s=max((row.duration_max_s for row in rows), default=None),
        queries=_mean([row.queries for row in watched], math.fsum(row.count for row in watched)),
        queries_max=max((row.queries_max for row in watched if row.queries_max is not None), default=None),
        db_s=_mean([row.db_s for row in timed], math.fsum(row.count for row in timed)),
    )


@dataclass(frozen=True, slots=True)
class Alike:
    """What everybody's operations take on the mean, in the mix of operations of one entity; None where unknown.

    So an entity that is the subject of slow operations is not called slow for that: it is compared with its like.
    """

    time_s: float | None
    queries: float | None
    db_s: float | None

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def alike(rows: Iterable[EntityRow], all_stats: Iterable[OperationStats]) -> Alike:
    """The means over all by operation, weighted by how often each of *rows* has that operation."""
    named: defaultdict[tuple[str, str], list[OperationStats]] = defaultdict(list)
    for stats in all_stats:
        named[stats.key.service, stats.key.operation].append(stats)
    mix: defaultdict[tuple[str, str], float] = defaultdict(float)
    for row in rows:
        mix[row.service, row.operation] += row.count
    times = {name: _mean([each.duration.total for each in found], _count(found)) for name, found in named.items()}
    queries, db = {}, {}
    for name, found in named.items():
        watched = [each.queries for each in found if each.queries is not None]
        timed = [each.db_duration for each in found if each.db_duration is not None]
        queries[name] = _mean([each.total for each in watched], sum(each.count for each in watched))
        db[name] = _mean([each.total for each in timed], sum(each.count for each in timed))
    return Alike(_weighted(mix, times), _weighted(mix, queries), _weighted(mix, db))


def ratio(of: float | None, to: float | None) -> float | None:
    """*of* / *to*, None where either is unknown or there is nothing to compare with."""
    return None if of is None or not to else of / to


def _count(found: Iterable[OperationStats]) -> float:
    return sum(each.count for each in found)


def _mean(totals: Sequence[float | None], count: float) -> float | None:
    known = [total for total in totals if total is not None]
    return None if not count or not known or len(known) < len(totals) else math.fsum(known) / count


def _weighted(mix: Mapping[tuple[str, str], float], means: Mapping[tuple[str, str], float | None]) -> float | None:
    """The mean over the mix; unknown where that of any part of it is."""
    parts = [(count, means.get(name)) for name, count in mix.items()]
    count = math.fsum(each for each, _ in parts)
    known = [each * mean for each, mean in parts if mean is not None]
    return math.fsum(known) / count if count and len(known) == len(parts) else None
