"""Intervals and tests of differences, against figures that others have published or that can be worked out by hand."""

from __future__ import annotations

import math
import random

import pytest

from otel_verein.analysis.intervals_of_differences import (
    Interval,
    Moments,
    above,
    beyond_ratio,
    chance_of,
    difference_of_means,
    difference_of_shares,
    discoveries,
    ratio_of_means,
    student,
)

EXACT = Moments(30, 5.0, 0.0)


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(8, 2.30600), (30, 2.04227), (120, 1.97993), (math.inf, 1.95996)], ids=str
)
def test_student_is_that_of_the_tables(freedom: float, quantile: float):
    """The two-sided 95 % points of Student's t."""
    assert student(0.975, freedom) == pytest.approx(quantile, abs=1e-4)


@pytest.mark.parametrize(
    ("before", "after", "low", "high"),
    [
        ((48, 80), (56, 70), 0.0524, 0.3339),
        ((3, 10), (9, 10), 0.1705, 0.8090),
        ((0, 29), (5, 56), -0.0381, 0.1926),
    ],
    ids=["many", "few", "none of one"],
)
def test_shares_differ_as_newcombe_says(before: tuple[int, int], after: tuple[int, int], low: float, high: float):
    """The examples of his table II, method 10."""
    span = difference_of_shares(before, after)

    assert (span.low, span.high) == (pytest.approx(low, abs=2e-4), pytest.approx(high, abs=2e-4))


def test_difference_of_means_is_welch():
    """Unequal variances and numbers: worked out by hand, with t of 17.6 degrees of freedom."""
    span = difference_of_means(Moments(15, 20.0, 16.0), Moments(10, 24.0, 9.0))

    spread = math.sqrt(16 / 15 + 9 / 10)
    assert (span.low + span.high) / 2 == pytest.approx(4.0)
    assert (span.high - span.low) / 2 == pytest.approx(student(0.975, 22.6) * spread, rel=1e-3)


def test_fieller_is_the_inverse_of_its_test():
    """At an end of the interval of the ratio, the test is just at its critical value."""
    before, after = Moments(50, 10.0, 25.0), Moments(60, 12.0, 30.0)

    span = ratio_of_means(before, after)

    assert span is not None
    assert beyond_ratio(before, after, span.low) == pytest.approx(-beyond_ratio(before, after, span.high))
    assert span.low < 1.2 < span.high


def test_ratio_covers_the_truth():
    """Of 400 intervals of a known ratio, about 95 % hold it."""
    chance, held = random.Random(7), 0
    for _ in range(400):
        before, after = ([chance.gauss(mean, 2) for _ in range(40)] for mean in (10, 12))
        span = ratio_of_means(*(_moments(values) for values in (before, after)))
        held += span is not None and span.low <= 1.2 <= span.high

    assert 0.93 <= held / 400 <= 0.97


def _moments(values: list[float]) -> Moments:
    mean = sum(values) / len(values)
    return Moments(len(values), mean, sum((value - mean) ** 2 for value in values) / (len(values) - 1))


def test_no_ratio_to_what_may_be_nothing():
    """Where the first mean cannot be told from 0, any ratio is possible."""
    assert ratio_of_means(Moments(30, 0.0, 0.0), EXACT) is None
    assert ratio_of_means(Moments(30, 0.1, 9.0), EXACT) is None


def test_what_never_varies_is_exact():
    """Without variance, the interval is the figure, and any distance infinitely many standard errors."""
    six = Moments(30, 6.0, 0.0)

    assert difference_of_means(EXACT, six) == Interval(1.0, 1.0)
    assert ratio_of_means(EXACT, six) == Interval(1.2, 1.2)
    assert [beyond_ratio(EXACT, six, ratio) for ratio in (1.0, 1.2, 2.0)] == [math.inf, 0.0, -math.inf]


def test_chance_is_where_the_interval_ends():
    """An interval that ends at 1.96 standard errors leaves 2.5 % to one side."""
    assert chance_of(lambda z: z < 1.959964) == pytest.approx(0.025, abs=1e-6)
    assert above(0) == 0.5


def test_discoveries_of_benjamini_and_hochberg():
    """The example of their paper: of 15 probabilities, the first four hold at 5 %."""
    of_paper = (
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590,
        1.0,
    )  # fmt: skip

    assert discoveries(of_paper, 0.05) == (True,) * 4 + (False,) * 11
    assert discoveries(of_paper[::-1], 0.05) == (False,) * 11 + (True,) * 4
    assert discoveries(()) == ()


def test_infinite_end_is_unknown_in_json():
    """JSON has no infinity."""
    assert Interval(1.0, math.inf).as_dict() == {"low": 1.0, "high": None}
