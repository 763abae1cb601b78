"""Histograms: percentiles against the exact values they were made of."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from otel_verein.analysis.histogram import Distribution, merge, spread
from otel_verein.sources.rows import HistogramRow
from tests.unit.otlp_lines import histogram_point


def row(values: Sequence[float], scale: int = 5) -> HistogramRow:
    """The row that a source gives for *values*."""
    point = histogram_point(values, scale)
    positive = point.get("positive", {"offset": 0, "bucketCounts": []})
    counts = ((positive["offset"] + place, int(text)) for place, text in enumerate(positive["bucketCounts"]))
    return HistogramRow(
        metric="verein.operation.duration",
        service="shop",
        operation="GET /",
        kind="server",
        status="ok",
        scale=scale,
        count=len(values),
        total=point["sum"],
        minimum=point["min"],
        maximum=point["max"],
        buckets=tuple((index, amount) for index, amount in counts if amount),
    )


def merged(*parts: HistogramRow) -> Distribution:
    """The distribution of rows that are not empty."""
    distribution = merge(parts)
    assert distribution is not None
    return distribution


def exact(values: Sequence[float], share: float) -> float:
    """The percentile at nearest rank of all values."""
    return sorted(values)[max(1, math.ceil(share * len(values))) - 1]


@pytest.mark.parametrize("share", [0.01, 0.5, 0.95, 0.99, 1.0])
@pytest.mark.parametrize("scales", [(5,), (5, 3), (8, 5, 4)], ids=str)
def test_percentiles_are_within_five_percent(share: float, scales: tuple[int, ...]):
    """Whatever scales are merged, down to 3, a percentile is within 5 % of the exact one."""
    chance = random.Random(7)
    parts = [[chance.lognormvariate(-3, 1.5) for _ in range(400)] for _ in scales]
    everything = [value for part in parts for value in part]

    distribution = merged(*(row(part, scale) for part, scale in zip(parts, scales, strict=True)))

    assert distribution.percentile(share) == pytest.approx(exact(everything, share), rel=0.05)


def test_merge_moves_buckets_to_the_coarsest_scale():
    """A bucket of a finer scale lands, with its count, in the bucket that contains it."""
    values = [0.001, 0.5, 0.75, 1.0, 1.5, 2.0, 1000.0]

    both = merged(row(values, 5), row(values, 3))

    assert both.scale == 3
    assert both.buckets == tuple((index, amount * 2) for index, amount in row(values, 3).buckets)


def test_count_sum_and_extremes_are_exact():
    """What the points hold as numbers is merged as numbers, not through buckets."""
    both = merged(row([0.1, 0.3]), row([0.2, 5.0]))

    assert (both.count, both.minimum, both.maximum) == (4, 0.1, 5.0)
    assert both.mean == pytest.approx(1.4)


@pytest.mark.parametrize("count", [*range(1, 130), 1024, 4096])
def test_a_count_comes_back_as_a_whole_number(count: int):
    """Query counts are whole, and exact while a bucket holds but one of them."""
    distribution = merged(row([count]), row([1]), row([5000]))

    found = distribution.whole_percentile(0.5)

    assert found is not None
    assert found == int(found)
    assert found == pytest.approx(count, rel=0.05 if count > 45 else 0)


def test_zeros_stand_below_all_buckets():
    """Values of zero are in no bucket, and take their ranks."""
    distribution = merged(row([0, 0, 0, 8]))

    found = [distribution.whole_percentile(share) for share in (0.5, 0.75, 0.76, 1.0)]

    assert found == [0.0, 0.0, 8.0, 8.0]


def test_percentile_stays_between_minimum_and_maximum():
    """The middle of a bucket is never shown beyond what was measured."""
    assert merged(row([0.3])).percentile(0.5) == 0.3


def test_buckets_that_are_too_coarse_give_no_percentile():
    """Where 5 % cannot be promised there is no figure, but the exact ones stand."""
    distribution = merged(row([0.1, 0.2]), row([0.4], scale=2))

    assert (distribution.percentile(0.5), distribution.whole_percentile(0.5)) == (None, None)
    assert (distribution.count, distribution.maximum) == (3, 0.4)


def test_nothing_measured_is_none():
    """No row is not a distribution of zeros."""
    assert merge([]) is None


def test_measured_counts_have_no_error():
    """What was counted rests on itself."""
    counted = merged(row([0.1] * 7))

    assert (counted.estimated, counted.samples, counted.count_error, counted.effective) == (False, 0, 0.0, 7.0)


def test_estimates_say_from_how_many_and_how_wrong():
    """Forty spans of weight ten: their variance is 40 x 10 x 9, and they say as much as forty seen in full."""
    weighted = replace(row([0.1] * 400), estimated=True, samples=40, variance=3600.0)

    estimate = merged(weighted)

    assert (estimate.count, estimate.samples, estimate.estimated) == (400, 40, True)
    assert estimate.count_error == pytest.approx(1.96 * 60, rel=1e-4)
    assert estimate.effective == pytest.approx(40.0)


def test_an_estimated_part_makes_an_estimate():
    """Measured operations beside estimated ones count in full, and carry no variance."""
    weighted = replace(row([0.1] * 400), estimated=True, samples=40, variance=3600.0)

    both = merged(weighted, row([0.1] * 100))

    assert (both.estimated, both.samples, both.count_error) == (True, 40, pytest.approx(117.6, abs=0.1))
    assert 40 < both.effective < 500


def test_weighted_percentiles_and_what_is_above():
    """Each value counts by its weight; what is above a bound is counted, and by how much it is."""
    values = spread(100.0, [(6, [(-64, 80.0)]), (7, [(-1, 20.0)])])  # 80 times up to 0.5, 20 times up to 1

    assert values.percentile(0.5) == pytest.approx(0.5, rel=0.02)
    assert values.percentile(0.95) == pytest.approx(1.0, rel=0.02)
    assert values.above(0.7) == (20.0, pytest.approx(20 * 0.3, rel=0.05))


def test_weighted_zeros_and_nothing():
    """What the buckets do not hold is zero; of nothing there is no percentile."""
    assert spread(10.0, [(6, [(0, 1.5)])]).percentile(0.5) == 0.0
    assert spread(0.0, []).percentile(0.5) is None


def test_weights_that_are_no_whole_numbers_have_every_percentile():
    """The sum of weights rounds differently from their parts; the last value is still there."""
    values = spread(0.1 + 0.2, [(6, [(0, 0.1), (1, 0.2)])])

    assert values.percentile(1.0) == pytest.approx(2 ** (1.5 / 64))


def test_mean_of_an_estimate_has_an_error():
    """By the deviation of the values over what was seen; what was counted has none."""
    values = [0.1, 0.3] * 200
    weighted = replace(row(values), estimated=True, samples=40, variance=3600.0)

    assert merged(weighted).mean_error == pytest.approx(1.96 * 0.1 / math.sqrt(40), rel=0.05)
    assert merged(row(values)).mean_error == 0.0
    assert merged(replace(weighted, scale=2, buckets=((-10, 400),))).mean_error is None
