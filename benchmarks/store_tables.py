"""The tables of what was measured of the store."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from figures import spread
from sections import Row
from store_beside import Beside
from store_growth import Mark, Took
from store_speed import Speed


def per_cpu_second(ingests: Sequence[Took]) -> list[float]:
    """Spans for a second of one processor, by run."""
    return [took.figures["written_spans"] / took.cpu_s for took in ingests]


def size_table(marks: Sequence[Mark]) -> tuple[str, list[Row]]:
    rows: list[Row] = [
        ("spans", "operations", "JSON of spans", "of metrics", "B/span JSON", "B/span Parquet", "store", "of JSON",
         "rollups", "JSON to rollups", "files")
    ]  # fmt: skip
    for mark in marks:
        sizes, json_bytes = mark.sizes, mark.span_bytes + mark.metric_bytes
        rows.append((
            f"{mark.spans:,}",
            f"{mark.operations:,}",
            f"{mark.span_bytes / 1e6:,.0f} MB",
            f"{mark.metric_bytes / 1e6:,.0f} MB",
            f"{mark.span_bytes / mark.spans:.0f}",
            f"{sizes.spans / mark.spans:.1f}",
            f"{sizes.store / 1e6:,.1f} MB",
            f"{sizes.store / json_bytes:.2%}",
            f"{sizes.rollups / 1e6:,.2f} MB",
            f"{json_bytes / sizes.rollups:,.0f}:1",
            str(sizes.files),
        ))  # fmt: skip
    return "Size", rows


def speed_table(marks: Sequence[Mark]) -> tuple[str, list[Row]]:
    rows: list[Row] = [
        ("spans", "ingest, n", "spans per CPU second", "by the clock", "RSS peak", "rollup", "compact", "verify",
         "RSS peak of these")
    ]  # fmt: skip
    for mark in marks:
        rates = per_cpu_second(mark.ingests)
        clock = statistics.median(took.figures["written_spans"] / took.wall_s for took in mark.ingests)
        jobs = (mark.rollup, mark.compact, mark.verify)
        rows.append((
            f"{mark.spans:,}",
            str(len(rates)),
            f"{statistics.median(rates):,.0f} [{min(rates):,.0f}, {max(rates):,.0f}]",
            f"{clock:,.0f}/s",
            f"{max(took.peak_mib for took in mark.ingests):.0f} MiB",
            *(f"{took.wall_s:.1f} s" for took in jobs),
            f"{max(took.peak_mib for took in jobs):.0f} MiB",
        ))  # fmt: skip
    return "Jobs, on one processor; rollup and compaction of what came since the size before", rows


def ingest_table(parts: Sequence[Speed]) -> tuple[str, list[Row]]:
    rows: list[Row] = [
        ("taken", "n", "JSON", "spans per CPU second", "points per CPU second", "MB of JSON per CPU second", "RSS peak")
    ]
    for part in parts:
        rows.append((
            part.what,
            str(len(part.runs)),
            f"{part.json_bytes / 1e6:,.0f} MB",
            _thousands(part.spans_per_cpu_s),
            _thousands(part.points_per_cpu_s),
            str(spread(part.megabytes_per_cpu_s)),
            f"{max(run.peak_mib for run in part.runs):.0f} MiB",
        ))  # fmt: skip
    return "Ingest of one piece into an empty store, on one processor", rows


def _thousands(values: Sequence[float]) -> str:
    found = spread(values)
    return f"{found.median:,.0f} [{found.low:,.0f}, {found.high:,.0f}]" if found.median else "-"


def answer_table(marks: Sequence[Mark]) -> tuple[str, list[Row]]:
    rows: list[Row] = [
        (
            "spans",
            "operations",
            "report, n",
            "report",
            "with the start of Python",
            "trace, n",
            "trace",
            "first in its process",
        )
    ]
    for mark in marks:
        rows.append((
            f"{mark.spans:,}",
            f"{mark.operations:,}",
            str(len(mark.reports)),
            _milliseconds([took.wall_s for took in mark.reports]),
            _milliseconds([took.whole_s for took in mark.reports]),
            f"{len(mark.traces_s)} + {len(mark.first_trace_s)}",
            _milliseconds(mark.traces_s),
            _milliseconds(mark.first_trace_s),
        ))  # fmt: skip
    return "Answers: a report over all hours, rolled up; one trace by its id", rows


def beside_table(runs: Sequence[Beside]) -> tuple[str, list[Row]]:
    rows: list[Row] = [("applications", "rounds", "operations/s without", "with", "cost", "CPU of the watch", "taken")]
    for run in runs:
        rows.append((
            str(run.applications),
            f"{len(run.on)} + {len(run.off)}",
            str(spread(run.off)),
            str(spread(run.on)),
            f"{run.cost:+.1%}",
            f"{run.watch_cpu:.0%} of one",
            f"{run.taken_bytes / 1e6:,.0f} MB",
        ))  # fmt: skip
    return "Beside applications under load", rows


def _milliseconds(seconds: Sequence[float]) -> str:
    return f"{spread([each * 1000 for each in seconds])} ms"
