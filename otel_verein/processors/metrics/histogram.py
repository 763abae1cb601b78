"""The exponential histogram of the OpenTelemetry data model, as small as the end of an operation needs it.

Source: opentelemetry-specification, metrics/data-model, ExponentialHistogram. At scale 4 a bucket is 4.4 % wide,
so its middle is at most 2.2 % off; past 160 buckets the scale goes down by one, as in the SDKs.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from operator import mul

_SCALE = 4
_MOST_BUCKETS = 160
_BUCKETS_PER_OCTAVE = float(1 << _SCALE)


class Histogram:
    """Counts of non-negative values; merging two is exact in count, sum, min, max and buckets, in any order."""

    __slots__ = ("buckets", "count", "maximum", "minimum", "scale", "sum", "zeros")

    def __init__(self) -> None:
        self.scale = _SCALE
        self.count = 0
        self.sum: float = 0
        self.minimum = math.inf
        self.maximum = 0.0
        self.zeros = 0
        self.buckets: dict[int, int] = {}

    def record(self, value: float) -> None:
        """Count *value*; what is not above zero, or not finite, counts as zero."""
        self.record_all((value,))

    def record_all(self, values: Sequence[float]) -> None:
        """Count each of *values*; what is not above zero, or not finite, counts as zero."""
        total = sum(values)
        if not (values and min(values) > 0 and total < math.inf):  # a NaN among them fails one of the two
            values = self._without_zeros(values)
            if not values:
                return
            total = sum(values)
        self._note(len(values), total, min(values), max(values))
        # Works in C per value; the index at the finest scale, plus one: a bucket holds its upper bound.
        logs = map(_BUCKETS_PER_OCTAVE.__mul__, map(math.log2, values))
        self._fill(Counter(map(math.ceil, logs)))

    def record_counts(self, counts: Mapping[int, int]) -> None:
        """Count each whole number as often as *counts* says; what is below one counts as zero."""
        if not counts:
            return
        if min(counts) < 1:
            self._note_zeros(sum(number for value, number in counts.items() if value < 1))
            counts = {value: number for value, number in counts.items() if value >= 1}
            if not counts:
                return
        self._note(sum(counts.values()), sum(map(mul, counts.keys(), counts.values())), min(counts), max(counts))
        logs = map(_BUCKETS_PER_OCTAVE.__mul__, map(math.log2, counts))
        places: dict[int, int] = {}
        for place, number in zip(map(math.ceil, logs), counts.values(), strict=True):
            places[place] = places.get(place, 0) + number
        self._fill(places)

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
        self._shrink()

    def dense(self) -> tuple[int, list[int]]:
        """Offset and counts, as OTLP carries them; (0, []) when nothing is above zero."""
        if not self.buckets:
            return 0, []
        first = min(self.buckets)
        counts = [0] * (max(self.buckets) - first + 1)
        for index, count in self.buckets.items():
            counts[index - first] = count
        return first, counts

    def _without_zeros(self, values: Sequence[float]) -> Sequence[float]:
        positive = [value for value in values if 0 < value < math.inf]
        if len(positive) < len(values):
            self._note_zeros(len(values) - len(positive))
        return positive

    def _note_zeros(self, number: int) -> None:
        self.count += number
        self.zeros += number
        self.minimum = 0.0

    def _note(self, number: int, total: float, least: float, most: float) -> None:
        self.count += number
        self.sum += total
        self.minimum = min(self.minimum, least)
        self.maximum = max(self.maximum, most)

    def _fill(self, counts: Mapping[int, int]) -> None:
        """Add to the buckets; *counts* is by index at the finest scale, plus one."""
        shift = _SCALE - self.scale
        buckets = self.buckets
        for place, number in counts.items():
            index = (place - 1) >> shift
            buckets[index] = buckets.get(index, 0) + number
        self._shrink()

    def _shrink(self) -> None:
        while len(self.buckets) > 1 and max(self.buckets) - min(self.buckets) >= _MOST_BUCKETS:
            self._downscale()

    def _downscale(self) -> None:
        halved: dict[int, int] = {}
        for index, count in self.buckets.items():
            halved[index >> 1] = halved.get(index >> 1, 0) + count
        self.buckets = halved
        self.scale -= 1
