"""Which small files are to become one. Nothing is read or written here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from otel_verein.store.layout import TIERS, Level, period_end
from otel_verein.store.records import Contents, StoredFile

MOST_ROWS: Final = 2_000_000
"""Rows of a merged file: enough that an hour has few, and so few that they are sorted in little memory."""

_MANY_FILES: Final = 16
"""So many files of an hour that still gets data are left alone; each file costs a reader about 0.2 ms."""


@dataclass(frozen=True, slots=True)
class Group:
    """Files of one kind, level, period and tier that become one.

    Rows that a file of ``longer`` has, too, are left out: that file is kept longer, and whatever covers one covers
    the other.
    """

    files: tuple[StoredFile, ...]
    longer: tuple[StoredFile, ...] = ()

    @property
    def rows(self) -> int:
        """Rows of all its files."""
        return sum(file.rows for file in self.files)


def groups(contents: Contents, now: float, settled_s: float = 0.0, most_rows: int = MOST_ROWS) -> list[Group]:
    """The groups that are due at *now*, in epoch seconds, in the order in which they are to be merged.

    A period that is over, with no new file in it, since *settled_s* seconds gets as few files as *most_rows* allows;
    others only lose what is too much. Rollups are merged once nothing that they were made from is left, or was made
    anew, since then they never are.
    """
    live = {file.id: file for file in contents.files}
    covered_by: dict[int, set[int]] = {}
    for rollup, inputs in contents.coverage.items():
        for each in inputs:
            covered_by.setdefault(each, set()).add(rollup)
    alike: dict[tuple[object, ...], list[StoredFile]] = {}
    for file in contents.files:
        if not any(each in live or each in contents.replaced for each in contents.coverage.get(file.id, ())):
            alike.setdefault(_likeness(file, covered_by, file.tier), []).append(file)
    found = []
    for files in alike.values():
        longer = tuple(
            file
            for tier in TIERS[: TIERS.index(files[0].tier)]
            for file in alike.get(_likeness(files[0], covered_by, tier), ())
        )
        found += [Group(tuple(some), longer) for some in _bins(_due(files, now, settled_s), most_rows)]
    return sorted(found, key=_order)


def _likeness(file: StoredFile, covered_by: dict[int, set[int]], tier: str) -> tuple[object, ...]:
    """Equal for files that may become one; what covers one has to cover the other, or it would count twice."""
    return (file.kind, file.level, file.period, tier, frozenset(covered_by.get(file.id, ())))


def _due(files: list[StoredFile], now: float, settled_s: float) -> list[StoredFile]:
    """Those of *files* that are to be merged, the smallest first."""
    ordered = sorted(files, key=lambda file: (file.rows, file.id))
    over = float(period_end(files[0].period, files[0].level))
    changed = max(over, *(file.created_s for file in files)) if settled_s else over
    if files[0].level > Level.DETAIL or now - changed >= settled_s:
        return ordered
    if len(ordered) <= _MANY_FILES:
        return []
    rows = sum(file.rows for file in ordered)
    while ordered[-1].rows * 2 > rows:  # what has been merged already is not written again for a few rows more
        rows -= ordered.pop().rows
    return ordered


def _bins(files: Iterable[StoredFile], most_rows: int) -> list[list[StoredFile]]:
    """Lists of two or more files with at most *most_rows* rows each; merged, none of them fit together again."""
    bins: list[list[StoredFile]] = []
    rows = most_rows + 1
    for file in files:
        rows += file.rows
        if rows > most_rows:
            bins.append([])
            rows = file.rows
        bins[-1].append(file)
    return [some for some in bins if len(some) > 1]


def _order(group: Group) -> tuple[int, int, str, int, int]:
    """Shorter tiers first: they are compared with the files of longer ones, which must still be there."""
    file = group.files[0]
    return (file.level, file.period, file.kind, -TIERS.index(file.tier), file.id)
