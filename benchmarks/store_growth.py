"""A store that grows piece by piece, with known traffic, and what each job on it takes at some of its sizes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from otel_verein.store.journal import Journal
from otel_verein.store.layout import Store
from tests.services.store_load import Load, Traffic
from tests.services.store_truth import Truth

HERE = Path(__file__).parent
CPU = max(os.sched_getaffinity(0))
PIECE_SPANS = 1_000_000
SPANS_PER_OPERATION = 1.98
"""With a ratio of 0.1; the figures rest on what was really written."""
PIECE = Traffic(operations=round(1.02 * PIECE_SPANS / SPANS_PER_OPERATION), seconds=3600)
REPORTS, TRACES = 5, 9
DAY_S = 86_400


class Unsound(Exception):
    """A run did not do the work that was measured; the message says what is missing."""


@dataclass(frozen=True)
class Took:
    """What a job took, and its figures; ``whole_s`` is the life of its process, start and imports included."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    whole_s: float
    figures: dict[str, Any]


@dataclass(frozen=True)
class Sizes:
    """Bytes of the live files."""

    spans: int
    detail: int
    rollups: int
    journal: int
    files: int

    @property
    def store(self) -> int:
        """All of it."""
        return self.detail + self.rollups + self.journal


@dataclass(frozen=True)
class Mark:
    """The store at one size: what was written into it, and what jobs took then."""

    spans: int
    operations: int
    span_bytes: int
    metric_bytes: int
    sizes: Sizes
    ingests: Sequence[Took]
    rollup: Took
    compact: Took
    verify: Took
    reports: Sequence[Took]
    traces_s: Sequence[float]
    first_trace_s: Sequence[float]


def job(store: Store, name: str, now_s: float, *arguments: str) -> Took:
    """Run a job of ``store_job.py`` on one processor."""
    command = [sys.executable, str(HERE / "store_job.py"), str(store.root), name, str(now_s), *arguments]
    if shutil.which("taskset"):
        command = ["taskset", "-c", str(CPU), *command]
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    whole_s = time.perf_counter() - begun
    if done.returncode:
        raise Unsound(f"{name} failed: {done.stderr.strip().splitlines()[-1]}")
    return Took(whole_s=whole_s, **json.loads(done.stdout.splitlines()[-1]))


def sizes(store: Store) -> Sizes:
    """What the live files take."""
    bytes_of: Counter[str] = Counter()
    with Journal.opened(store) as journal:
        live = [file for file in journal.files() if file.state == "live"]
    for file in live:
        bytes_of["rollups" if file.level else "detail"] += file.bytes
        if file.kind == "spans":
            bytes_of["spans"] += file.bytes
    journal_bytes = sum(path.stat().st_size for path in store.root.glob("journal.sqlite*"))
    return Sizes(bytes_of["spans"], bytes_of["detail"], bytes_of["rollups"], journal_bytes, len(live))


class Growth:
    """Pieces of an hour each, taken into *store*; their segments are in *scratch* only as long as needed."""

    def __init__(self, store: Store, scratch: Path, piece: Traffic = PIECE) -> None:
        store.root.mkdir(parents=True)
        self._store = store
        self._scratch = scratch
        self._piece = piece
        self._pieces = 0
        self._ingests: list[Took] = []
        self.truth = Truth()

    @property
    def end_s(self) -> float:
        """Where the time of the pieces has come to."""
        return self._piece.begin_ns / 1e9 + self._pieces * self._piece.seconds

    def up_to(self, spans: int) -> Mark:
        """Grow to *spans*, and measure there."""
        while sum(self.truth.spans.values()) < spans:
            self._grow()
        now_s = self.end_s + 62 * DAY_S
        rollup = job(self._store, "rollup", now_s)
        compacted = job(self._store, "compact", now_s)
        verified = job(self._store, "verify", now_s)
        if verified.figures["problems"]:
            raise Unsound(f"verify names {verified.figures['problems']} problems")
        reports = [job(self._store, "report", now_s) for _ in range(REPORTS)]
        first_s, times_s = self._traces(now_s)
        totals = self.truth.totals
        for each in reports:
            if each.figures["operations"] != totals["operations"]:
                raise Unsound(f"the report has {each.figures['operations']} operations, not {totals['operations']}")
        ingests, self._ingests = self._ingests, []
        return Mark(
            int(totals["spans"]), int(totals["operations"]), self.truth.span_bytes, self.truth.metric_bytes,
            sizes(self._store), ingests, rollup, compacted, verified, reports, times_s, first_s,
        )  # fmt: skip

    def _grow(self) -> None:
        directory = self._scratch / f"piece-{self._pieces}"
        truth = Load(replace(self._piece, piece=self._pieces)).write(directory)
        self._pieces += 1
        taken = job(self._store, "ingest", self.end_s + 60, str(directory))
        shutil.rmtree(directory, ignore_errors=True)
        self._ingests.append(replace(taken, figures={**taken.figures, "written_spans": sum(truth.spans.values())}))
        self.truth.merge(truth)
        print(f"{sum(self.truth.spans.values()):>12,} spans: {taken}", file=sys.stderr, flush=True)

    def _traces(self, now_s: float) -> tuple[list[float], list[float]]:
        """Seconds for a trace, first in its process, and once it is warm; of traces from all over the store."""
        known = self.truth.traces
        chosen = [known[(2 * at + 1) * len(known) // (2 * TRACES)] for at in range(TRACES)]
        first, warm = [], []
        for at in range(3):
            mine = chosen[3 * at : 3 * at + 3]
            taken = job(self._store, "trace", now_s, ",".join(trace_id for trace_id, _ in mine))
            if taken.figures["spans"] != [count for _, count in mine]:
                raise Unsound(f"traces have {taken.figures['spans']} spans, not those of {mine}")
            first.append(taken.figures["times_s"][0])
            warm += taken.figures["times_s"][1:]
        return first, warm
