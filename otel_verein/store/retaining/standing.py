"""What stands in the way of a file's deletion: whether all that it holds is held by something coarser.

Three rules keep every sum right while files go. Detail goes when all of its hour is rolled up, so that what comes in
late can be compared with what is there. The hours of a day go together, as do the days of a month, so that a rollup
that has to be made anew can be. And a rollup goes after what it was made from, or that would count a second time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from otel_verein.store.layout import Level, period_of
from otel_verein.store.records import Contents, StoredFile, resolved

ROLLED_INTO: Final[Mapping[str, tuple[str, ...]]] = {
    "spans": ("series", "entities"),
    "points": ("series",),
    "findings": ("findings",),
    "others": (),
}
"""By kind of detail, the rollups that have to hold it; metrics of others are not rolled up."""

_NAMES: Final = {Level.DETAIL: "detail", Level.HOUR: "hour", Level.DAY: "day", Level.MONTH: "month"}

Unit = tuple[str, int, int, int]
"""Files that go together: kind, level, period of the next level, and of detail the number of the one file."""


class Standing:
    """The live files and what covers them. Files said to be :meth:`gone` count as deleted from then on."""

    def __init__(self, contents: Contents) -> None:
        self.live = {file.id: file for file in contents.files}
        self._gone: set[int] = set()
        self._replaced = contents.replaced
        self._below = {rollup: inputs for rollup, inputs in contents.coverage.items() if rollup in self.live}
        self._stale = self._made_of_replaced(contents.replaced)
        self._above: dict[int, list[StoredFile]] = {}
        for rollup, inputs in self._below.items():
            for each in inputs:
                self._above.setdefault(each, []).append(self.live[rollup])
        self._waiting = Counter(
            (kind, file.level, above(file))
            for file in self.live.values()
            for kind in rollup_kinds(file)
            if not self._sound(file, kind)
        )

    def _made_of_replaced(self, replaced: Mapping[int, int]) -> set[int]:
        """The rollups that have to be made anew, since something below them was."""
        stale: set[int] = set()
        for rollup in sorted(self._below, key=lambda number: self.live[number].level):
            if any(each in replaced or each in stale for each in self._below[rollup]):
                stale.add(rollup)
        return stale

    def _sound(self, file: StoredFile, kind: str) -> list[StoredFile]:
        return [each for each in self._above.get(file.id, ()) if each.kind == kind and each.id not in self._stale]

    def holders(self, file: StoredFile) -> list[StoredFile]:
        """The rollups that hold what *file* does, in the order of the journal."""
        found = [each for kind in rollup_kinds(file) for each in self._sound(file, kind)]
        return sorted(found, key=lambda each: each.id)

    def made_of(self, rollup: StoredFile) -> frozenset[int]:
        """The numbers of the files that a rollup was made from, whether they are still there or not."""
        return self._below.get(rollup.id, frozenset())

    def gone(self, files: Iterable[StoredFile]) -> None:
        """Take *files* as deleted."""
        self._gone.update(file.id for file in files)

    def obstacle(self, unit: Iterable[StoredFile]) -> str | None:
        """Why these files, which go together, may not go; None when they may."""
        for file in unit:
            reason = self._not_held(file) or self._still_needed(file)
            if reason is not None:
                return reason
        return None

    def _not_held(self, file: StoredFile) -> str | None:
        period = _NAMES[Level(max(file.level + 1, Level.HOUR))] if file.level < Level.MONTH else ""
        for kind in rollup_kinds(file):
            if not self._sound(file, kind):
                stale = any(each.kind == kind for each in self._above.get(file.id, ()))
                state = "have to be made anew first" if stale else "do not hold it yet"
                return f"the {kind} of its {period} {state}"
            if self._waiting[kind, file.level, above(file)]:
                return f"other files of its {period} are not in the {kind} yet"
        return None

    def _still_needed(self, file: StoredFile) -> str | None:
        now = {resolved(each, self._replaced) for each in self.made_of(file)}
        kept = len(now & self.live.keys() - self._gone)
        return f"{kept} finer file(s) that it was made from are still kept" if kept else None


def rollup_kinds(file: StoredFile) -> tuple[str, ...]:
    """The kinds of rollup, one level up, that have to hold *file*; none of months."""
    if file.level == Level.DETAIL:
        return ROLLED_INTO[file.kind]
    return () if file.level == Level.MONTH else (file.kind,)


def above(file: StoredFile) -> int:
    """When the hour, day or month begins that *file* is rolled up into; of a month, itself."""
    return period_of(file.period, min(file.level + 1, Level.MONTH))


def unit_of(file: StoredFile) -> Unit:
    """What *file* goes together with."""
    alone = file.level in (Level.DETAIL, Level.MONTH)
    return (file.kind, file.level, above(file), file.id if alone else 0)
