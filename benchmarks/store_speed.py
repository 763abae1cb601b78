"""How fast one piece of telemetry is taken into an empty store: its spans, its metrics, and both, in turns."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from store_growth import PIECE, Took, Unsound, job

from otel_verein.store.layout import Store
from tests.services.store_load import Load, Traffic

RUNS = 3
DAY_S = 86_400


@dataclass(frozen=True)
class Speed:
    """What was taken, and the runs."""

    what: str
    spans: int
    points: int
    json_bytes: int
    runs: Sequence[Took]

    @property
    def spans_per_cpu_s(self) -> list[float]:
        """Spans for a second of one processor, by run."""
        return [self.spans / run.cpu_s for run in self.runs]

    @property
    def points_per_cpu_s(self) -> list[float]:
        """Points of metrics for a second of one processor, by run."""
        return [self.points / run.cpu_s for run in self.runs]

    @property
    def megabytes_per_cpu_s(self) -> list[float]:
        """Megabytes of JSON for a second of one processor, by run."""
        return [self.json_bytes / 1e6 / run.cpu_s for run in self.runs]


def speeds(scratch: Path, traffic: Traffic = PIECE) -> list[Speed]:
    """Spans alone, metrics alone, and both."""
    directory = scratch / "taken"
    truth = Load(traffic).write(directory)
    spans, points = sum(truth.spans.values()), truth.points
    parts = (
        Speed("spans alone", spans, 0, truth.span_bytes, []),
        Speed("metrics alone", 0, points, truth.metric_bytes, []),
        Speed("both", spans, points, truth.span_bytes + truth.metric_bytes, []),
    )
    sources = (directory / "spans", directory / "metrics", directory)
    found: list[list[Took]] = [[] for _ in parts]
    for _ in range(RUNS):
        for runs, part, source in zip(found, parts, sources, strict=True):
            runs.append(_taken(scratch / "fresh", part, source, traffic))
    shutil.rmtree(directory)
    return [replace(part, runs=runs) for part, runs in zip(parts, found, strict=True)]


def _taken(root: Path, part: Speed, source: Path, traffic: Traffic) -> Took:
    root.mkdir()
    now_s = traffic.begin_ns / 1e9 + traffic.seconds + DAY_S
    took = job(Store(root), "ingest", now_s, str(source), "keep")
    shutil.rmtree(root)
    if (took.figures.get("spans", 0), took.figures.get("points", 0)) != (part.spans, part.points):
        raise Unsound(f"{part.what}: {took.figures} were taken, not {part.spans} spans and {part.points} points")
    return took
