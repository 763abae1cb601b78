"""Histograms: percentiles against the exact values they were made of."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest

from otel_verein.analysis.histogram import Distribution, merge
from otel_verein.sources.base import HistogramRow
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
