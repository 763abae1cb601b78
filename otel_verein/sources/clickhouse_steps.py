"""Steps of operations from what metrics say of each step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from otel_verein import semconv
from otel_verein.sources.clickhouse_points import MEASURED
from otel_verein.sources.rows import StepRow
from otel_verein.store.rolling.sql import ANY_BREACH


@dataclass(slots=True)
class Measured:
    """Answers of :mod:`clickhouse_points` by step."""

    histograms: Sequence[Sequence[Any]]
    breaches: Sequence[Sequence[Any]] = ()


@dataclass(slots=True)
class _Step:
    count: int = 0
    errors: int = 0
    bad: float = 0.0
    sums: dict[str, list[float | None]] = field(default_factory=lambda: defaultdict(list))
    buckets: list[tuple[int, Sequence[tuple[int, int]]]] = field(default_factory=list)


def measured_steps(found: Measured, step_s: int) -> Iterator[StepRow]:
    """One row for each step, service, operation and kind; where scales differ, in the coarsest of them."""
    steps: dict[tuple[Any, ...], _Step] = defaultdict(_Step)
    for number, metric, service, operation, kind, status, scale, count, total, _, _, places, _, _ in found.histograms:
        step = steps[number, service, operation, kind]
        step.sums[metric].append(total)
        if metric == semconv.METRIC_DURATION:
            step.count += int(count)
            step.errors += int(count) if status == "error" else 0
            step.buckets.append((scale, places))
    for number, _, service, operation, kind, detail, value in found.breaches:
        if detail == ANY_BREACH and (number, service, operation, kind) in steps:
            steps[number, service, operation, kind].bad += value
    for (number, *series), step in steps.items():
        if step.count:
            scale, buckets = _together(step.buckets)
            took, queries, db_s = (_sum(step.sums[metric]) for metric in MEASURED)
            at_ns = number * step_s * 1_000_000_000
            counts = (float(step.count), float(step.errors), step.bad)
            yield StepRow(*(at_ns, *series, *counts, took, queries, db_s, scale, buckets))


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None


def _together(
    parts: Sequence[tuple[int, Sequence[tuple[int, int]]]],
) -> tuple[int, tuple[tuple[int, float], ...]]:
    coarsest = min(scale for scale, _ in parts)
    whole: dict[int, float] = defaultdict(float)
    for scale, places in parts:
        for index, amount in places:
            whole[index >> scale - coarsest] += amount
    return coarsest, tuple(sorted((index, amount) for index, amount in whole.items() if amount > 0))
