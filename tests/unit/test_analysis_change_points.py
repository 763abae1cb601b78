"""Change points: found where the level changed, silent on noise, outliers and the rhythm of the day."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from otel_verein.analysis.change_points import change_points

HOUR_S = 3600


def noise(chance: random.Random, n: int, spread: float = 0.1) -> list[float]:
    """A level with noise."""
    return [math.exp(chance.gauss(0, spread)) for _ in range(n)]


def following(chance: random.Random, n: int) -> list[float]:
    """Noise in which each step is like the one before."""
    value, values = 0.0, []
    for _ in range(n):
        value = 0.3 * value + chance.gauss(0, 0.3)
        values.append(math.exp(value))
    return values


def daily(place: int) -> float:
    """The rhythm of the day, by the hour: nine times as much at noon as at night."""
    return 1 + 0.8 * math.sin(2 * math.pi * place / 24)


@pytest.mark.parametrize("n", [24, 168])
def test_step_is_found_with_its_size(n: int):
    """Half as much again, from the middle on: the place is right within two steps, and the interval holds the size."""
    values = noise(random.Random(1), n)
    values[n // 2 :] = [value * 1.5 for value in values[n // 2 :]]

    (level,) = change_points(values, 0.01, 0.05)

    assert abs(level.at - n // 2) <= 2
    assert (level.steps_before, level.steps_after) == (level.at, n - level.at)
    assert level.relative_interval is not None
    assert level.relative_interval.low < 0.5 < level.relative_interval.high
    assert level.relative == pytest.approx(0.5, abs=0.1)
    assert (level.before, level.after) == (pytest.approx(1, abs=0.1), pytest.approx(1.5, abs=0.15))
    assert level.chance < 0.01


@pytest.mark.parametrize(
    "make",
    [noise, lambda chance, n: [chance.paretovariate(1.2) for _ in range(n)], following],
    ids=["noise", "far outliers", "steps that follow each other"],
)
@pytest.mark.parametrize("n", [12, 48, 168])
def test_noise_has_no_change(make: Callable[[random.Random, int], list[float]], n: int):
    """Of 200 series without a change, at most one in ten tells one when one in twenty may."""
    assert sum(bool(change_points(make(random.Random(seed), n), 0.05, 0.0)) for seed in range(200)) <= 20


def test_two_changes_are_both_found():
    """Up, and down again."""
    values = noise(random.Random(3), 90)
    values[30:60] = [value * 2 for value in values[30:60]]

    levels = change_points(values, 0.01, 0.05)

    assert [round(level.at, -1) for level in levels] == [30, 60]
    assert [level.difference > 0 for level in levels] == [True, False]


def test_one_outlier_is_no_change():
    """A single step, however far off, moves nothing."""
    values = noise(random.Random(4), 60)
    values[30] = 1000.0

    assert change_points(values, 0.05, 0.05) == []


def test_few_steps_tell_nothing():
    """Eleven steps have no room for six on each side, even where the change is plain."""
    assert change_points([1.0] * 5 + [9.0] * 6, 0.05, 0.05) == []


def test_change_below_the_margin_is_not_told():
    """Three per cent are found, and not worth telling."""
    values = noise(random.Random(5), 200, 0.01)
    values[100:] = [value * 1.03 for value in values[100:]]

    assert change_points(values, 0.01, 0.05) == []
    assert len(change_points(values, 0.01, 0.02)) == 1


def test_rhythm_of_the_day_is_taken_out():
    """Over a week a rhythm is no change, and a change within it is still found."""
    seconds = [place * HOUR_S for place in range(168)]
    chance = random.Random(6)
    values = [daily(place) * value for place, value in enumerate(noise(chance, 168))]

    assert change_points(values, 0.01, 0.05, seconds) == []
    changed = [value * (1.4 if place >= 100 else 1) for place, value in enumerate(values)]
    (level,) = change_points(changed, 0.01, 0.05, seconds)
    assert abs(level.at - 100) <= 4


def test_series_that_never_varies_has_no_change():
    """Equal values are no change, neither zeros nor others; from one level to another they are."""
    assert change_points([0.0] * 50, 0.05, 0.05) == []
    assert change_points([7.0] * 50, 0.05, 0.05) == []
    assert [level.at for level in change_points([7.0] * 25 + [0.0] * 25, 0.05, 0.05)] == [25]


def test_change_from_nothing_has_no_ratio():
    """Where values are 0, the shift is a difference."""
    (level,) = change_points([0.0] * 30 + [4.0] * 30, 0.01, 0.05)

    assert (level.difference, level.relative, level.relative_interval) == (4.0, None, None)
    assert (level.interval.low, level.interval.high) == (4.0, 4.0)
