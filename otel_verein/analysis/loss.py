"""Where operations went, and whose figures are therefore incomplete."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from otel_verein import semconv
from otel_verein.sources.base import Tables
from otel_verein.sources.rows import CounterRow

_TOLD_WITHOUT: Final = frozenset((semconv.METRIC_BREACHES, semconv.METRIC_DB_QUERIES))
"""Counters that are also made of spans, or by a collector for services that count nothing."""

_LOSSES: Final = frozenset((semconv.METRIC_EXPORT_DROPPED, semconv.METRIC_SPANS_LOST, semconv.METRIC_POINTS_LOST))
"""Counters of what did not arrive: operations, parts of them, figures."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Where operations went: started = kept + sampled_out, kept = exported + dropped. None: not measured."""

    started: int | None
    kept: int | None
    sampled_out: int | None
    exported: int | None
    dropped: Mapping[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def loss(tables: Tables) -> Loss:
    """The account of all operations of *tables*; nothing is known where nothing but spans was found."""
    dropped = by_detail(tables.counters, semconv.METRIC_EXPORT_DROPPED)
    if not is_measured(tables):
        return Loss(None, None, None, None, dropped)
    kept = counted(tables, semconv.METRIC_KEPT)
    return Loss(
        started=sum(
            row.count for row in tables.histograms if row.metric == semconv.METRIC_DURATION and not row.estimated
        ),
        kept=kept,
        sampled_out=counted(tables, semconv.METRIC_SAMPLED_OUT),
        exported=kept - sum(dropped.values()),
        dropped=dropped,
    )


def lossy_services(tables: Tables) -> frozenset[str]:
    """The services whose figures are incomplete; all of them when a line with metrics could not be read."""
    if tables.metrics_lost:
        return frozenset(row.service for row in tables.histograms)
    return frozenset(row.service for row in tables.counters if row.metric in _LOSSES and row.value > 0)


def is_measured(tables: Tables) -> bool:
    """Whether *tables* hold anything that was counted, rather than estimated from spans."""
    return any(row.metric == semconv.METRIC_DURATION and not row.estimated for row in tables.histograms) or any(
        row.metric not in _TOLD_WITHOUT for row in tables.counters
    )


def counted(tables: Tables, metric: str) -> int:
    """The sum of a counter over all of its series."""
    return sum(row.value for row in tables.counters if row.metric == metric)


def by_detail(counters: Iterable[CounterRow], metric: str) -> dict[str, int]:
    """The sums of a counter by what tells its series apart, such as a reason."""
    sums: Counter[str] = Counter()
    for row in counters:
        if row.metric == metric:
            sums[row.detail or semconv.OTHER] += row.value
    return dict(sorted(sums.items()))
