"""Which rollups are to be made, and from which files: decided from what the journal says, without reading a file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from otel_verein.config.schema import Config
from otel_verein.store.choose import DETAIL_OF
from otel_verein.store.layout import HOUR_S, Level, period_end, period_of
from otel_verein.store.measuring import Measuring, hours_of, told_by
from otel_verein.store.records import Contents, StoredFile, resolved

NEW = "not rolled up yet"
LATE = "more came after it was rolled up"
REMADE = "a part of it was made again"
SIBLING = "more came after its inputs had gone"


@dataclass(frozen=True, slots=True)
class RollStep:
    """One rollup to make of ``inputs``; it takes the place of the live files ``replaces``.

    Live files that are no inputs show what is known already: ``beside`` is detail of the same hour, whose spans and
    findings are not counted again; ``known`` are points and series of all hours in which something of the inputs
    began or ended, whose services are not estimated.
    """

    kind: str
    level: int
    period: int
    inputs: tuple[StoredFile, ...]
    replaces: tuple[StoredFile, ...]
    beside: tuple[StoredFile, ...]
    known: tuple[StoredFile, ...]
    reason: str

    def of(self, kind: str) -> tuple[StoredFile, ...]:
        """The inputs of one kind."""
        return tuple(file for file in self.inputs if file.kind == kind)


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done now, the finest first; ``stuck`` are sentences about what cannot be put right."""

    steps: tuple[RollStep, ...]
    stuck: tuple[str, ...]


def due(contents: Contents, config: Config, now: float) -> Due:
    """The rollups to make, as of *now* in seconds since the epoch.

    An hour waits for the metrics of the operations that began in it. A day waits for its hours, and a month for its
    days: ask again when the steps given are done.
    """
    known = _Known(contents)
    newest_end = now - config.retention.aggregate_after_h * HOUR_S
    steps: list[RollStep] = []
    stuck: list[str] = []
    for level in (Level.HOUR, Level.DAY, Level.MONTH):
        waiting = {(step.kind, period_of(step.period, level)) for step in steps}
        for kind in DETAIL_OF:
            for period, inputs in sorted(known.inputs(kind, level).items()):
                if (kind, period) in waiting or max(period_end(period, level), *map(_end, inputs)) > newest_end:
                    continue
                step = known.step(kind, level, period, inputs, stuck)
                if step is not None:
                    steps.append(step)
    return Due(tuple(sorted(steps, key=lambda step: (step.level, step.period, step.kind))), tuple(stuck))


def _end(file: StoredFile) -> int:
    return told_by(file) if file.kind == "spans" else file.period


class _Known:
    """The live files by kind, level and period, and what each stands for now."""

    def __init__(self, contents: Contents) -> None:
        self._measuring = Measuring(contents)
        self._live = {file.id: file for file in contents.files}
        self._replaced = contents.replaced
        self._coverage = contents.coverage
        self._by_place: dict[tuple[str, int, int], list[StoredFile]] = defaultdict(list)
        for file in contents.files:
            self._by_place[file.kind, file.level, file.period].append(file)

    def inputs(self, kind: str, level: int) -> dict[int, list[StoredFile]]:
        """The live files one level below, by the period of *level* that they belong to."""
        kinds = DETAIL_OF[kind] if level == Level.HOUR else (kind,)
        found: dict[int, list[StoredFile]] = defaultdict(list)
        for (of, fineness, period), files in self._by_place.items():
            if of in kinds and fineness == level - 1:
                found[period_of(period, level)].extend(files)
        return found

    def step(self, kind: str, level: int, period: int, inputs: list[StoredFile], stuck: list[str]) -> RollStep | None:
        """What to do about one period; None when all of its *inputs* are in its rollups."""
        made = self._by_place.get((kind, level, period), [])
        now = {
            file.id: frozenset(resolved(each, self._replaced) for each in self._coverage.get(file.id, ()))
            for file in made
        }
        stale = [file for file in made if now[file.id] != self._coverage.get(file.id, frozenset())]
        lost = [file for file in stale if not now[file.id] <= self._live.keys()]
        if lost:
            stuck.append(
                f"{lost[0].path}: a part of it was made again, but other parts are gone, so it cannot be; "
                "see `otel-verein store verify`"
            )
            return None
        covered = frozenset().union(*now.values())
        fresh = [file for file in inputs if file.id not in covered]
        if not fresh and not stale:
            return None
        again = [file for file in made if now[file.id] <= self._live.keys()]
        wanted = {file.id for file in fresh}.union(*(now[file.id] for file in again))
        taken = tuple(self._live[number] for number in sorted(wanted))
        reason = NEW if not made else SIBLING if not again else LATE if fresh else REMADE
        whole = level != Level.HOUR or (bool(made) and len(again) == len(made))
        beside = () if whole else tuple(self._beside(kind, period, wanted))
        estimated = [file for file in taken if file.kind == "spans" and kind == "series"]
        own = wanted.union(file.id for file in again)
        known = tuple(file for file in self._measuring.files(hours_of(estimated)) if file.id not in own)
        return RollStep(kind, int(level), period, taken, tuple(again), beside, known, reason)

    def _beside(self, kind: str, period: int, wanted: set[int]) -> Iterator[StoredFile]:
        for detail in sorted({"spans", "findings"}.intersection(DETAIL_OF[kind])):
            yield from (file for file in self._by_place.get((detail, 0, period), ()) if file.id not in wanted)
