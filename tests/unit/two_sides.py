"""Sides of a comparison for tests, made of single values whose truth is known."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from otel_verein import semconv
from otel_verein.analysis.compare_sides import Side, side_of
from otel_verein.analysis.operations import operations
from otel_verein.sources.base import Tables
from otel_verein.sources.rows import CounterRow, FindingRow, HistogramRow

SCALE = 4
"""That of the histograms which the write side emits."""


def histogram(
    metric: str, values: Sequence[float], operation: str = "GET /", status: str = "ok", scale: int = SCALE
) -> HistogramRow:
    """A histogram of *values*."""
    counts = Counter(math.ceil(math.log2(value) * 2**scale) - 1 for value in values if value > 0)
    return HistogramRow(
        metric=metric,
        service="shop",
        operation=operation,
        kind="server",
        status=status,
        scale=scale,
        count=len(values),
        total=math.fsum(values),
        minimum=min(values),
        maximum=max(values),
        buckets=tuple(sorted(counts.items())),
    )


def operation(
    durations: Sequence[float], queries: Sequence[int] | None = None, name: str = "GET /", failed: Sequence[float] = ()
) -> list[HistogramRow]:
    """The histograms of one operation; *failed* are the durations of those that failed."""
    rows = [histogram(semconv.METRIC_DURATION, durations, name)]
    if failed:
        rows.append(histogram(semconv.METRIC_DURATION, failed, name, "error"))
    if queries is not None:
        rows.append(histogram(semconv.METRIC_QUERIES, queries, name))
    return rows


def finding(operations: int, wasted: int, fingerprint: str = "f1", name: str = "GET /", line: int = 42) -> FindingRow:
    """An N+1 of so many operations."""
    return FindingRow(
        service="shop", operation=name, kind="n_plus_one", fingerprint=fingerprint, file="views.py", line=line,
        function="index", events=operations, operations=operations, repeats_sum=wasted + operations, repeats_max=9,
        wasted_queries=wasted, wasted_ms=2.0 * wasted, summary="SELECT author", statement="SELECT ?", verb="select",
        db_system="sqlite", stack=(), trace_id="01",
    )  # fmt: skip


def side(
    *rows: HistogramRow, findings: Iterable[FindingRow] = (), counters: Iterable[CounterRow] = (), lossy: bool = False
) -> Side:
    """One side; *lossy*: its service lost telemetry."""
    tables = Tables(histograms=rows, counters=tuple(counters))
    return side_of(tables, operations(tables), findings, frozenset({"shop"} if lossy else ()), "a side")
