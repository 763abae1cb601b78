"""Where a series of steps changed its level: pure, robust against outliers, and silent on noise.

The test is that of Pettitt, Appl. Statist. 28 (1979) 126, on ranks, so that no distribution is assumed and an outlier
counts as little as any value beside it; halves are searched again, as in binary segmentation. Steps that follow each
other are alike: the statistic is weakened by the effective number of steps, (1 - r) / (1 + r) with r their correlation
(Bayley and Hammersley, J. R. Stat. Soc. Suppl. 8 (1946) 184). The shift is that of Hodges and Lehmann, Ann. Math.
Statist. 34 (1963) 598, with the interval that the rank sums of Mann and Whitney give it.

What it cannot do: a slow drift is told as a change in its middle, and a rhythm of the week as a change.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

from otel_verein.analysis.histogram import Z95
from otel_verein.analysis.intervals_of_differences import Interval

SIDE: Final = 6
"""Steps that there are on each side of a change at least."""

DAYS: Final = 3
"""Days from which the daily rhythm can be told from a change, and is taken out."""

_DAY_S: Final = 86_400
_NEAR: Final = 250
"""Steps on each side that the shift is taken from, to bound the work."""
_MOST: Final = 6
"""Changes of one series that are looked for."""
_MOST_ALIKE: Final = 0.99


@dataclass(frozen=True, slots=True)
class Level:
    """One change: it came with step number *at* of the series.

    ``before`` and ``after`` are the medians of the stretches up to the changes beside it, of ``steps_before`` and
    ``steps_after`` steps. ``difference`` is the shift with its 95 % interval; where all values are positive,
    ``relative`` (0.1: 10 % more), too. ``chance`` is the probability of such a change in a series without one.
    """

    at: int
    before: float
    after: float
    steps_before: int
    steps_after: int
    difference: float
    interval: Interval
    relative: float | None
    relative_interval: Interval | None
    chance: float


def change_points(values: Sequence[float], chance: float, least: float, seconds: Sequence[int] = ()) -> list[Level]:
    """The changes of a series in the order of time, each less probable than *chance* in one that has none.

    Shifts below *least*, a share of the level before, are left out. With the *seconds* of the epoch at which the steps
    begin, the median of each time of day is taken out first where there are days enough.
    """
    ratio = bool(values) and min(values) > 0
    known = [math.log(value) for value in values] if ratio else list(values)
    steady = _without_rhythm(known, seconds)
    found = sorted(_split(steady, 0, len(steady), chance))
    bounds = [0, *(at for at, _ in found), len(steady)]
    levels = [_level(values, steady, bounds[place : place + 3], at[1], ratio) for place, at in enumerate(found)]
    return [level for level in levels if _is_told(level, least)]


def rhythm_is_known(seconds: Sequence[int]) -> bool:
    """Whether steps that begin at these *seconds* cover days enough to know their rhythm."""
    return bool(seconds) and seconds[-1] - seconds[0] >= DAYS * _DAY_S


def _is_told(level: Level, least: float) -> bool:
    if level.relative is not None:
        return abs(level.relative) > least
    return abs(level.difference) > least * abs(level.before) and level.difference != 0


def _without_rhythm(values: Sequence[float], seconds: Sequence[int]) -> list[float]:
    if not rhythm_is_known(seconds):
        return list(values)
    phases: dict[int, list[float]] = defaultdict(list)
    for value, second in zip(values, seconds, strict=True):
        phases[second % _DAY_S].append(value)
    usual = {phase: median(each) for phase, each in phases.items()}
    return [value - usual[second % _DAY_S] for value, second in zip(values, seconds, strict=True)]


def _split(values: Sequence[float], start: int, end: int, chance: float) -> list[tuple[int, float]]:
    """Places of changes in a stretch, with their probabilities; its halves are held to half the chance."""
    found: list[tuple[int, float]] = []
    waiting = [(start, end, chance)]
    while waiting and len(found) < _MOST:
        low, high, bound = waiting.pop(0)
        best = _pettitt(values[low:high])
        if best is None or best[1] > bound:
            continue
        place = low + best[0]
        found.append((place, best[1]))
        waiting += [(low, place, bound / 2), (place, high, bound / 2)]
    return found


def _pettitt(values: Sequence[float]) -> tuple[int, float] | None:
    """The most likely place of a change in *values*, and the probability of the like without one."""
    n = len(values)
    if n < 2 * SIDE:
        return None
    ranks, total, best, place = _ranks(values), 0.0, -1.0, 0
    for t, rank in enumerate(ranks[:-1], 1):
        total += rank
        if SIDE <= t <= n - SIDE and abs(2 * total - t * (n + 1)) > best:
            best, place = abs(2 * total - t * (n + 1)), t
    worth = _worth(values, place)
    return place, min(1.0, 2 * math.exp(-6 * best**2 * worth / (n**3 + n**2)))


def _ranks(values: Sequence[float]) -> list[float]:
    """The ranks from 1 on; equal values share the mean of theirs."""
    order = sorted(range(len(values)), key=lambda place: values[place])
    ranks, first = [0.0] * len(values), 0
    while first < len(order):
        last = first
        while last + 1 < len(order) and values[order[last + 1]] == values[order[first]]:
            last += 1
        for place in order[first : last + 1]:
            ranks[place] = (first + last) / 2 + 1
        first = last + 1
    return ranks


def _centred(values: Sequence[float]) -> list[float]:
    middle = median(values)
    return [value - middle for value in values]


def _worth(values: Sequence[float], at: int) -> float:
    """What a step is worth: less than one where each is like the one before.

    By ranks, which outliers do not hide it from, and in two ways of which the lower counts: around the levels on both
    sides of *at*, and from one step to the next, which other changes of level hardly touch.
    """
    alike = min(
        _alike(_centred(_ranks([*_centred(values[:at]), *_centred(values[at:])]))),
        1 + 2 * _alike(_centred(_ranks([two - one for one, two in pairwise(values)]))),
    )
    alike = min(_MOST_ALIKE, max(0.0, alike))
    return (1 - alike) / (1 + alike)


def _alike(values: Sequence[float]) -> float:
    """The correlation of values with the ones before them; 0 where nothing varies."""
    squares = math.fsum(value**2 for value in values)
    return math.fsum(one * two for one, two in pairwise(values)) / squares if squares else 0.0


def _level(
    values: Sequence[float], steady: Sequence[float], bounds: Sequence[int], chance: float, ratio: bool
) -> Level:
    low, at, high = bounds
    first, second = steady[max(low, at - _NEAR) : at], steady[at : min(high, at + _NEAR)]
    worth = _worth([*first, *second], len(first))
    shift, interval = _shift(first, second, worth)
    before, after = median(values[low:at]), median(values[at:high])
    if not ratio:
        return Level(at, before, after, at - low, high - at, shift, interval, None, None, chance)
    rate = Interval(math.expm1(interval.low), math.expm1(interval.high))
    plain = Interval(before * rate.low, before * rate.high)
    more = math.expm1(shift)
    return Level(at, before, after, at - low, high - at, before * more, plain, more, rate, chance)


def _shift(before: Sequence[float], after: Sequence[float], worth: float) -> tuple[float, Interval]:
    """By how much *after* is shifted against *before*, with its interval."""
    pairs = sorted(two - one for one in before for two in after)
    n, m = len(before), len(after)
    reach = Z95 * math.sqrt(n * m * (n + m + 1) / 12 / worth)
    low = max(0, math.floor(n * m / 2 - reach))
    return median(pairs), Interval(pairs[low], pairs[-1 - low])
