"""What a store holds, how small it has become, how far it is behind, and what it will do next."""

from __future__ import annotations

import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from otel_verein.config.schema import Config
from otel_verein.store import retention, segments
from otel_verein.store.journal import Journal
from otel_verein.store.layout import HOUR_S, NANOSECONDS, Level, Store, period_end
from otel_verein.store.records import Batch, Contents, Run, StoredFile
from otel_verein.store.retaining.plan import ends_s
from otel_verein.store.retaining.standing import Standing, above, rollup_kinds
from otel_verein.store.rolling.plan import due


@dataclass(frozen=True, slots=True)
class Part:
    """The files of one kind, level and tier; times in nanoseconds since the epoch."""

    kind: str
    level: str
    tier: str
    files: int
    rows: int
    bytes: int
    oldest_ns: int
    newest_ns: int


@dataclass(frozen=True, slots=True)
class Reduction:
    """What became of the telemetry that was taken; None where nothing can be said yet.

    ``share`` is the bytes of the whole store for each byte of JSON that it was taken from, what has expired included.
    ``rolled`` is how many bytes of JSON one byte of the rollups stands for; ``rolled_json_bytes``, how much JSON that
    is, is the share that rollups have of the detail ever made, by its bytes.
    """

    json_bytes: int
    store_bytes: int
    rollup_bytes: int
    rolled_json_bytes: int | None
    share: float | None
    rolled: float | None
    bytes_per_span: float | None


@dataclass(frozen=True, slots=True)
class Lag:
    """What is not in the store yet: segments, their bytes, and since when the oldest waits (epoch seconds)."""

    segments: int
    bytes: int
    oldest_s: float | None


