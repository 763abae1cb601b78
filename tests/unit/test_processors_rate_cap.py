"""The rate cap: how much is kept under it, as the sum of the probabilities it gives."""

from __future__ import annotations

import math
import random
import threading

import pytest

from otel_verein.processors.sampling.rate_cap import RateCap
from otel_verein.processors.sampling.tracestate import ALL


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def probability(threshold: int) -> float:
    """The share of operations that pass a threshold."""
    return (ALL - threshold) / ALL


def kept(cap: RateCap, clock: Clock, arrivals: list[float]) -> float:
    """How many of the operations that arrive at these times are kept, in expectation."""
    total = 0.0
    for clock.now in arrivals:
        total += probability(cap.threshold())
    return total


def test_below_the_cap_everything_is_kept() -> None:
    """9 a second under a cap of 10 have a threshold of 0."""
    clock = Clock()
    cap = RateCap(10, clock)

    thresholds = set()
    for step in range(90):
        clock.now = 1000 + step / 9
        thresholds.add(cap.threshold())

    assert thresholds == {0}


@pytest.mark.parametrize("rate", [20, 100, 5000])
def test_a_steady_rate_keeps_the_cap(rate: int) -> None:
    """After the first second, between 90 and 100 % of 10 a second are kept, over 20 s."""
    clock = Clock()
    cap = RateCap(10, clock)
    kept(cap, clock, [1000 + step / rate for step in range(rate)])

    a_second = kept(cap, clock, [1001 + step / rate for step in range(20 * rate)]) / 20

    assert 9.0 <= a_second <= 10.01


@pytest.mark.parametrize("n", [10, 1000, 100_000])
def test_a_burst_after_a_pause_keeps_little_more_than_the_cap(n: int) -> None:
    """n at one moment keep cap * (1 + ln(n / cap)) at most: 10, 56 and 102 of 10, 1000 and 100,000."""
    clock = Clock()
    cap = RateCap(10, clock)
    clock.now += 3600

    assert 10 <= kept(cap, clock, [clock.now] * n) + 1e-6 <= 10 * (1 + math.log(n / 10)) + 1e-5


@pytest.mark.parametrize("per_second", [0.02, 0.5])
def test_a_cap_of_less_than_one_a_second_still_keeps_some(per_second: float) -> None:
    """The window is long enough for one trace; 5 a second for 1000 windows keep 50 to 105 % of the cap."""
    clock = Clock()
    cap = RateCap(per_second, clock)
    seconds = 1000 / per_second

    total = kept(cap, clock, [1000 + step / 5 for step in range(int(5 * seconds))])

    assert 0.5 <= total / 1000 <= 1.05


def test_the_rate_of_random_arrivals_stays_near_the_cap() -> None:
    """Poisson arrivals of 200 a second keep 8.5 to 10.2 of 10 a second, over 300 s; seed fixed."""
    clock, rng = Clock(), random.Random(5)
    cap = RateCap(10, clock)
    arrivals, now = [], 1000.0
    while now < 1300:
        now += rng.expovariate(200)
        arrivals.append(now)

    assert 8.5 <= kept(cap, clock, arrivals) / 300 <= 10.2


def test_a_busy_window_is_forgotten_when_time_passes() -> None:
    """After a minute of rest the rate of the burst no longer holds anything back."""
    clock = Clock()
    cap = RateCap(10, clock)
    kept(cap, clock, [1000.0] * 500)

    clock.now += 60

    assert cap.threshold() == 0


def test_the_next_window_starts_from_the_rate_of_the_last() -> None:
    """After 1000 arrivals in a second, the first of the next is kept with a hundredth."""
    clock = Clock()
    cap = RateCap(10, clock)
    kept(cap, clock, [1000 + step / 1000 for step in range(1000)])

    clock.now = 1001.0

    assert probability(cap.threshold()) == pytest.approx(0.01)


def test_a_window_is_turned_once_by_threads_that_see_its_end_together() -> None:
    """The second would take the microsecond since the first for a window, and hold everything back for the next."""
    clock = Clock()
    cap = RateCap(10, clock)
    kept(cap, clock, [1000.0] * 100 + [1001.0])

    cap._turn(1001.000001)

    assert probability(cap.threshold()) == pytest.approx(0.1)


def test_the_threshold_never_is_the_one_that_keeps_nothing() -> None:
    """A cap of nearly nothing still gives every operation a chance, else its weight would be infinite."""
    clock = Clock()
    cap = RateCap(1e-18, clock)

    assert [probability(cap.threshold()) for _ in range(4)] == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4])


def test_threads_that_race_neither_raise_nor_stop_the_cap(hasty: None) -> None:
    """8 threads of 5,000 arrivals at one moment keep at most three times what one thread would."""
    cap = RateCap(10, Clock())
    totals: list[float] = []

    def arrive() -> None:
        totals.append(sum(probability(cap.threshold()) for _ in range(5000)))

    threads = [threading.Thread(target=arrive) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len(totals) == 8
    assert sum(totals) <= 3 * 10 * (1 + math.log(40_000 / 10))
