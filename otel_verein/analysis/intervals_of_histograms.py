"""What a histogram says of mean and percentiles, and how sure that is."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate

from otel_verein.analysis.histogram import COARSEST_SCALE, Z95, Distribution, middle
from otel_verein.analysis.intervals_of_differences import Interval, Moments, chance_of


def moments(values: Distribution) -> Moments | None:
    """The exact mean, and the variance by the middles of the buckets; None where they are too coarse, or without a sum.

    A bucket is at most 9 % wide, so the standard error is within 5 %. Where all values are the same, there is none.
    Of sampled values, *n* is what they are worth: the effective sample size of the distribution.
    """
    mean, n = values.mean, values.effective
    if mean is None or n <= 0 or (values.scale < COARSEST_SCALE and values.buckets):
        return None
    if n <= 1 or values.alike:
        return Moments(n, mean, 0.0)
    middles = [(middle(index, values.scale), amount) for index, amount in values.buckets]
    zeros = values.count - sum(amount for _, amount in values.buckets)
    center = math.fsum(value * amount for value, amount in middles) / values.count
    squares = math.fsum(amount * (value - center) ** 2 for value, amount in middles) + zeros * center**2
    return Moments(n, mean, squares / values.count * n / (n - 1))


@dataclass(frozen=True, slots=True)
class Ranks:
    """The values of a histogram by their rank, as bounds: a value lies somewhere in its bucket."""

    values: Distribution
    n: float
    below: tuple[float, ...]

    @classmethod
    def of(cls, values: Distribution) -> Ranks | None:
        """None when the buckets are too coarse for percentiles, or nothing was counted."""
        if values.count <= 0 or values.scale < COARSEST_SCALE:
            return None
        zeros = values.count - sum(amount for _, amount in values.buckets)
        return cls(values, values.effective, tuple(accumulate((amount for _, amount in values.buckets), initial=zeros)))

    @property
    def half(self) -> float:
        """Half the width of a bucket, as a logarithm; nothing when all values are the same, and known."""
        return 0.0 if self.values.alike else math.log(2) / 2**self.values.scale / 2

    def interval(self, part: float, z: float = Z95) -> Interval:
        """The interval of the percentile *part*, by order statistics; Conover, Practical Nonparametric Statistics, 3.2.

        The ranks come from the normal limit of the binomial; the bounds are those of their buckets, so that what the
        histogram does not tell is inside. Infinite where so few values cannot bound it.
        """
        reach = z * math.sqrt(part * (1 - part) / self.n)
        low, high = part - reach, part + reach + 1 / self.n
        return Interval(
            0.0 if low <= 0 else self._bound(low, 0),
            math.inf if high >= 1 else self._bound(high, 1),
        )

    def _bound(self, part: float, upper: int) -> float:
        rank = max(1, math.ceil(part * self.values.count))
        place = bisect_left(self.below, rank)
        if place == 0:
            return 0.0
        return self.values.clamped(float(2 ** ((self.values.buckets[place - 1][0] + upper) / 2**self.values.scale)))


def ratio_of_percentiles(before: Ranks, after: Ranks, part: float, z: float = Z95) -> Interval | None:
    """The interval of after / before of one percentile, from the intervals of both.

    Zou and Donner, Stat. Med. 27 (2008) 1693, on logarithms. What chance does to both sides is joined so; what buckets
    do not tell is no chance, and is added. None where a percentile is 0.
    """
    first, second = before.values.percentile(part), after.values.percentile(part)
    if not first or not second:
        return None
    one, two = before.interval(part, z), after.interval(part, z)
    ratio = math.log(second / first)
    half, other = before.half, after.half
    low = -math.hypot(_log(second, two.low, other), _log(one.high, first, half)) - half - other
    high = math.hypot(_log(two.high, second, other), _log(first, one.low, half)) + half + other
    return Interval(math.exp(ratio + low), math.inf if math.isinf(high) else math.exp(ratio + high))


def chance_of_percentiles(before: Ranks, after: Ranks, part: float, bound: float) -> float:
    """The probability, to one side, that chance alone puts the ratio beyond *bound*."""

    def still(z: float) -> bool:
        found = ratio_of_percentiles(before, after, part, z)
        return found is not None and (found.low > bound if bound >= 1 else found.high < bound)

    return chance_of(still)


def _log(more: float, less: float, half: float) -> float:
    """How much *more* is above *less*, as a logarithm and beyond half a bucket; infinite when that is 0."""
    if less <= 0 or math.isinf(more):
        return math.inf
    return max(0.0, math.log(more / less) - half)
