"""One side of a comparison: what a reading, or a baseline, says of every operation, with what it rests on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from otel_verein import semconv
from otel_verein.analysis.histogram import Distribution
from otel_verein.analysis.operations import OperationKey, OperationStats
from otel_verein.sources.base import Tables
from otel_verein.sources.rows import FindingRow, Window

SHOWN: Final = {"p50": 0.5, "p95": 0.95}
"""The percentiles of a side that are shown."""


@dataclass(frozen=True, slots=True)
class OperationSide:
    """One operation.

    ``queries`` and ``db_duration`` are None where no driver was watched, ``bad`` where broken budgets are not counted.
    """

    key: OperationKey
    count: int
    errors: int
    bad: int | None
    duration: Distribution
    queries: Distribution | None
    db_duration: Distribution | None

    @property
    def estimated(self) -> bool:
        """Whether any of it is an estimate from sampled spans."""
        return self.duration.estimated

    @property
    def n(self) -> float:
        """How many operations the figures rest on: the count, of an estimate its effective sample size."""
        return self.duration.effective

    def as_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "count": self.count,
            "n": self.n,
            "estimated": self.estimated,
            "errors": self.errors,
            "bad": self.bad,
            "queries": _shown(self.queries, Distribution.whole_percentile),
            "duration_s": _shown(self.duration, Distribution.percentile),
            "db_duration_s": _shown(self.db_duration, Distribution.percentile),
        }


def _shown(
    values: Distribution | None, percentile: Callable[[Distribution, float], float | None]
) -> dict[str, float | None] | None:
    if values is None:
        return None
    percentiles = {name: percentile(values, part) for name, part in SHOWN.items()}
    return {"mean": values.mean, **percentiles, "max": values.maximum}


@dataclass(frozen=True, slots=True, order=True)
class FindingKey:
    """What makes two findings the same one: a line that moved does not make another."""

    service: str
    operation: str
    kind: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class FindingSide:
    """One finding, over all its call sites; ``queries_wasted`` is what one query per repetition would have saved."""

    key: FindingKey
    operations: int
    queries_wasted: int
    time_wasted_s: float | None
    repeats_max: int
    summary: str | None
    statement: str | None
    call_site: str | None


@dataclass(frozen=True, slots=True)
class Side:
    """Everything that is compared; ``lossy`` names the services whose figures are not complete."""

    name: str
    window: Window | None
    operations: tuple[OperationSide, ...]
    findings: tuple[FindingSide, ...]
    lossy: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """Operations of all names."""
        return sum(each.count for each in self.operations)


def side_of(
    tables: Tables,
    measured: Sequence[OperationStats],
    events: Iterable[FindingRow],
    lossy: frozenset[str],
    name: str,
) -> Side:
    """What one reading says, called *name*: the operations and finding events in *tables* that were asked for."""
    return Side(
        name=name,
        window=tables.window,
        operations=tuple(_operations(tables, measured)),
        findings=findings_of(events),
        lossy=lossy & {stats.key.service for stats in measured},
        notes=tables.notes,
    )


def findings_of(rows: Iterable[FindingRow]) -> tuple[FindingSide, ...]:
    """The findings, in the order of their keys."""
    groups: dict[FindingKey, list[FindingRow]] = defaultdict(list)
    for row in rows:
        groups[FindingKey(row.service, row.operation, row.kind, row.fingerprint)].append(row)
    return tuple(_finding(key, groups[key]) for key in sorted(groups))


def _finding(key: FindingKey, rows: list[FindingRow]) -> FindingSide:
    worst = max(rows, key=lambda row: (row.wasted_queries, row.repeats_max))
    known = [row.wasted_ms for row in rows if row.wasted_ms is not None]
    return FindingSide(
        key=key,
        operations=sum(row.operations for row in rows),
        queries_wasted=sum(row.wasted_queries for row in rows),
        time_wasted_s=sum(known) / 1000 if len(known) == len(rows) else None,
        repeats_max=max(row.repeats_max for row in rows),
        summary=worst.summary,
        statement=worst.statement,
        call_site=_site(worst),
    )


def _site(row: FindingRow) -> str | None:
    if row.file is None:
        return None
    place = row.file if row.line is None else f"{row.file}:{row.line}"
    return f"{place} in {row.function}" if row.function else place


def _operations(tables: Tables, measured: Sequence[OperationStats]) -> Iterable[OperationSide]:
    counted = {
        (row.service, row.operation, row.kind) for row in tables.counters if row.metric == semconv.METRIC_BREACHES
    }
    for stats in measured:
        key = stats.key
        told = not stats.estimated or (key.service, key.operation, key.kind) in counted
        yield OperationSide(
            key=key,
            count=stats.count,
            errors=stats.errors,
            bad=stats.bad if told else None,
            duration=stats.duration,
            queries=stats.queries,
            db_duration=stats.db_duration,
        )


def by_key(side: Side) -> Mapping[OperationKey, OperationSide]:
    """The operations of a side by what tells them apart."""
    return {each.key: each for each in side.operations}
