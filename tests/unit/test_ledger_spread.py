"""The spread of durations: exact but for the median."""

from __future__ import annotations

import pytest

from otel_verein.ledger.spread import BOUNDS_S, Spread, cumulative


def test_a_duration_at_a_bound_is_under_it() -> None:
    """A bucket holds what took at most as long as its bound; the last one holds all."""
    assert cumulative([100_000, 100_001, 20 * 10**9]) == (1, *[2] * (len(BOUNDS_S) - 1), 3)


def test_parts_add_up() -> None:
    """Booked in parts or at once, the figures are the same."""
    parts, once = Spread(), Spread()
    for part in ([5, 10**6], [], [3], [10**9, 7 * 10**9]):
        parts.add(part)
    once.add([5, 10**6, 3, 10**9, 7 * 10**9])

    assert (5, 3, 7 * 10**9, 8_001_000_008) == (parts.count, parts.min_ns, parts.max_ns, parts.total_ns)
    assert once.cumulative() == parts.cumulative() == cumulative([5, 10**6, 3, 10**9, 7 * 10**9])
    assert once.median_ns() == parts.median_ns()


@pytest.mark.parametrize(
    ("durations", "median"),
    [
        ([0], 0),
        ([0, 0, 1], 0),
        ([1], 1),
        ([1000] * 7, 1000),
        (list(range(1, 10_000)), 5000),
        ([1, 10**9, 10**10], 10**9),
    ],
    ids=["zero", "mostly zero", "one", "equal", "even", "far apart"],
)
def test_the_median_is_within_five_percent(durations: list[int], median: int) -> None:
    """The middle duration, as near as a step of the scale."""
    spread = Spread()
    spread.add(durations)

    assert spread.median_ns() == pytest.approx(median, rel=0.05)
