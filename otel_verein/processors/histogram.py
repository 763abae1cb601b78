"""The exponential histogram of the OpenTelemetry data model, as small as the end of an operation needs it.

Source: opentelemetry-specification, metrics/data-model, ExponentialHistogram. At scale 4 a bucket is 4.4 % wide,
so its middle is at most 2.2 % off; past 160 buckets the scale goes down by one, as in the SDKs.
"""

from __future__ import annotations

import math

_SCALE = 4
_MOST_BUCKETS = 160


class Histogram:
    """Counts of non-negative values; merging two is exact in count, sum, min and max."""

    __slots__ = ("buckets", "count", "maximum", "minimum", "scale", "sum", "zeros")

    def __init__(self) -> None:
        self.scale = _SCALE
        self.count = 0
        self.sum = 0.0
        self.minimum = math.inf
        self.maximum = 0.0
        self.zeros = 0
        self.buckets: dict[int, int] = {}

    def record(self, value: float) -> None:
        """Count *value*; what is not above zero counts as zero."""
        self.count += 1
        if value <= 0:
            self.zeros += 1
            self.minimum = 0.0
            return
        self.sum += value
        self.minimum = min(self.minimum, value)
        self.maximum = max(self.maximum, value)
        index = math.ceil(math.log2(value) * (1 << self.scale)) - 1 if self.scale >= 0 else _coarse(value, self.scale)
        self.buckets[index] = self.buckets.get(index, 0) + 1
        if len(self.buckets) > 1:
            self._shrink()

    def merge(self, other: Histogram) -> None:
        """Add all that *other* counted."""
        while other.scale < self.scale:
            self._downscale()
        shift = other.scale - self.scale
        self.count += other.count
        self.sum += other.sum
        self.zeros += other.zeros
        self.minimum = min(self.minimum, other.minimum)
        self.maximum = max(self.maximum, other.maximum)
        for index, count in other.buckets.items():
            self.buckets[index >> shift] = self.buckets.get(index >> shift, 0) + count
        if self.buckets:
            self._shrink()

    def dense(self) -> tuple[int, list[int]]:
        """Offset and counts, as OTLP carries them; (0, []) when nothing is above zero."""
        if not self.buckets:
            return 0, []
        first, last = min(self.buckets), max(self.buckets)
        return first, [self.buckets.get(index, 0) for index in range(first, last + 1)]

    def _shrink(self) -> None:
        while max(self.buckets) - min(self.buckets) >= _MOST_BUCKETS:
            self._downscale()

    def _downscale(self) -> None:
        halved: dict[int, int] = {}
        for index, count in self.buckets.items():
            halved[index >> 1] = halved.get(index >> 1, 0) + count
        self.buckets = halved
        self.scale -= 1


def _coarse(value: float, scale: int) -> int:
    return (math.ceil(math.log2(value)) - 1) >> -scale
