"""What the store is asked for, and whether what was measured meets it."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from figures import Target
from store_beside import Beside
from store_growth import Mark, Took
from store_speed import Speed

MOST_OF_JSON, LEAST_TO_ONE, MOST_PER_SPAN = 0.05, 1000, 40.0
LEAST_PER_S, MOST_MB = 90_000, 400
MOST_REPORT_S, MOST_TRACE_S, MOST_BESIDE = 0.3, 0.2, 0.10
ENOUGH = 10_000_000


def size_targets(mark: Mark) -> list[Target]:
    """What the issue asks of the sizes."""
    json_bytes, sizes = mark.span_bytes + mark.metric_bytes, mark.sizes
    share, ratio, per_span = sizes.store / json_bytes, json_bytes / sizes.rollups, sizes.spans / mark.spans
    of, of_spans = f"{mark.spans:,} spans", mark.span_bytes / sizes.rollups
    return [
        Target(f"{of}: store at most {MOST_OF_JSON:.0%} of the JSON", f"{share:.2%}", share <= MOST_OF_JSON),
        Target(
            f"{of}: JSON to rollups at least {LEAST_TO_ONE}:1",
            f"{ratio:,.0f}:1 (JSON of spans alone: {of_spans:,.0f}:1)",
            ratio >= LEAST_TO_ONE,
        ),
        Target(
            f"{of}: Parquet of spans at most {MOST_PER_SPAN:.0f} bytes a span",
            f"{per_span:.1f}",
            per_span <= MOST_PER_SPAN,
        ),
    ]


def ingest_targets(parts: Sequence[Speed]) -> list[Target]:
    """What the issue asks of speed; the figure of spans without their metrics is the one that was measured before."""
    alone, both = (statistics.median(part.spans_per_cpu_s) for part in (parts[0], parts[-1]))
    measured = f"{alone:,.0f} (with their metrics: {both:,.0f})"
    return [Target(f"ingest: at least {LEAST_PER_S:,} spans a second and core", measured, alone >= LEAST_PER_S)]


def growth_targets(marks: Sequence[Mark], big: Sequence[Took]) -> list[Target]:
    """What the issue asks of memory and answers at any size."""
    ingests = [took for mark in marks for took in mark.ingests]
    peak_mb = max(took.peak_mib for took in [*ingests, *big]) * 1.048576
    last = marks[-1]
    report_s = statistics.median(took.wall_s for took in last.reports)
    trace_s = statistics.median(last.traces_s)
    return [
        Target(f"ingest: RSS at most {MOST_MB} MB at any size", f"{peak_mb:.0f} MB", peak_mb <= MOST_MB),
        Target(
            f"report over {ENOUGH:,} operations of rollups: under {MOST_REPORT_S} s",
            f"{report_s:.3f} s with {last.operations:,}",
            report_s < MOST_REPORT_S and last.operations >= ENOUGH,
        ),
        Target(
            f"one trace of {ENOUGH:,} spans: under {MOST_TRACE_S} s",
            f"{trace_s:.3f} s of {last.spans:,}",
            trace_s < MOST_TRACE_S and last.spans >= ENOUGH,
        ),
    ]  # fmt: skip


def beside_targets(runs: Sequence[Beside]) -> list[Target]:
    """What the issue asks for beside applications, judged by the worse of the runs."""
    cost = max(run.cost for run in runs)
    return [Target(f"beside applications: under {MOST_BESIDE:.0%}", f"{cost:.1%}", cost < MOST_BESIDE)]
