"""A source whose answers are given, and rows to give it."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from otel_verein.sources.base import ALL, Ask, Entities, Roots, Statements, Steps, Tables
from otel_verein.sources.rows import CounterRow, HistogramRow, StatementRow
from otel_verein.store.traces import TraceSpan

SCALE = 6


class Silent:
    """A source without telemetry; tests make of it those that know something."""

    name: str = "here"

    def read(self, ask: Ask = ALL) -> Tables:
        """None."""
        return Tables()

    def statements(self, ask: Ask = ALL) -> Statements:
        """None."""
        return Statements()

    def steps(self, step_s: int, ask: Ask = ALL) -> Steps:
        """None."""
        return Steps(step_s)

    def entities(self, ask: Ask = ALL, entity_type: str | None = None, entity_id: str | None = None) -> Entities:
        """None."""
        return Entities()

    def roots(self, ask: Ask = ALL, most: int = 1000, slowest: bool = False, failed: bool = False) -> Roots:
        """None."""
        return Roots()

    def trace(self, trace_id: str) -> tuple[TraceSpan, ...]:
        """None."""
        return ()

    def state(self) -> Hashable | None:
        """Unknown."""
        return None


@dataclass
class FixedSource(Silent):
    """Answers with what it was made of, and keeps what it was asked for."""

    tables: Tables = field(default_factory=Tables)
    calls: Statements = field(default_factory=Statements)
    asked: list[tuple[str, Ask]] = field(default_factory=list)
    name: str = "here"

    def read(self, ask: Ask = ALL) -> Tables:
        """The tables, whatever is asked."""
        self.asked.append(("read", ask))
        return self.tables

    def statements(self, ask: Ask = ALL) -> Statements:
        """The statements, whatever is asked."""
        self.asked.append(("statements", ask))
        return self.calls


def index_of(value: float) -> int:
    """The bucket that a value is in."""
    return math.ceil(math.log2(value) * 2**SCALE) - 1


def series(
    metric: str,
    values: Sequence[float],
    operation: str = "GET /",
    status: str = "ok",
    weight: int = 1,
    estimated: bool = False,
) -> HistogramRow:
    """The histogram of *values*, each of which stands for *weight* like it."""
    buckets: dict[int, int] = {}
    for value in values:
        if value:
            buckets[index_of(value)] = buckets.get(index_of(value), 0) + weight
    return HistogramRow(
        metric=f"verein.operation.{metric}",
        service="shop",
        operation=operation,
        kind="server",
        status=status,
        scale=SCALE,
        count=len(values) * weight,
        total=math.fsum(values) * weight,
        minimum=min(values),
        maximum=max(values),
        buckets=tuple(sorted(buckets.items())),
        estimated=estimated,
        samples=len(values) if estimated else 0,
        variance=float(len(values) * weight * (weight - 1)) if estimated else 0.0,
    )


def breaches(operation: str = "GET /", **counts: int) -> tuple[CounterRow, ...]:
    """The counters of broken budgets, and of operations with one as ``any``."""
    return tuple(
        CounterRow("verein.operation.breaches", "shop", operation, "server", name, value)
        for name, value in counts.items()
    )


def calls_of(
    times: Mapping[float, int],
    statement: str = "SELECT a FROM t WHERE b = ?",
    *,
    fingerprint: str = "f1",
    operation: str = "GET /",
    weight: float = 1.0,
    rows: float | None = None,
    errors: float = 0.0,
) -> StatementRow:
    """The calls of one statement: how many took each time; each stands for *weight*, and returned *rows*."""
    samples = sum(times.values())
    calls = samples * weight
    return StatementRow(
        service="shop",
        operation=operation,
        fingerprint=fingerprint,
        summary="SELECT t",
        statement=statement,
        db_system="postgresql",
        verb="SELECT",
        calls=calls,
        errors=errors,
        total_s=math.fsum(time * number for time, number in times.items()) * weight,
        max_s=max(times),
        operations=calls,
        samples=samples,
        rows=0.0 if rows is None else rows * calls,
        rows_known=0.0 if rows is None else calls,
        scale=SCALE,
        buckets=tuple(sorted((index_of(time), number * weight) for time, number in times.items())),
        file=None,
        line=None,
        function=None,
        trace_id="aa",
    )
