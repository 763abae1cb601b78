"""Moments and percentiles of histograms, against the values that went into them."""

from __future__ import annotations

import math
import random
import statistics
from dataclasses import replace

import pytest

from otel_verein.analysis.histogram import Distribution, merge
from otel_verein.analysis.intervals_of_differences import Moments
from otel_verein.analysis.intervals_of_histograms import Ranks, chance_of_percentiles, moments, ratio_of_percentiles
from tests.unit.two_sides import histogram


def distribution(values: list[float], scale: int = 4) -> Distribution:
    """The histogram of *values*."""
    merged = merge([histogram("duration", values, scale=scale)])
    assert merged is not None
    return merged


def lognormal(seed: int, n: int, factor: float = 1.0) -> list[float]:
    """Durations as they are: most short, some long."""
    chance = random.Random(seed)
    return [0.02 * factor * math.exp(chance.gauss(0, 0.8)) for _ in range(n)]


def test_moments_are_those_of_the_values():
    """The mean is exact, the standard deviation within 5 %."""
    values = lognormal(1, 5000) + [0.0] * 500

    found = moments(distribution(values))

    assert found is not None
    assert (found.n, found.mean) == (5500, pytest.approx(statistics.fmean(values)))
    assert math.sqrt(found.variance) == pytest.approx(statistics.stdev(values), rel=0.05)


def test_equal_values_have_no_variance():
    """The middle of a bucket is not taken for a value when all of them are known."""
    assert moments(distribution([7.0] * 40)) == Moments(40, 7.0, 0.0)


def test_estimated_moments_rest_on_what_the_samples_are_worth():
    """Ten spans of weight ten say as much as ten operations, not as a hundred."""
    weighted = replace(distribution([1.0, 2.0] * 50), estimated=True, samples=10, variance=10 * 10 * 9.0)

    found = moments(weighted)

    assert found is not None
    assert found.n == pytest.approx(10)


@pytest.mark.parametrize("unknown", [{"total": None}, {"scale": 2}], ids=["no sum", "coarse buckets"])
def test_moments_that_are_not_known(unknown: dict[str, None]):
    """Without a sum there is no mean, and coarse buckets give no variance."""
    assert moments(replace(distribution([1.0, 2.0] * 20), **unknown)) is None


def test_percentile_interval_covers_the_truth():
    """Of 300 intervals of the 95th percentile of 200 values, 95 % or more hold it: buckets only widen them."""
    truth, held = 0.02 * math.exp(0.8 * 1.644854), 0
    for seed in range(300):
        ranks = Ranks.of(distribution(lognormal(seed, 200)))
        assert ranks is not None
        span = ranks.interval(0.95)
        held += span.low <= truth <= span.high

    assert held / 300 >= 0.95


def test_too_few_values_do_not_bound_a_percentile():
    """Thirty values say from where on the 95th percentile is, and not up to where; the largest is no bound."""
    ranks = Ranks.of(distribution(lognormal(1, 30)))

    assert ranks is not None
    assert ranks.interval(0.95).high == math.inf
    assert ranks.interval(0.95).low > 0


def test_zeros_are_values():
    """Percentiles that fall on zeros are 0, and have no ratio."""
    ranks = Ranks.of(distribution([0.0] * 99 + [1.0]))

    assert ranks is not None
    assert (ranks.interval(0.5).low, ranks.interval(0.5).high) == (0.0, 0.0)
    assert ratio_of_percentiles(ranks, ranks, 0.5) is None


def test_coarse_buckets_give_no_ranks():
    """Below the scale that percentiles need there are none."""
    assert Ranks.of(distribution([1.0, 2.0], scale=2)) is None


def test_neighbouring_buckets_are_no_difference():
    """Values that all lie at the edge of a bucket may be in the next one after a change of a thousandth."""
    before, after = (Ranks.of(distribution([0.5, *[value] * 10_000, 2.0])) for value in (0.9999, 1.0001))
    assert before is not None
    assert after is not None

    span = ratio_of_percentiles(before, after, 0.95)

    assert span is not None
    assert span.low <= 1.0002 <= span.high


def test_chance_of_a_ratio_is_smaller_the_farther_it_is():
    """Against a doubling, the chance of 5 % more is nothing; of just what it is, one half."""
    before, after = (Ranks.of(distribution(lognormal(seed, 3000, factor))) for seed, factor in ((1, 1.0), (2, 2.0)))
    assert before is not None
    assert after is not None

    assert chance_of_percentiles(before, after, 0.95, 1.05) < 1e-6
    assert chance_of_percentiles(before, after, 0.95, 3.0) == 0.5
