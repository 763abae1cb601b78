"""Operations on the page: the table, and how their times and queries are spread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from otel_verein.analysis.health import OperationHealth
from otel_verein.analysis.operations import OperationStats
from otel_verein.rendering.html.charts import histogram
from otel_verein.rendering.html.markup import Html, el, joined
from otel_verein.rendering.html.tables import Cell, Head, number, table
from otel_verein.rendering.words import (
    ABSENT,
    amount,
    decimal,
    estimated_from,
    many,
    ms,
    name_of,
    percent,
    seconds,
    whole,
)

_CAUSES: Final = {"error": "error", "duration": "time", "queries": "queries", "db_duration": "db", "n_plus_one": "N+1"}
_HEADS: Final = (
    Head("operation", number=False),
    Head("n", "operations measured"),
    Head("errors"),
    Head("queries", "queries of one operation, on the mean"),
    Head("p95", "queries that 95 % of the operations do not exceed"),
    Head("max", "most queries of one operation"),
    Head("p50 ms", "time that half of the operations do not exceed"),
    Head("p95 ms", "time that 95 % of the operations do not exceed"),
    Head("p99 ms", "time that 99 % of the operations do not exceed"),
    Head("db", "database time per wall time"),
    Head("breaches", "operations that failed or broke a budget, by which"),
    Head("health"),
)

Judged: TypeAlias = tuple[OperationStats, OperationHealth]


def operations(judged: Sequence[Judged], most: int) -> Html:
    """The table of at most *most* operations."""
    if not judged:
        return el("p", "No operation was measured.")
    several = len({stats.key.service for stats, _ in judged}) > 1
    rows = [
        (f"{stats.key.service} {stats.key.operation}", _row(stats, health, several)) for stats, health in judged[:most]
    ]
    samples = sum(stats.duration.samples for stats, _ in judged if stats.estimated)
    hidden = len(judged) - len(rows)
    more = el("p", f"{many(hidden, 'operation name')} more left out.", class_="quiet") if hidden > 0 else None
    return joined(
        table("Operations, the one with the most time first", _HEADS, rows),
        more,
        el("p", estimated_from(samples), class_="quiet") if samples else None,
    )


def spreads(judged: Sequence[Judged], most: int) -> Html:
    """Histograms of the first *most* operations."""
    several = len({stats.key.service for stats, _ in judged}) > 1
    return el("div", [_spread(stats, several) for stats, _ in judged[:most]], class_="charts")


def _spread(stats: OperationStats, several: bool) -> Html:
    name = name_of(stats.key, with_service=several)
    charts = [el("figcaption", el("strong", name), f", n = {amount(stats.duration)}")]
    charts += [el("div", "time", class_="quiet"), histogram(stats.duration, seconds, f"time of {name}")]
    if stats.queries is not None:
        charts += [el("div", "queries", class_="quiet"), histogram(stats.queries, whole, f"queries of {name}")]
    return el("figure", charts, data_search=f"{stats.key.service} {stats.key.operation}".lower())


def _row(stats: OperationStats, health: OperationHealth, several: bool) -> list[Cell]:
    queries, duration = stats.queries, stats.duration
    breaches = ", ".join(f"{word} {stats.breaches[name]}" for name, word in _CAUSES.items() if stats.breaches[name])
    return [
        Cell(name_of(stats.key, with_service=several)),
        number(stats.count, amount(stats.duration)),
        number(stats.errors, f"{stats.errors:,}", "high" if stats.errors else None),
        _figure(None if queries is None else queries.mean, decimal),
        _figure(None if queries is None else queries.whole_percentile(0.95), whole),
        _figure(None if queries is None else queries.maximum, whole),
        *(_figure(duration.percentile(share), ms) for share in (0.50, 0.95, 0.99)),
        _figure(stats.db_share, percent),
        Cell(breaches or ABSENT, float(stats.bad)),
        number(health.score, "unknown" if health.score is None else f"{health.score:.1f}", _mark(health)),
    ]


def _mark(health: OperationHealth) -> str | None:
    return "unknown" if health.score is None else None


def _figure(value: float | None, show: Callable[[float], str]) -> Cell:
    return number(value, ABSENT if value is None else show(value))
