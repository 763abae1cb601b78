"""Exponential histograms, merged over scales, and the percentiles they give."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from otel_verein.sources.rows import HistogramRow

COARSEST_SCALE = 3
"""Below it half a bucket is wider than the 5 % that a percentile may be wrong by, so there is none."""

Z95 = 1.959964
"""The normal deviate that 95 % of values lie within."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """All measured values of one series: count, sum and extremes exact, the rest by bucket.

    ``total``, ``minimum`` and ``maximum`` are None when a point did not say. Where some of it is ``estimated`` from
    spans and their weights, ``samples`` is how many spans that were, and ``variance`` that of ``count``.
    """

    count: int
    total: float | None
    minimum: float | None
    maximum: float | None
    scale: int
    buckets: tuple[tuple[int, int], ...]
    estimated: bool = False
    samples: int = 0
    variance: float = 0.0

    @property
    def mean(self) -> float | None:
        """The exact mean; of an estimated series the weighted one."""
        return None if self.total is None or not self.count else self.total / self.count

    @property
    def count_error(self) -> float:
        """Half the width of the 95 % interval of ``count``; 0 where all of it was counted."""
        return Z95 * math.sqrt(self.variance)

    @property
    def effective(self) -> float:
        """How many operations seen in full would say as much: Kish's effective sample size; measured, the count.

        That is (sum of w)^2 / sum of w^2 over the weights, whose squares sum up to ``variance + count``.
        """
        return self.count**2 / (self.variance + self.count) if self.count else 0.0

    @property
    def mean_error(self) -> float | None:
        """Half the width of the 95 % interval of the mean, 0 where all of it was counted.

        By the deviation that the buckets show, over the effective sample size; None where they are too coarse.
        """
        if not self.estimated:
            return 0.0
        if self.mean is None or self.scale < COARSEST_SCALE:
            return None
        squares = math.fsum(amount * middle(index, self.scale) ** 2 for index, amount in self.buckets) / self.count
        return Z95 * math.sqrt(max(0.0, squares - self.mean**2) / self.effective)

    def percentile(self, share: float) -> float | None:
        """The value at nearest rank, within 5 %; None when the buckets are too coarse for that."""
        if self.scale < COARSEST_SCALE:
            return None
        index = _bucket_at(self.count, self.buckets, share)
        return self.clamped(0.0 if index is None else middle(index, self.scale))

    def whole_percentile(self, share: float) -> float | None:
        """As :meth:`percentile`, for counts: the whole number of the bucket that is nearest its middle."""
        if self.scale < COARSEST_SCALE:
            return None
        index = _bucket_at(self.count, self.buckets, share)
        if index is None:
            return self.clamped(0.0)
        lower, upper = (2 ** ((index + place) / 2**self.scale) for place in (0, 1))
        # The bounds are rounded, so that a power of two does not miss its own bucket by one ulp.
        least, most = math.floor(round(lower, 6)) + 1, math.floor(round(upper, 6))
        return self.clamped(float(min(max(round(math.sqrt(lower * upper)), least), most)))

    @property
    def alike(self) -> bool:
        """Whether all values are the same, and known."""
        return self.minimum is not None and self.minimum == self.maximum

    def clamped(self, value: float) -> float:
        """*value*, within the extremes that are known."""
        if self.maximum is not None:
            value = min(value, self.maximum)
        return value if self.minimum is None else max(value, self.minimum)


@dataclass(frozen=True, slots=True)
class Spread:
    """Weighted values by bucket, such as the times of sampled calls; what ``count`` has beyond the buckets is zero."""

    count: float
    scale: int
    buckets: tuple[tuple[int, float], ...]

    def percentile(self, share: float) -> float | None:
        """The value at nearest rank, within 5 %; None without values, or when the buckets are too coarse for that."""
        if self.scale < COARSEST_SCALE or self.count <= 0:
            return None
        index = _bucket_at(self.count, self.buckets, share)
        return 0.0 if index is None else middle(index, self.scale)

    def above(self, bound: float) -> tuple[float, float]:
        """How many values are above *bound*, and by how much in sum; each is taken for the middle of its bucket."""
        over = self._over(bound)
        return math.fsum(amount for amount, _ in over), math.fsum(amount * excess for amount, excess in over)

    def squares_above(self, bound: float) -> float:
        """The sum of the squares of what values have beyond *bound*."""
        return math.fsum(amount * excess**2 for amount, excess in self._over(bound))

    def _over(self, bound: float) -> list[tuple[float, float]]:
        middles = ((amount, middle(index, self.scale)) for index, amount in self.buckets)
        return [(amount, value - bound) for amount, value in middles if value > bound]


def spread(count: float, parts: Iterable[tuple[int, Sequence[tuple[int, float]]]]) -> Spread:
    """One spread of *parts*, each a scale and its buckets, at the coarsest scale; *count* is that of all of them."""
    parts = list(parts)
    scale = min((each for each, _ in parts), default=COARSEST_SCALE)
    return Spread(count, scale, _merged(parts, scale))


def merge(rows: Iterable[HistogramRow]) -> Distribution | None:
    """One distribution of all *rows*, at the coarsest of their scales; None when nothing was measured."""
    rows = list(rows)
    if not rows:
        return None
    scale = min(row.scale for row in rows)
    totals = [row.total for row in rows if row.total is not None]
    minima = [row.minimum for row in rows if row.minimum is not None]
    maxima = [row.maximum for row in rows if row.maximum is not None]
    return Distribution(
        count=sum(row.count for row in rows),
        total=math.fsum(totals) if len(totals) == len(rows) else None,
        minimum=min(minima) if len(minima) == len(rows) else None,
        maximum=max(maxima) if len(maxima) == len(rows) else None,
        scale=scale,
        buckets=tuple((index, round(amount)) for index, amount in _merged(_parts(rows), scale)),
        estimated=any(row.estimated for row in rows),
        samples=sum(row.samples for row in rows if row.estimated),
        variance=math.fsum(row.variance for row in rows if row.estimated),
    )


def _parts(rows: Iterable[HistogramRow]) -> list[tuple[int, Sequence[tuple[int, float]]]]:
    return [(row.scale, row.buckets) for row in rows]


def _merged(parts: Iterable[tuple[int, Sequence[tuple[int, float]]]], scale: int) -> tuple[tuple[int, float], ...]:
    merged: defaultdict[int, float] = defaultdict(float)
    for finer, buckets in parts:
        for index, amount in buckets:
            merged[index >> (finer - scale)] += amount
    return tuple(sorted(merged.items()))


def middle(index: int, scale: int) -> float:
    """The geometric middle of a bucket."""
    return float(2 ** ((index + 0.5) / 2**scale))


def _bucket_at(count: float, buckets: Sequence[tuple[int, float]], share: float) -> int | None:
    """The index of the bucket that holds the rank; None for the values that are zero."""
    rank = max(1, math.ceil(share * count))
    below = count - math.fsum(amount for _, amount in buckets)
    if rank <= below:
        return None
    for index, amount in buckets:
        below += amount
        if rank <= below:
            return index
    return buckets[-1][0] if buckets else None  # weights do not add up to a whole number
