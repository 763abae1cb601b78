"""Increases from cumulative points: exact sums, whatever comes late, twice, or starts anew."""

from __future__ import annotations

from dataclasses import replace

from otel_verein.store.taking.cumulative import Lasts, Refusal
from otel_verein.store.taking.exponential import Exponential
from otel_verein.store.taking.point_rows import Increase, Series

SERIES = Series("{}", "verein.operation.duration", "[]", "exponential")
COUNTER = Series("{}", "verein.operation.kept", "[]", "sum")


def point(end: int, *counts: int, start: int = 1, scale: int = 3, first: int = 0, total: float = 0.0) -> Increase:
    """A cumulative histogram at *end*."""
    buckets = Exponential(scale, 0, first, counts)
    return Increase(start, end, sum(counts), total, 0.5, 9.0, buckets)


def lasts() -> Lasts:
    """With nothing in the journal."""
    return Lasts(lambda _: None)


def counts(found: Increase | Refusal) -> tuple[int, ...]:
    """The buckets of an increase."""
    assert isinstance(found, Increase)
    assert found.buckets is not None
    return found.buckets.counts


def test_the_first_point_counts_wholly_and_later_ones_by_what_they_have_more() -> None:
    """1, 4 and 6 values are increases of 1, 3 and 2, with sums, and times that follow on each other."""
    found = lasts()

    first = found.increase(SERIES, point(10, 1, total=1.0))
    second = found.increase(SERIES, point(20, 2, 2, total=5.0))
    third = found.increase(SERIES, point(30, 2, 3, 1, total=9.5))

    assert [counts(each) for each in (first, second, third)] == [(1,), (1, 2), (1, 1)]
    assert isinstance(second, Increase)
    assert isinstance(third, Increase)
    assert (second.count, second.total, second.first_ns, second.last_ns) == (3, 4.0, 10, 20)
    assert (third.count, third.total, third.first_ns, third.last_ns) == (2, 4.5, 20, 30)


def test_a_point_that_became_coarser_is_compared_at_its_scale() -> None:
    """SDKs halve their resolution when values spread; nothing is counted twice for it."""
    found = lasts()
    found.increase(SERIES, point(10, 1, 1, 1, 1, scale=3))

    increase = found.increase(SERIES, point(20, 2, 2, 5, scale=2))

    assert counts(increase) == (5,)


def test_the_same_point_again_and_one_that_is_older_add_nothing() -> None:
    """A later point holds what an earlier one counted."""
    found = lasts()
    found.increase(SERIES, point(20, 3))

    assert found.increase(SERIES, point(20, 3)) is Refusal.SUPERSEDED
    assert found.increase(SERIES, point(15, 2)) is Refusal.SUPERSEDED


def test_a_process_that_starts_anew_counts_wholly_and_its_former_life_is_over() -> None:
    """A new start is a new count; a straggler of the old one is in its last point already."""
    found = lasts()
    found.increase(SERIES, point(20, 3))

    assert counts(found.increase(SERIES, point(30, 2, start=25))) == (2,)
    assert found.increase(SERIES, point(24, 4)) is Refusal.SUPERSEDED


def test_less_than_before_contradicts() -> None:
    """A histogram or counter that loses without a new start is not believed."""
    found = lasts()
    found.increase(SERIES, point(20, 3))
    found.increase(COUNTER, Increase(1, 20, value=7.0))

    assert found.increase(SERIES, point(30, 2)) is Refusal.CONTRADICTS
    assert found.increase(COUNTER, Increase(1, 30, value=6.0)) is Refusal.CONTRADICTS


def test_the_state_that_the_journal_keeps_is_where_the_next_run_goes_on() -> None:
    """What one run ended with, the next begins with, and the sum over both is the last point."""
    first, expected = lasts(), point(30, 4, 1, total=8.0)
    first.increase(SERIES, point(10, 2, total=3.0))

    second = Lasts(first.new.get)

    assert counts(second.increase(SERIES, expected)) == (2, 1)


def test_extremes_of_an_increase_are_no_wider_than_its_buckets() -> None:
    """The largest value of all time is not the largest of the last minute when its bucket did not grow."""
    found = lasts()
    found.increase(SERIES, replace(point(10, 1, 0, 0, 1), minimum=1.05, maximum=1.4))

    increase = found.increase(SERIES, replace(point(20, 2, 0, 0, 1), minimum=1.05, maximum=1.4))

    assert isinstance(increase, Increase)
    assert (increase.minimum, increase.maximum) == (1.05, 2 ** (1 / 8))


def test_a_counter_counts_by_what_it_has_more() -> None:
    """7 and then 10 are 7 and 3."""
    found = lasts()

    values = [found.increase(COUNTER, Increase(1, end, value=value)) for end, value in ((10, 7.0), (20, 10.0))]

    assert [each.value for each in values if isinstance(each, Increase)] == [7.0, 3.0]
