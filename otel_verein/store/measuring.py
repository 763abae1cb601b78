"""Which files tell whether a service is measured in an hour, so that its spans there are no estimate.

An operation is on the metrics of the hour in which it ends, or in which they next leave the process. Where a service
begins to be measured while an operation runs, that hour is a later one than the hour of its span: both are asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Final

from otel_verein.store.layout import HOUR_S, NANOSECONDS, Level, period_of
from otel_verein.store.records import Contents, StoredFile, resolved

TOLD_S: Final = 300
"""How long after its end an operation may come to be on the metrics of its service."""


def hours_of(spans: Iterable[StoredFile]) -> frozenset[int]:
    """The hours, as epoch seconds, in which it matters whether the services of these files are measured."""
    found: set[int] = set()
    for file in spans:
        found.update(range(file.period, told_by(file) + 1, HOUR_S))
    return frozenset(found)


def told_by(spans: StoredFile) -> int:
    """The epoch second by which the last operation of the file is on the metrics, if it is on any."""
    return max(spans.period, spans.last_ns // NANOSECONDS + TOLD_S)


class Measuring:
    """Looks up files in what a journal says at one moment."""

    def __init__(self, contents: Contents) -> None:
        self._live = {file.id for file in contents.files}
        self._coverage = contents.coverage
        self._replaced = contents.replaced
        self._by_place: dict[tuple[int, int], list[StoredFile]] = defaultdict(list)
        for file in contents.files:
            if file.kind == "series" or file.kind == "points":
                self._by_place[file.level, file.period].append(file)

    def files(self, hours: Collection[int]) -> tuple[StoredFile, ...]:
        """The points and series that know of *hours* what is known at all; coarse ones only where finer are gone.

        A day does not tell one hour from another, so what it says is taken to be so all day long.
        """
        found: dict[int, StoredFile] = {}
        for hour in hours:
            rolled = self._by_place.get((Level.HOUR, hour), [])
            in_series = frozenset().union(*(self._coverage.get(file.id, frozenset()) for file in rolled))
            points = (file for file in self._by_place.get((Level.DETAIL, hour), ()) if file.id not in in_series)
            found.update((file.id, file) for file in (*points, *rolled))
        for level in (Level.DAY, Level.MONTH):
            for period in {period_of(hour, level) for hour in hours}:
                coarse = self._by_place.get((level, period), ())
                found.update((file.id, file) for file in coarse if not self._is_in_finer(file))
        return tuple(found[number] for number in sorted(found))

    def _is_in_finer(self, file: StoredFile) -> bool:
        return all(resolved(number, self._replaced) in self._live for number in self._coverage.get(file.id, ()))
