"""Rolling up: what is old enough is added up by the hour, hours by the day, days by the month.

A rollup counts only when it is whole on disk, read back, and its sums are those of what it was made from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import duckdb

from otel_verein.config.schema import Config
from otel_verein.store.journal import Journal
from otel_verein.store.layout import Level, Store
from otel_verein.store.records import Change, NewFile
from otel_verein.store.removal import remove
from otel_verein.store.rolling.database import PeriodDatabase, engine
from otel_verein.store.rolling.make import JOB, UnmadeError, made
from otel_verein.store.rolling.plan import RollStep, due


@dataclass(frozen=True, slots=True)
class RollResult:
    """The files that were made, by level, their rows and bytes; ``problems`` are sentences about what could not be.

    ``finished`` is false when it was told to stop before all was done.
    """

    hours: int
    days: int
    months: int
    rows: int
    bytes: int
    problems: tuple[str, ...]
    finished: bool

    def figures(self) -> dict[str, Any]:
        """The figures by their names; of the problems, the number."""
        counted = {name: getattr(self, name) for name in ("hours", "days", "months", "rows", "bytes", "finished")}
        return {**counted, "problems": len(self.problems)}


def roll(store: Store, config: Config, now: float, stop: Callable[[], bool] | None = None) -> RollResult:
    """Make all rollups that are due at *now*, in seconds since the epoch; the caller holds the store's lock.

    *stop* is asked before each period; what was made until then stays. A rollup that cannot be made is a problem of
    the result, and the others are made. Raises StoreError when the disk or the journal does not take one.
    """
    tally, tried = _Tally(), set[tuple[str, int, int]]()
    with Journal.opened(store, create=True) as journal, engine(store, config) as database:
        while True:
            work = due(journal.contents(), config, now)
            steps = [step for step in work.steps if (step.kind, step.level, step.period) not in tried]
            if not steps:
                return tally.result(work.stuck, finished=True)
            for _, group in groupby(steps, key=lambda step: (step.level, step.period)):
                if stop is not None and stop():
                    return tally.result(work.stuck, finished=False)
                period = list(group)
                tried.update((step.kind, step.level, step.period) for step in period)
                _enter(store, journal, database, config, period, tally)


@dataclass(slots=True)
class _Tally:
    files: list[NewFile] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def result(self, stuck: tuple[str, ...], finished: bool) -> RollResult:
        levels = Counter(file.level for file in self.files)
        return RollResult(
            hours=levels[Level.HOUR],
            days=levels[Level.DAY],
            months=levels[Level.MONTH],
            rows=sum(file.rows for file in self.files),
            bytes=sum(file.bytes for file in self.files),
            problems=(*self.problems, *stuck),
            finished=finished,
        )


def _enter(
    store: Store,
    journal: Journal,
    database: duckdb.DuckDBPyConnection,
    config: Config,
    steps: Sequence[RollStep],
    tally: _Tally,
) -> None:
    """Make the files of one period, which count together from then on."""
    done: list[tuple[RollStep, NewFile]] = []
    with PeriodDatabase.opened(store, database) as period:
        for step in steps:
            try:
                done.append((step, made(store, step, period, config.store)))
            except UnmadeError as fault:
                tally.problems.append(str(fault))
    if not done:
        return
    gone = {file.id: (place, file.path) for place, (step, _) in enumerate(done) for file in step.replaces}
    journal.commit(
        Change(
            JOB,
            add=[file for _, file in done],
            replaced={number: place for number, (place, _) in gone.items()},
            covers={place: frozenset(file.id for file in step.inputs) for place, (step, _) in enumerate(done)},
        )
    )
    for _, path in gone.values():
        remove(store, path)
    tally.files.extend(file for _, file in done)
