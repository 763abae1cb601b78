"""A source in memory whose figures are known by how it is made."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from otel_verein import semconv
from otel_verein.sources.base import ALL, Ask, Entities, Steps, Tables
from otel_verein.sources.rows import CounterRow, EntityRow, FindingRow, HistogramRow, StepRow, Window
from tests.unit.fixed_source import SCALE, Silent, index_of

BEGIN_NS = 1_772_323_200_000_000_000
HOUR = Window(BEGIN_NS, BEGIN_NS + 3_600 * 10**9)


def histogram(metric: str, operation: str, count: int, value: float) -> HistogramRow:
    """*count* measurements of the same *value*."""
    buckets = ((index_of(value), count),) if value else ()
    return HistogramRow(metric, "shop", operation, "server", "ok", SCALE, count, count * value, value, value, buckets)


@dataclass(frozen=True)
class Operation:
    """Operations of one name, all alike, so many of them bad: past the budget of queries."""

    name: str
    count: int
    seconds: float
    queries: float
    bad: int = 0

    def histograms(self) -> Iterable[HistogramRow]:
        """What was measured of them."""
        yield histogram(semconv.METRIC_DURATION, self.name, self.count, self.seconds)
        yield histogram(semconv.METRIC_QUERIES, self.name, self.count, self.queries)
        yield histogram(semconv.METRIC_DB_DURATION, self.name, self.count, self.seconds / 2)

    def counters(self) -> Iterable[CounterRow]:
        """What was counted of them."""
        for detail in ("any", "queries") if self.bad else ():
            yield CounterRow(semconv.METRIC_BREACHES, "shop", self.name, "server", detail, self.bad)


HEALTHY = Operation("GET /", 1000, 0.1, 4)


def ok(answer: dict[str, Any], payload: str) -> Any:
    """The payload of a success, after a round trip through JSON."""
    assert answer["success"], answer
    return json.loads(json.dumps(answer, allow_nan=False))[payload]


def dropped(operations: int) -> CounterRow:
    """So many operations that did not reach anybody."""
    return CounterRow(semconv.METRIC_EXPORT_DROPPED, "shop", None, None, "queue_full", operations)


def finding(operation: str, operations: int, repeats: int) -> FindingRow:
    """One N+1 in so many operations, with as many repeats in each."""
    return FindingRow(
        "shop", operation, "n_plus_one", "f1", "/srv/shop/views.py", 12, "show", operations, operations,
        operations * repeats, repeats, operations * (repeats - 1), 10.0 * operations * (repeats - 1),
        "SELECT book", "SELECT * FROM book WHERE id = ?", "select", "postgresql", (), "a" * 32,
    )  # fmt: skip


def entity(name: str | None, operation: str, samples: int, seconds: float, queries: float, bad: float = 0) -> EntityRow:
    """Kept operations of one member, each of which stands for itself."""
    return EntityRow(
        "shop", operation, "member", name, float(samples), 0.0, bad, samples, samples * seconds, seconds, SCALE,
        ((index_of(seconds), float(samples)),), samples * queries, round(queries), samples * seconds / 2, None, None,
    )  # fmt: skip


def step(number: int, seconds: float, count: int = 100, bad: int = 0, step_s: int = 60) -> StepRow:
    """What all did in the step of that *number*."""
    return StepRow(
        BEGIN_NS + number * step_s * 10**9, "shop", "GET /", "server", count, 0, bad, count * seconds, count * 4.0,
        count * seconds / 2, SCALE, ((index_of(seconds), float(count)),),
    )  # fmt: skip


@dataclass
class Known(Silent):
    """The source; ``asks`` is what it was read for."""

    operations: tuple[Operation, ...] = ()
    members: tuple[EntityRow, ...] = ()
    findings: tuple[FindingRow, ...] = ()
    counters: tuple[CounterRow, ...] = ()
    steps_known: tuple[StepRow, ...] = ()
    window: Window | None = HOUR
    metrics_lost: bool = False
    name: str = "known"
    asks: list[Ask] = field(default_factory=list)

    def read(self, ask: Ask = ALL) -> Tables:
        self.asks.append(ask)
        return Tables(
            histograms=tuple(row for each in self.operations for row in each.histograms()),
            counters=(*self.counters, *(row for each in self.operations for row in each.counters())),
            findings=self.findings,
            window=self.window,
            metrics_lost=self.metrics_lost,
        )

    def steps(self, step_s: int, ask: Ask = ALL) -> Steps:
        return Steps(step_s, self.steps_known)

    def entities(self, ask: Ask = ALL, entity_type: str | None = None, entity_id: str | None = None) -> Entities:
        rows = (row for row in self.members if entity_type in (None, row.entity_type))
        return Entities(tuple(row for row in rows if entity_id in (None, row.entity_id)))
