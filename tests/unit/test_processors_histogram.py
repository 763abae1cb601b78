"""The exponential histogram: exact sums, bounded size, and no value that breaks it."""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest

from otel_verein.processors.metrics.histogram import Histogram


def filled(values: list[float]) -> Histogram:
    """A histogram of *values*."""
    histogram = Histogram()
    histogram.record_all(values)
    return histogram


@pytest.mark.parametrize("spread", [1.0, 1e6, 1e12])
def test_exact_in_sums_and_bounded_in_size(spread: float) -> None:
    """Whatever the range, at most 160 buckets hold every value, and merging equals recording."""
    rng = random.Random(1)
    values = [rng.random() * spread ** rng.random() for _ in range(2000)]
    whole, left, right = filled(values), filled(values[::3]), filled(values[1::3] + values[2::3])
    left.merge(right)

    offset, counts = left.dense()
    assert len(counts) <= 160
    assert (2000, 2000, min(values), max(values)) == (left.count, sum(counts), left.minimum, left.maximum)
    assert left.sum == pytest.approx(whole.sum)
    assert whole.dense() == (offset, counts)


def test_values_after_a_wide_range_find_their_buckets() -> None:
    """What is recorded after the scale went down lies in the same buckets as if all had been recorded in one."""
    later = filled([1e-6, 1e6])
    later.record_all([0.5, 3.0, 700.0])
    later.record_counts({3: 2})

    assert filled([1e-6, 1e6, 0.5, 3.0, 700.0, 3.0, 3.0]).dense() == later.dense()


def test_each_value_is_within_its_bucket() -> None:
    """A value above zero lies in (base^i, base^(i+1)], as the data model says; powers of two are the upper bound."""
    for value in (1e-9, 0.001, 0.5, 1, 1.0001, 3, 8, 1000, 1e9):
        index, counts = filled([value]).dense()
        base = 2 ** (1 / 16)
        assert ([1], True) == (counts, base**index * (1 - 1e-12) < value <= base ** (index + 1) * (1 + 1e-12)), value
    assert (16 * 3 - 1, [1]) == filled([8]).dense()


def test_small_whole_numbers_have_buckets_of_their_own() -> None:
    """Query counts up to twenty are told apart, so their percentiles are exact."""
    assert len({filled([number]).dense()[0] for number in range(1, 21)}) == 20


def test_counted_numbers_are_as_recorded_ones() -> None:
    """A number with its count stands for so many values, zeros too."""
    rng = random.Random(2)
    values = [rng.randint(0, 3000) for _ in range(5000)]
    counted = Histogram()
    counted.record_counts(Counter(values))
    recorded = filled([float(value) for value in values])

    assert recorded.dense() == counted.dense()
    for field in ("count", "sum", "zeros", "minimum", "maximum", "scale"):
        assert getattr(recorded, field) == getattr(counted, field), field


@pytest.mark.parametrize("values", [[], [0.0], [0.0, 0.0, -1.0]], ids=["nothing", "a zero", "less than zero"])
def test_what_is_not_above_zero_has_no_bucket(values: list[float]) -> None:
    """It is counted as zero, and the sum stays what it was."""
    histogram = filled(values)

    assert (len(values), len(values), 0, (0, [])) == (
        histogram.count, histogram.zeros, histogram.sum, histogram.dense(),
    )  # fmt: skip


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf], ids=str)
@pytest.mark.parametrize("place", [0, 1])
def test_what_is_not_finite_spoils_nothing(odd: float, place: int) -> None:
    """A value that is no number counts as zero; the sum of the others stays exact."""
    values = [0.25, 0.5]
    values.insert(place, odd)
    histogram = filled(values)

    assert (3, 1, 0.75, 0.0, 0.5) == (
        histogram.count, histogram.zeros, histogram.sum, histogram.minimum, histogram.maximum,
    )  # fmt: skip


def test_smallest_and_largest_float_fit_into_one() -> None:
    """The whole range of floats takes 160 buckets and loses no value."""
    offset, counts = filled([5e-324, 1.0, 1.7e308]).dense()

    assert len(counts) <= 160
    assert (3, 1, 1) == (sum(counts), counts[0], counts[-1])
    assert offset < 0
