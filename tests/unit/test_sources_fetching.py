"""Which traces a question is answered from: all of its time, or the newest part that was seen whole."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from otel_verein.sources.fetching import SECOND_NS, Limits, Page, split, stretches, walk
from otel_verein.store.choose import Bounds

HOUR = 3600 * SECOND_NS
DAY = 24 * HOUR
Choice = Callable[[list[tuple[int, str]]], list[tuple[int, str]]]
CHOICES: Mapping[str, Choice] = {
    "newest": lambda found: sorted(found, reverse=True),
    "oldest": sorted,
    "any": lambda found: random.Random(7).sample(found, len(found)),
}


@dataclass
class Held:
    """A backend that holds traces that begin at these times; ``calls`` are what it was asked for."""

    starts_ns: Sequence[int]
    choice: Choice = CHOICES["newest"]
    calls: list[tuple[Bounds, int]] = field(default_factory=list)
    own_limit: int = 1_000_000
    """It gives no more than so many, whatever it is asked for."""

    def look(self, stretch: Bounds, limit: int) -> Page[bytes]:
        """At most *limit* traces of *stretch*, those that it prefers."""
        self.calls.append((stretch, limit))
        within = [(at, f"t{n}") for n, at in enumerate(self.starts_ns) if stretch.start_ns <= at < stretch.end_ns]
        given = self.choice(within)[: min(limit, self.own_limit)]
        return Page({key: key.encode() for _, key in given}, [at for at, _ in given], len(given) >= limit)

    def keys(self, stretch: Bounds) -> set[str]:
        """All that it has of *stretch*."""
        return {f"t{n}" for n, at in enumerate(self.starts_ns) if stretch.start_ns <= at < stretch.end_ns}


def spread(number: int, seconds: int, seed: int = 1) -> list[int]:
    """Moments in the first *seconds*."""
    drawn = random.Random(seed)
    return [drawn.randrange(seconds * SECOND_NS) for _ in range(number)]


@pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES.keys())
def test_all_traces_are_found_whatever_a_backend_prefers(choice: Choice) -> None:
    """With answers of 20, each of 1,000 traces is found."""
    held = Held(spread(1000, 3600), choice)
    asked = Bounds(0, HOUR)

    walked = walk(held.look, asked, 1000, Limits(20, 30 * DAY))

    assert held.keys(asked) == set(walked.traces)
    assert (asked, False, ()) == (walked.seen, walked.older, walked.notes)


def test_where_the_newest_come_first_little_is_asked_twice() -> None:
    """Each answer that is full leads to one that nearly is."""
    held = Held(spread(1000, 3600))

    walk(held.look, Bounds(0, HOUR), 1000, Limits(100, 30 * DAY))

    assert len(held.calls) <= 3 * 1000 / 100


@pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES.keys())
@pytest.mark.parametrize("most", [1, 7, 100, 999])
def test_of_too_many_the_newest_are_taken_and_their_time_is_whole(choice: Choice, most: int) -> None:
    """No more than allowed, all of the time that is called seen, and it is said that there are more."""
    held = Held(spread(1000, 36000), choice)

    walked = walk(held.look, Bounds(0, 10 * HOUR), most, Limits(50, 30 * DAY))

    assert walked.seen is not None
    assert held.keys(walked.seen) == set(walked.traces)
    assert walked.older
    assert most * 0.8 - 1 <= len(walked.traces) <= most


def test_exactly_as_many_as_are_allowed_are_all() -> None:
    """That nothing older is there is asked, not assumed."""
    held = Held([1, 2, 3 * SECOND_NS])

    walked = walk(held.look, Bounds(0, 30 * DAY), 3, Limits(50, 30 * DAY))

    assert {"t0", "t1", "t2"} == set(walked.traces)
    assert (Bounds(0, 30 * DAY), False) == (walked.seen, walked.older)


def test_that_there_are_older_ones_is_found_out() -> None:
    """Long before, there is one more."""
    held = Held([5, 29 * DAY, 29 * DAY + 1])

    walked = walk(held.look, Bounds(0, 30 * DAY), 2, Limits(50, 30 * DAY))

    assert {"t1", "t2"} == set(walked.traces)
    assert walked.older
    assert walked.seen is not None
    assert walked.seen.start_ns > 5


def test_a_crowded_second_is_asked_for_in_larger_answers() -> None:
    """More traces within a second than an answer has are found nevertheless."""
    held = Held(spread(500, 1))

    walked = walk(held.look, Bounds(0, HOUR), 2000, Limits(20, 30 * DAY))

    assert 500 == len(walked.traces)
    assert not walked.older


def test_a_second_with_more_than_is_allowed_is_left_out() -> None:
    """What came after it is whole."""
    held = Held([*spread(500, 1), 10 * SECOND_NS])

    walked = walk(held.look, Bounds(0, HOUR), 100, Limits(20, 30 * DAY))

    assert {"t500"} == set(walked.traces)
    assert walked.older
    assert walked.seen is not None
    assert 0 < walked.seen.start_ns <= 10 * SECOND_NS


def test_of_a_second_with_more_than_is_allowed_some_are_better_than_none() -> None:
    """But nothing is then called whole."""
    held = Held(spread(500, 1))

    walked = walk(held.look, Bounds(0, HOUR), 100, Limits(20, 30 * DAY))

    assert 100 == len(walked.traces)
    assert (None, True) == (walked.seen, walked.older)


@pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES.keys())
@pytest.mark.parametrize("own_limit", [21, 50, 499])
def test_a_limit_of_the_backend_itself_is_found_out(choice: Choice, own_limit: int) -> None:
    """It gives fewer than it was asked for, and yet there are more."""
    held = Held(spread(1000, 3600), choice, own_limit=own_limit)

    walked = walk(held.look, Bounds(0, HOUR), 2000, Limits(500, 30 * DAY))

    assert 1000 == len(walked.traces)
    assert not walked.older


def test_without_such_a_limit_three_questions_more_are_asked_at_most() -> None:
    """The silent twin: for the largest answer, and none of the smaller ones."""
    held = Held(spread(400, 3600))

    walked = walk(held.look, Bounds(0, HOUR), 2000, Limits(500, 30 * DAY))

    assert 400 == len(walked.traces)
    assert 3 == len(held.calls)


def test_traces_that_come_meanwhile_are_no_such_limit() -> None:
    """A second look at all of it tells the two apart."""
    held = Held(spread(400, 3600))

    def look(stretch: Bounds, limit: int) -> Page[bytes]:
        held.starts_ns = [*held.starts_ns, HOUR - 1 - len(held.calls)]
        return held.look(stretch, limit)

    walked = walk(look, Bounds(0, HOUR), 2000, Limits(500, 30 * DAY))

    assert 401 == len(walked.traces)
    assert not walked.older
    assert 4 == len(held.calls)


def test_nothing_is_asked_of_no_time() -> None:
    """A beginning at the end, or behind it."""
    held = Held([1])

    walked = walk(held.look, Bounds(5, 5), 10, Limits(10, 30 * DAY))

    assert {} == walked.traces
    assert [] == held.calls


def test_stretches_are_all_of_the_time() -> None:
    """Each begins where the one before ends, and none is longer than 30 days."""
    found = list(stretches(Bounds(17, 17 + 100 * DAY), 30 * DAY))

    assert (17, 17 + 100 * DAY) == (found[0].start_ns, found[-1].end_ns)
    assert [each.end_ns for each in found[:-1]] == [each.start_ns for each in found[1:]]
    assert max(each.end_ns - each.start_ns for each in found) == 30 * DAY
    assert HOUR == found[-1].end_ns - found[-1].start_ns


def test_both_parts_of_a_split_hold_some_time() -> None:
    """Whatever the stretch is longer than a second, and whenever its traces began."""
    drawn = random.Random(3)
    for _ in range(2000):
        start = drawn.randrange(10 * SECOND_NS)
        stretch = Bounds(start, start + SECOND_NS + 1 + drawn.randrange(drawn.choice((2, SECOND_NS, HOUR))))
        starts = [drawn.randrange(start - SECOND_NS, stretch.end_ns + SECOND_NS) for _ in range(drawn.randrange(4))]

        older, newer = split(stretch, starts)

        assert stretch.start_ns == older.start_ns < older.end_ns == newer.start_ns < newer.end_ns == stretch.end_ns
