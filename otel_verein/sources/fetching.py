"""Which traces of a backend a question is answered from: all of its time if they are not too many, else the newest.

A backend gives at most so many traces for one question, and which ones is its own choice. So a stretch of time counts
as seen only when it holds fewer than were asked for; one that holds more is split, and its newer part looked at first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Generic, TypeVar

from otel_verein.store.choose import Bounds

SECOND_NS: Final = 1_000_000_000
_HOUR_NS: Final = 3600 * SECOND_NS
DAY_NS: Final = 24 * _HOUR_NS
_LOOKED_BACK: Final = (_HOUR_NS, DAY_NS, 7 * DAY_NS)
HORIZON_DAYS: Final = 366
"""How far is looked back when no beginning is asked for."""

_SMALLEST_PAGE: Final = 20
"""A backend that gives fewer than so many has no more; Tempo gives 20 where nobody asks for more."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a backend may be asked for at once: how many traces, and of how much time."""

    page: int
    stretch_ns: int


@dataclass(frozen=True, slots=True)
class Page(Generic[_T]):
    """The traces that a backend gave for a stretch of time, by id; ``starts_ns`` are when they began.

    ``full``: it gave as many as it was asked for, so there may be more. ``notes`` say what it left out by itself.
    """

    traces: Mapping[str, _T]
    starts_ns: Sequence[int]
    full: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Walked(Generic[_T]):
    """All traces of ``seen``, the newest part of what was asked for; where it is None, some of those of one second.

    ``older``: there are more traces in what was asked for, which are left out.
    """

    traces: Mapping[str, _T]
    seen: Bounds | None
    older: bool = False
    notes: tuple[str, ...] = ()


Look = Callable[[Bounds, int], "Page[_T]"]
"""Asks for at most so many traces that have a span in a stretch of time."""


class _Asking(Generic[_T]):
    """Asks a backend, and finds out whether it has a limit of its own below the one that it is told."""

    def __init__(self, look: Look[_T]) -> None:
        self._look = look
        self._fewest = _SMALLEST_PAGE  # so many have come that there is no limit below
        self._limit: int | None = None

    def __call__(self, stretch: Bounds, limit: int) -> Page[_T]:
        """The page for *stretch*, full when it may lack some."""
        page = self._look(stretch, limit)
        number = len(page.traces)
        if self._limit is None and self._fewest < number and not page.full and not _is_short(stretch):
            if self._is_cut(stretch, limit, page):
                self._limit = number
            else:
                self._fewest = number
        return replace(page, full=page.full or (self._limit is not None and number >= self._limit))

    def _is_cut(self, stretch: Bounds, limit: int, page: Page[_T]) -> bool:
        """Whether the parts of *stretch* hold traces that *page* lacks, other than those that have come meanwhile."""
        parts = [self._look(part, limit).traces for part in _halves(stretch, page.starts_ns)]
        if all(key in page.traces for part in parts for key in part):
            return False
        return len(self._look(stretch, limit).traces) <= len(page.traces)


def walk(look: Look[_T], asked: Bounds, most: int, limits: Limits) -> Walked[_T]:
    """At most *most* traces with a span in *asked*, from its end backwards."""
    ask = _Asking(look)
    traces: dict[str, _T] = {}
    notes: dict[str, None] = {}
    pending = list(stretches(asked, limits.stretch_ns))
    seen_from = asked.end_ns
    while pending:
        stretch = pending.pop()
        left = most - len(traces)
        if left <= 0:
            older = _has_any(look, (*pending, stretch))
            return Walked(traces, Bounds(seen_from, asked.end_ns), older, tuple(notes))
        got = _page_of(ask, stretch, min(limits.page, left + 1), left + 1)
        new = {key: trace for key, trace in got.traces.items() if key not in traces}
        if not got.full and len(new) <= left:
            traces.update(new)
            notes.update(dict.fromkeys(got.notes))
            seen_from = stretch.start_ns
        elif not _is_short(stretch):
            pending += split(stretch, got.starts_ns)
        elif traces:
            return Walked(traces, Bounds(seen_from, asked.end_ns), True, tuple(notes))
        else:
            return Walked(dict(list(new.items())[:left]), None, True, tuple(notes))
    return Walked(traces, Bounds(seen_from, asked.end_ns), False, tuple(notes))


def _page_of(ask: Look[_T], stretch: Bounds, limit: int, most: int) -> Page[_T]:
    """The traces of *stretch*; those of a single second are asked for in ever larger answers, as it is not split."""
    got = ask(stretch, limit)
    while _is_short(stretch) and got.full and limit < most:
        limit = min(limit * 4, most)
        got = ask(stretch, limit)
    return got


def _halves(stretch: Bounds, starts_ns: Sequence[int]) -> tuple[Bounds, Bounds]:
    """*stretch* in two at a whole second, each with half of the traces, as far as seconds tell them apart."""
    inside = sorted(each for each in starts_ns if stretch.start_ns <= each < stretch.end_ns)
    at = inside[len(inside) // 2] // SECOND_NS * SECOND_NS if inside else stretch.start_ns
    if at <= stretch.start_ns:
        at = (stretch.start_ns // SECOND_NS + 1) * SECOND_NS
    return Bounds(stretch.start_ns, at), Bounds(at, stretch.end_ns)


def _is_short(stretch: Bounds) -> bool:
    return stretch.end_ns - stretch.start_ns <= SECOND_NS


def _has_any(look: Look[_T], stretches_left: Sequence[Bounds]) -> bool:
    """Whether any of these holds a trace; the newest first."""
    return any(look(each, 1).traces for each in reversed(stretches_left))


def stretches(asked: Bounds, longest_ns: int) -> Iterator[Bounds]:
    """*asked* in parts that are the longer the older they are, the oldest first."""
    ends = []
    end = asked.end_ns
    lengths = iter(_LOOKED_BACK)
    while end > asked.start_ns:
        start = max(asked.start_ns, end - min(longest_ns, next(lengths, longest_ns)))
        ends.append(Bounds(start, end))
        end = start
    return reversed(ends)


def split(stretch: Bounds, starts_ns: Sequence[int]) -> tuple[Bounds, Bounds]:
    """*stretch*, longer than a second, in two at a whole second, the older part first; the newer is no longer.

    *starts_ns* are when traces began. Of a backend that gives its newest ones first they tell how long a part may be
    so that one answer holds all of it.
    """
    inside = sorted(each for each in starts_ns if stretch.start_ns <= each < stretch.end_ns)
    at = (stretch.start_ns + stretch.end_ns + SECOND_NS) // 2 // SECOND_NS * SECOND_NS
    if inside:
        at = max(at, inside[len(inside) // 10] // SECOND_NS * SECOND_NS)
    return Bounds(stretch.start_ns, at), Bounds(at, stretch.end_ns)
