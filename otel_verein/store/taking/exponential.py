"""The buckets of exponential histograms: coarser, added, subtracted.

Index *i* at scale *s* covers (base^i, base^(i+1)] with base = 2^(2^-s); one scale coarser, it is in bucket ``i >> 1``.
https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LOWEST_SCALE = -10
HIGHEST_SCALE = 20
MOST_BUCKETS = 1024
"""Of a sum. From a millisecond to ten seconds it keeps scale 6: the middle of a bucket is within 0.55 % of its ends."""
_MOST_GIVEN = 16_384
"""Of a point: far more than any SDK has; what asks for more asks for memory."""
_OCTAVES = 64
"""Values are between 2^-64 and 2^64: no time in seconds and no number of queries is smaller or larger."""


@dataclass(frozen=True, slots=True)
class Exponential:
    """Counts from index ``first`` on, at ``scale``; ``zeros`` counts the values that are 0."""

    scale: int
    zeros: int
    first: int
    counts: tuple[int, ...]

    def at(self, scale: int) -> Exponential:
        """The same at a *scale* that is not finer."""
        shift = self.scale - scale
        if shift <= 0:
            return self
        if not self.counts:
            return Exponential(scale, self.zeros, self.first, self.counts)
        first = self.first >> shift
        counts = [0] * (((self.first + len(self.counts) - 1) >> shift) - first + 1)
        for place, count in enumerate(self.counts):
            counts[((self.first + place) >> shift) - first] += count
        return Exponential(scale, self.zeros, first, tuple(counts))

    def plus(self, other: Exponential) -> Exponential:
        """Both together, at the coarser scale of them, or at one so coarse that they have at most MOST_BUCKETS."""
        return self._with(other, 1)

    def minus(self, other: Exponential) -> Exponential | None:
        """What came since *other* was measured; None if *other* has more of something."""
        left = self._with(other, -1)
        return left if left.zeros >= 0 and min(left.counts, default=0) >= 0 else None

    def _with(self, other: Exponential, sign: int) -> Exponential:
        scale = min(self.scale, other.scale)
        if self.counts and other.counts:
            scale = _common_scale(self.scale, self.first, len(self.counts), other)
        one, two = self.at(scale), other.at(scale)
        zeros = one.zeros + sign * two.zeros
        if not two.counts:
            return Exponential(scale, zeros, one.first, one.counts)
        if not one.counts:
            return Exponential(scale, zeros, two.first, tuple(sign * count for count in two.counts))
        first = min(one.first, two.first)
        counts = [0] * (max(one.first + len(one.counts), two.first + len(two.counts)) - first)
        counts[one.first - first : one.first - first + len(one.counts)] = one.counts
        for place, count in enumerate(two.counts, two.first - first):
            counts[place] += sign * count
        return Exponential(scale, zeros, first, tuple(counts))

    def trimmed(self) -> Exponential:
        """Without empty buckets at either end."""
        filled = [place for place, count in enumerate(self.counts) if count]
        if not filled:
            return Exponential(self.scale, self.zeros, 0, ())
        return Exponential(self.scale, self.zeros, self.first + filled[0], self.counts[filled[0] : filled[-1] + 1])

    @property
    def bounds(self) -> tuple[float, float]:
        """Below and above all values: 0 is the lower one where there are zeros."""
        if not self.counts:
            return 0.0, 0.0
        least = 0.0 if self.zeros else _power(self.first, self.scale)
        return least, _power(self.first + len(self.counts), self.scale)


class Sum:
    """Histograms added up in place."""

    def __init__(self, first: Exponential) -> None:
        self._scale, self._zeros, self._first = first.scale, first.zeros, first.first
        self._counts = list(first.counts)

    def add(self, other: Exponential) -> None:
        """Add *other*; the sum is at the coarser scale, or at one so coarse that it has at most MOST_BUCKETS."""
        self._zeros += other.zeros
        if not other.counts:
            return
        if not self._counts:
            self._scale, self._first, self._counts = other.scale, other.first, list(other.counts)
            return
        scale = _common_scale(self._scale, self._first, len(self._counts), other)
        if scale < self._scale:
            coarser = self.whole().at(scale)
            self._scale, self._first, self._counts = scale, coarser.first, list(coarser.counts)
        self._add_at_scale(other, other.scale - scale)

    def _add_at_scale(self, other: Exponential, shift: int) -> None:
        counts, first = self._counts, other.first
        low, high = first >> shift, (first + len(other.counts) - 1) >> shift
        if low < self._first:
            counts[:0] = [0] * (self._first - low)
            self._first = low
        beyond = high - self._first + 1 - len(counts)
        if beyond > 0:
            counts += [0] * beyond
        for index, count in enumerate(other.counts, first):
            if count:
                counts[(index >> shift) - self._first] += count

    def whole(self) -> Exponential:
        """What it is by now."""
        return Exponential(self._scale, self._zeros, self._first, tuple(self._counts))


def is_possible(scale: int, first: int, counts: Sequence[int], zeros: int, count: int) -> bool:
    """Whether these can be the buckets of *count* values."""
    return (
        LOWEST_SCALE <= scale <= HIGHEST_SCALE
        and len(counts) <= _MOST_GIVEN
        and _index(-_OCTAVES, scale) <= first <= -_index(-_OCTAVES, scale) - len(counts)
        and zeros >= 0
        and min(counts, default=0) >= 0
        and zeros + sum(counts) == count
        and count < 1 << 53  # sums of more are not exact as doubles
    )


def _common_scale(scale: int, first: int, length: int, other: Exponential) -> int:
    """The coarser one of the two scales, or one so coarse that both have few enough buckets together."""
    common = min(scale, other.scale)
    low = min(first >> (scale - common), other.first >> (other.scale - common))
    high = max(
        (first + length - 1) >> (scale - common),
        (other.first + len(other.counts) - 1) >> (other.scale - common),
    )
    while high - low >= MOST_BUCKETS:
        low, high, common = low >> 1, high >> 1, common - 1
    return common


def _index(octave: int, scale: int) -> int:
    """The index at *scale* of the bucket that begins at 2^octave, or that has it in the middle."""
    return octave << scale if scale >= 0 else octave >> -scale


def _power(index: int, scale: int) -> float:
    try:
        return float(2.0 ** (index / 2.0**scale))
    except OverflowError:
        return float("inf")
