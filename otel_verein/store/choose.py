"""Which files answer a question: each thing once, from the coarsest files that fit into the window.

Nothing is read here: what the journal says is enough. A rollup stands for the files that it was made from, so either
it is read or they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import chain
from typing import Final, Generic, Protocol, TypeVar

from otel_verein.store.layout import NANOSECONDS, Level, period_end
from otel_verein.store.records import resolved

MINUTE_NS: Final = 60 * NANOSECONDS
"""Points are kept by the minute, so no window of detail is finer."""

BEGINNING_NS: Final = 0
OPEN_END_NS: Final = 1 << 62
"""Where a window without a beginning or an end has them: nothing is earlier or later."""

DETAIL_OF: Final = {"series": ("points", "spans"), "findings": ("findings",), "entities": ("spans",)}
"""The kinds of detail that the rollups of each kind are made from."""


class File(Protocol):
    """What has to be known of a live file; ``period`` in epoch seconds."""

    @property
    def id(self) -> int:
        """Its number in the journal."""

    @property
    def kind(self) -> str:
        """What it holds."""

    @property
    def level(self) -> int:
        """How coarse it is."""

    @property
    def period(self) -> int:
        """When its hour, day or month begins."""


_F = TypeVar("_F", bound=File)


@dataclass(frozen=True, slots=True)
class Bounds:
    """A stretch of time in nanoseconds since the epoch; ``end_ns`` is the first one after it."""

    start_ns: int
    end_ns: int

    def holds(self, other: Bounds) -> bool:
        """Whether *other* is wholly inside."""
        return self.start_ns <= other.start_ns and other.end_ns <= self.end_ns

    def meets(self, other: Bounds) -> bool:
        """Whether they have a moment in common."""
        return self.start_ns < other.end_ns and other.start_ns < self.end_ns

    def with_(self, other: Bounds) -> Bounds:
        """The shortest stretch that holds both."""
        return Bounds(min(self.start_ns, other.start_ns), max(self.end_ns, other.end_ns))


@dataclass(frozen=True, slots=True)
class Choice(Generic[_F]):
    """The files to read, by kind of rollup; rows of detail outside *bounds* are to be left out, None is all time."""

    files: Mapping[str, tuple[_F, ...]]
    bounds: Bounds | None
    notes: tuple[str, ...]


def covered_time(file: File) -> Bounds:
    """The hour, day or month of a file."""
    return Bounds(file.period * NANOSECONDS, period_end(file.period, file.level) * NANOSECONDS)


def roots(
    files: Iterable[_F], coverage: Mapping[int, Collection[int]], replaced: Mapping[int, int], kind: str
) -> tuple[_F, ...]:
    """The live *files* whose sum is everything that a question after rollups of *kind* can be answered from.

    *coverage* holds what each live rollup was made from, *replaced* what took the place of files that are not live.
    """
    return _Tree(files, coverage, replaced, kind).chosen(None)


def choose(
    files: Iterable[_F],
    coverage: Mapping[int, Collection[int]],
    replaced: Mapping[int, int],
    kinds: Collection[str],
    window: Bounds | None = None,
    step_s: int | None = None,
) -> Choice[_F]:
    """The live *files* that answer for *window*, for each of *kinds* as in :func:`roots`.

    With *step_s*, no file of more than so many seconds is chosen where finer ones are left. Where only a rollup is left
    of a period that is partly inside, the bounds grow to hold the whole of it, for all kinds alike, which a note says.
    """
    there = tuple(files)
    trees = {kind: _Tree(there, coverage, replaced, kind, step_s) for kind in kinds}
    bounds = asked = None if window is None else whole_minutes(window)
    while True:
        found = {kind: tree.chosen(bounds) for kind, tree in trees.items()}
        if bounds is None or asked is None:
            return Choice(found, None, ())
        wider = bounds
        for file in chain.from_iterable(found.values()):
            if file.level > Level.DETAIL:
                wider = wider.with_(covered_time(file))
        if wider == bounds:
            return Choice(found, bounds, tuple(_widened(asked, bounds)))
        bounds = wider


class _Tree(Generic[_F]):
    """The live files of one question, each below the rollups that stand for it."""

    def __init__(
        self,
        files: Iterable[_F],
        coverage: Mapping[int, Collection[int]],
        replaced: Mapping[int, int],
        kind: str,
        step_s: int | None = None,
    ) -> None:
        self._step_s = step_s
        detail = DETAIL_OF[kind]
        self._files = {file.id: file for file in files if (file.kind == kind if file.level else file.kind in detail)}
        self._below: dict[int, frozenset[int]] = {}
        self._stale: set[int] = set()
        for file in sorted(self._files.values(), key=_level):
            made_from = coverage.get(file.id, ()) if file.level else ()
            now = frozenset(resolved(each, replaced) for each in made_from)
            self._below[file.id] = now
            if not now.issubset(made_from) or not now.isdisjoint(self._stale):
                self._stale.add(file.id)
        self._covered = frozenset().union(*self._below.values())

    def chosen(self, bounds: Bounds | None) -> tuple[_F, ...]:
        """The files to read, in the order of the journal."""
        found: dict[int, _F] = {}
        waiting = [file for number, file in self._files.items() if number not in self._covered]
        while waiting:
            file = waiting.pop()
            if bounds is not None and not bounds.meets(covered_time(file)):
                continue
            finer = self._finer(file, bounds)
            if finer is None:
                found[file.id] = file
            else:
                waiting.extend(finer)
        return tuple(found[number] for number in sorted(found))

    def _finer(self, file: _F, bounds: Bounds | None) -> list[_F] | None:
        """What to read instead of *file*; None when it is to be read itself.

        One below which something has been made anew since is stale: never read beside that, nor instead of it.
        """
        below = [self._files[number] for number in self._below[file.id] if number in self._files]
        if file.id in self._stale:
            return below
        time = covered_time(file)
        fits = self._step_s is None or (self._step_s * NANOSECONDS) % (time.end_ns - time.start_ns) == 0
        whole = fits and (bounds is None or bounds.holds(time))
        return None if whole or not below or len(below) < len(self._below[file.id]) else below


def _level(file: File) -> int:
    return file.level


def whole_minutes(window: Bounds) -> Bounds:
    """The shortest stretch of whole minutes that holds *window*."""
    start = window.start_ns - window.start_ns % MINUTE_NS
    return Bounds(start, window.end_ns + -window.end_ns % MINUTE_NS)


def _widened(asked: Bounds, bounds: Bounds) -> Iterator[str]:
    if bounds != asked:
        pairs = ((asked.start_ns, bounds.start_ns), (asked.end_ns, bounds.end_ns))
        moved = " or ".join(_moment(before) for before, after in pairs if before != after)
        yield (
            f"of the time around {moved} only coarser figures are kept: "
            f"this is {_moment(bounds.start_ns)} to {_moment(bounds.end_ns)}"
        )


def _moment(ns: int) -> str:
    if not BEGINNING_NS < ns < OPEN_END_NS:
        return "the end" if ns else "the beginning"
    return f"{datetime.fromtimestamp(ns // NANOSECONDS, timezone.utc):%Y-%m-%d %H:%M} UTC"