@dataclass(frozen=True, slots=True)
class Next:
    """What is to be done: rollups that are due, files that may go and those that may not, and when there is more.

    Times are in epoch seconds, and None where nothing waits; a time that is past means that it is due now.
    """

    rollups: int
    stuck: tuple[str, ...]
    expiring_files: int
    expiring_bytes: int
    held_files: int
    rollup_s: float | None
    expiry_s: float | None


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes: what the store takes and may take (None: no bound), how much that is too much, what the disk has left."""

    used_bytes: int
    budget_bytes: int | None
    over_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class Status:
    """The answer of :func:`status`, as of ``now_s``; ``newest_ns`` is None in an empty store.

    ``tallies`` are the sums over all that was ever taken, ``aside`` the items set aside by signal and reason,
    ``jobs`` the last run of each job, ``retention`` whether anything is added up and deleted at all.
    """

    root: Path
    now_s: float
    parts: tuple[Part, ...]
    tallies: Mapping[str, float]
    newest_ns: int | None
    reduction: Reduction
    lag: Lag
    jobs: tuple[Run, ...]
    aside: Mapping[tuple[str, str], int]
    next: Next
    disk: Disk
    retention: bool

    @property
    def age_s(self) -> float | None:
        """How old the newest data is."""
        return None if self.newest_ns is None else self.now_s - self.newest_ns / NANOSECONDS

    def as_dict(self) -> dict[str, Any]:
        """The JSON object: every key always present, None for what is not known."""
        return {
            "root": str(self.root),
            "now_s": self.now_s,
            "parts": [asdict(part) for part in self.parts],
            "tallies": dict(self.tallies),
            "newest_ns": self.newest_ns,
            "age_s": self.age_s,
            "reduction": asdict(self.reduction),
            "lag": asdict(self.lag),
            "jobs": [{**asdict(job), "ago_s": self.now_s - job.ended_s} for job in self.jobs],
            "aside": [
                {"signal": signal, "reason": reason, "items": items} for (signal, reason), items in self.aside.items()
            ],
            "next": asdict(self.next),
            "disk": asdict(self.disk),
            "retention": self.retention,
        }


def status(store: Store, config: Config, now: float | None = None, sources: Sequence[Path] = ()) -> Status:
    """How *store* stands at *now* (epoch seconds), with what waits below *sources*; raises StoreError without one."""
    moment = time.time() if now is None else now
    with Journal.opened(store) as journal:
        view = retention.view(store, journal)
        files = journal.files(state=None)
        batches = journal.batches()
        asides = journal.asides()
        jobs = tuple(sorted(journal.runs().values(), key=lambda run: run.job))
        found = segments.find(sources, journal.segments(present=True), moment)
    live = view.contents.files
    plan = retention.plan(view, config, moment)
    taken = _tallies(batches)
    return Status(
        root=store.root,
        now_s=moment,
        parts=tuple(_parts(live)),
        tallies=taken,
        newest_ns=max((file.last_ns for file in live), default=None),
        reduction=_reduction(int(taken.get("bytes", 0)), plan.used_bytes, files, view.contents),
        lag=_lag(found),
        jobs=jobs,
        aside=_aside(asides),
        next=_next(view.contents, config, moment, plan),
        disk=Disk(plan.used_bytes, plan.budget_bytes or None, plan.over_bytes, shutil.disk_usage(store.root).free),
        retention=config.capabilities.retention,
    )


def _parts(files: Iterable[StoredFile]) -> Iterable[Part]:
    groups: dict[tuple[int, str, str], list[StoredFile]] = defaultdict(list)
    for file in files:
        groups[file.level, file.kind, file.tier].append(file)
    for (level, kind, tier), group in sorted(groups.items()):
        yield Part(
            kind=kind,
            level=Level(level).name.lower(),
            tier=tier,
            files=len(group),
            rows=sum(file.rows for file in group),
            bytes=sum(file.bytes for file in group),
            oldest_ns=min(file.first_ns for file in group),
            newest_ns=max(file.last_ns for file in group),
        )


def _tallies(batches: Iterable[Batch]) -> dict[str, float]:
    sums: Counter[str] = Counter()
    for batch in batches:
        sums.update(batch.tallies)
    return dict(sums)


def _aside(asides: Iterable[tuple[int, str, str, int, str | None]]) -> dict[tuple[str, str], int]:
    sums: Counter[tuple[str, str]] = Counter()
    for _, signal, reason, items, _ in asides:
        sums[signal, reason] += items
    return dict(sorted(sums.items()))


def _lag(found: Iterable[segments.Found]) -> Lag:
    waiting = [each for each in found if each.left]
    oldest = min((each.mtime_ns for each in waiting), default=None)
    return Lag(len(waiting), sum(each.left for each in waiting), None if oldest is None else oldest / NANOSECONDS)


def _reduction(json_bytes: int, store_bytes: int, files: Iterable[StoredFile], contents: Contents) -> Reduction:
    rollup_bytes = sum(file.bytes for file in contents.files if file.level > Level.DETAIL)
    spans = [file for file in contents.files if file.level == Level.DETAIL and file.kind == "spans"]
    rows = sum(file.rows for file in spans)
    rolled = _rolled(json_bytes, files, contents)
    return Reduction(
        json_bytes=json_bytes,
        store_bytes=store_bytes,
        rollup_bytes=rollup_bytes,
        rolled_json_bytes=rolled,
        share=store_bytes / json_bytes if json_bytes else None,
        rolled=rolled / rollup_bytes if rolled and rollup_bytes else None,
        bytes_per_span=sum(file.bytes for file in spans) / rows if rows else None,
    )


def _rolled(json_bytes: int, files: Iterable[StoredFile], contents: Contents) -> int | None:
    """The JSON that rollups stand for: as much of it as they have of all detail, by its bytes."""
    covered = frozenset().union(*contents.coverage.values()) if contents.coverage else frozenset()
    detail = [file for file in files if file.level == Level.DETAIL and file.state != "replaced"]
    whole = sum(file.bytes for file in detail)
    if not json_bytes or not whole:
        return None
    return round(json_bytes * sum(file.bytes for file in detail if file.id in covered) / whole)


def _next(contents: Contents, config: Config, now: float, plan: retention.Plan) -> Next:
    standing = Standing(contents)
    steps = due(contents, config, now)
    wait_s = config.retention.aggregate_after_h * HOUR_S
    rollups = [
        period_end(above(file), file.level + 1) + wait_s
        for file in contents.files
        if rollup_kinds(file) and not standing.holders(file)
    ]
    on = config.capabilities.retention
    return Next(
        rollups=len(steps.steps) if on else 0,
        stuck=steps.stuck,
        expiring_files=len(plan.actions),
        expiring_bytes=plan.freed_bytes,
        held_files=len(plan.held),
        rollup_s=min(rollups, default=None) if on else None,
        expiry_s=min((ends_s(file, config) for file in contents.files), default=None) if on else None,
    )
