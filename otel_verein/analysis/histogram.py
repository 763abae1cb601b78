"""Exponential histograms, merged over scales, and the percentiles they give."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from otel_verein.sources.base import HistogramRow

COARSEST_SCALE = 3
"""Below it half a bucket is wider than the 5 % that a percentile may be wrong by, so there is none."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """All measured values of one series: count, sum and extremes exact, the rest by bucket.

    ``total``, ``minimum`` and ``maximum`` are None when a point did not say.
    """

    count: int
    total: float | None
    minimum: float | None
    maximum: float | None
    scale: int
    buckets: tuple[tuple[int, int], ...]

    @property
    def mean(self) -> float | None:
        """The exact mean."""
        return None if self.total is None else self.total / self.count

    def percentile(self, share: float) -> float | None:
        """The value at nearest rank, within 5 %; None when the buckets are too coarse for that."""
        if self.scale < COARSEST_SCALE:
            return None
        index = self._bucket_at(share)
        return self._clamped(0.0 if index is None else 2 ** ((index + 0.5) / 2**self.scale))

    def whole_percentile(self, share: float) -> float | None:
        """As :meth:`percentile`, for counts: the whole number of the bucket that is nearest its middle."""
        if self.scale < COARSEST_SCALE:
            return None
        index = self._bucket_at(share)
        if index is None:
            return self._clamped(0.0)
        lower, upper = (2 ** ((index + place) / 2**self.scale) for place in (0, 1))
        # The bounds are rounded, so that a power of two does not miss its own bucket by one ulp.
        least, most = math.floor(round(lower, 6)) + 1, math.floor(round(upper, 6))
        return self._clamped(float(min(max(round(math.sqrt(lower * upper)), least), most)))

    def _bucket_at(self, share: float) -> int | None:
        """The index of the bucket that holds the rank; None for the values that are zero."""
        rank = max(1, math.ceil(share * self.count))
        below = self.count - sum(amount for _, amount in self.buckets)
        if rank <= below:
            return None
        for index, amount in self.buckets:
            below += amount
            if rank <= below:
                return index
        raise AssertionError("the buckets and zeros add up to the count")

    def _clamped(self, value: float) -> float:
        if self.maximum is not None:
            value = min(value, self.maximum)
        return value if self.minimum is None else max(value, self.minimum)


def merge(rows: Iterable[HistogramRow]) -> Distribution | None:
    """One distribution of all *rows*, at the coarsest of their scales; None when nothing was measured."""
    rows = list(rows)
    if not rows:
        return None
    scale = min(row.scale for row in rows)
    buckets: Counter[int] = Counter()
    for row in rows:
        for index, amount in row.buckets:
            buckets[index >> (row.scale - scale)] += amount
    totals = [row.total for row in rows if row.total is not None]
    minima = [row.minimum for row in rows if row.minimum is not None]
    maxima = [row.maximum for row in rows if row.maximum is not None]
    return Distribution(
        count=sum(row.count for row in rows),
        total=math.fsum(totals) if len(totals) == len(rows) else None,
        minimum=min(minima) if len(minima) == len(rows) else None,
        maximum=max(maxima) if len(maxima) == len(rows) else None,
        scale=scale,
        buckets=tuple(sorted(buckets.items())),
    )
