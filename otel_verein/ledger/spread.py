"""How long many calls took, without holding each: count, sum, extremes and buckets exact, the median nearly."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from math import log2

BOUNDS_S = (0.0001, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BOUNDS_NS = tuple(round(bound * 1e9) for bound in BOUNDS_S)
_STEPS = 8  # to a factor of two: the middle of a step is within 4.5 % of all in it


class Spread:
    """The durations of calls that are no longer held one by one."""

    __slots__ = ("_steps", "_under", "count", "max_ns", "min_ns", "total_ns")

    def __init__(self) -> None:
        self.count = 0
        self.total_ns = 0
        self.min_ns = 0
        self.max_ns = 0
        self._under = [0] * len(BOUNDS_S)
        self._steps: dict[int, int] = {}

    def plus(self, durations_ns: Sequence[int]) -> Spread:
        """This one and calls that took so long, as another, so that an interrupt leaves this one as it is."""
        more = Spread()
        more.count, more.total_ns, more.min_ns, more.max_ns = self.count, self.total_ns, self.min_ns, self.max_ns
        more._under, more._steps = self._under.copy(), self._steps.copy()
        more.add(durations_ns)
        return more

    def add(self, durations_ns: Sequence[int]) -> None:
        """Book calls that took so long."""
        ordered = sorted(durations_ns)
        if not ordered:
            return
        self.min_ns = min(self.min_ns, ordered[0]) if self.count else ordered[0]
        self.max_ns = max(self.max_ns, ordered[-1])
        self.count += len(ordered)
        self.total_ns += sum(ordered)
        for index, under in enumerate(_under(ordered)):
            self._under[index] += under
        for duration in ordered:
            step = int(log2(duration) * _STEPS) if duration > 0 else -1
            self._steps[step] = self._steps.get(step, 0) + 1

    def cumulative(self) -> tuple[int, ...]:
        """How many took at most as long as each of :data:`BOUNDS_S`, and how many there are."""
        return (*self._under, self.count)

    def median_ns(self) -> int:
        """A duration within 5 % of the middle one."""
        left = (self.count + 1) // 2
        for step in sorted(self._steps):
            left -= self._steps[step]
            if left <= 0:
                middle = round(2.0 ** ((step + 0.5) / _STEPS)) if step >= 0 else 0
                return min(max(middle, self.min_ns), self.max_ns)
        return self.max_ns


def cumulative(durations_ns: Sequence[int]) -> tuple[int, ...]:
    """:meth:`Spread.cumulative` of calls that are all held."""
    return (*_under(sorted(durations_ns)), len(durations_ns))


def _under(ordered: list[int]) -> list[int]:
    return [bisect_right(ordered, bound) for bound in _BOUNDS_NS]
