"""Which files of a store answer a question, by what the journal says of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pytest

from otel_verein.store.choose import Bounds, choose, roots
from otel_verein.store.layout import HOUR_S, NANOSECONDS, Level

DAY_S = 24 * HOUR_S
MONTH = 1_764_547_200  # 2025-12-01
DAY = MONTH + 4 * DAY_S
HOUR = DAY + 10 * HOUR_S


@dataclass(frozen=True)
class Entry:
    """What is known of a live file."""

    id: int
    kind: str
    level: int
    period: int


POINTS = Entry(1, "points", Level.DETAIL, HOUR)
LATE = Entry(2, "points", Level.DETAIL, HOUR)
NEXT = Entry(3, "points", Level.DETAIL, HOUR + HOUR_S)
OF_HOUR = Entry(10, "series", Level.HOUR, HOUR)
OF_NEXT = Entry(11, "series", Level.HOUR, HOUR + HOUR_S)
OF_DAY = Entry(20, "series", Level.DAY, DAY)
OF_MONTH = Entry(30, "series", Level.MONTH, MONTH)

COVERAGE: Mapping[int, Collection[int]] = {10: {1}, 11: {3}, 20: {10, 11}, 30: {20}}


def between(start_s: int, end_s: int) -> Bounds:
    """The stretch between two epoch seconds."""
    return Bounds(start_s * NANOSECONDS, end_s * NANOSECONDS)


def ids(files: Collection[Entry]) -> list[int]:
    """The numbers of files in the order given."""
    return [file.id for file in files]


def test_the_coarsest_files_stand_for_all_below():
    """What a live rollup was made from is not read beside it; what came later is."""
    files = [POINTS, LATE, NEXT, OF_HOUR, OF_NEXT, OF_DAY, OF_MONTH]

    assert ids(roots(files, COVERAGE, {}, "series")) == [2, 30]


def test_what_is_covered_for_one_question_is_read_for_another():
    """Spans whose series are rolled up still answer for entities that are not."""
    spans = Entry(4, "spans", Level.DETAIL, HOUR)
    files = [spans, OF_HOUR]
    coverage = {10: {4}}

    assert ids(roots(files, coverage, {}, "series")) == [10]
    assert ids(roots(files, coverage, {}, "entities")) == [4]


def test_stale_rollups_give_way_to_what_was_made_anew():
    """A day made from an hour that was made again is not read, nor is its month; the new hour is, once."""
    again = Entry(12, "series", Level.HOUR, HOUR)
    files = [POINTS, LATE, again, OF_NEXT, OF_DAY, OF_MONTH]
    coverage = {**COVERAGE, 12: {1, 2}}

    assert ids(roots(files, coverage, {10: 12}, "series")) == [11, 12]


def test_chain_of_replacements_ends_at_the_live_file():
    """An hour that was made anew twice is found by its last number."""
    last = Entry(13, "series", Level.HOUR, HOUR)

    assert ids(roots([last, OF_DAY], {20: {10}, 13: set()}, {10: 12, 12: 13}, "series")) == [13]


def test_rollup_whose_detail_has_expired_is_read():
    """Files that are covered and gone change nothing."""
    assert ids(roots([OF_DAY], COVERAGE, {}, "series")) == [20]


def test_siblings_of_one_period_are_both_read():
    """Two rollups of an hour, of which neither covers the other, add up."""
    sibling = Entry(14, "series", Level.HOUR, HOUR)

    assert ids(roots([OF_HOUR, sibling], {10: {1}, 14: {2}}, {}, "series")) == [10, 14]


def test_window_of_whole_hours_descends_from_day_to_hours():
    """A day that is partly inside is read by its hours, and only those inside."""
    files = [OF_HOUR, OF_NEXT, OF_DAY]
    window = between(HOUR, HOUR + HOUR_S)

    choice = choose(files, COVERAGE, {}, ("series",), window)

    assert (ids(choice.files["series"]), choice.bounds, choice.notes) == ([10], window, ())


def test_window_of_minutes_descends_to_detail():
    """An hour that is partly inside is read by its detail, to the minute."""
    files = [POINTS, OF_HOUR]

    choice = choose(files, {10: {1}}, {}, ("series",), between(HOUR + 90, HOUR + 300))

    assert (ids(choice.files["series"]), choice.bounds) == ([1], between(HOUR + 60, HOUR + 300))
    assert choice.notes == ()


def test_window_grows_when_only_coarser_figures_are_left():
    """An hour without detail is read whole, and so is all else of that hour; a note says so."""
    files = [LATE, OF_HOUR, NEXT]

    choice = choose(files, {10: {1}}, {}, ("series",), between(HOUR + 1800, HOUR + HOUR_S + 60))

    assert ids(choice.files["series"]) == [2, 3, 10]
    assert choice.bounds == between(HOUR, HOUR + HOUR_S + 60)
    assert choice.notes == (
        "of the time around 2025-12-05 10:30 UTC only coarser figures are kept: "
        "this is 2025-12-05 10:00 UTC to 2025-12-05 11:01 UTC",
    )


def test_growing_reaches_what_the_grown_window_touches():
    """A window that grew to a day takes the other files of that day, too."""
    other = Entry(5, "points", Level.DETAIL, DAY)
    files = [other, OF_DAY]

    choice = choose(files, {20: {10}}, {}, ("series",), between(HOUR, HOUR + HOUR_S))

    assert (ids(choice.files["series"]), choice.bounds) == ([5, 20], between(DAY, DAY + DAY_S))


def test_one_lost_hour_makes_the_day_the_finest():
    """A day some of whose hours have expired is read whole: part of it would be a wrong sum."""
    files = [OF_HOUR, OF_DAY]

    choice = choose(files, COVERAGE, {}, ("series",), between(HOUR, HOUR + HOUR_S))

    assert (ids(choice.files["series"]), choice.bounds) == ([20], between(DAY, DAY + DAY_S))


@pytest.mark.parametrize("window", [between(DAY - 60, DAY), between(DAY + DAY_S, DAY + DAY_S + 60)])
def test_window_beside_a_file_does_not_touch_it(window: Bounds):
    """The end of a window is not part of it, nor is the end of a period."""
    choice = choose([OF_DAY], COVERAGE, {}, ("series",), window)

    assert (choice.files["series"], choice.bounds, choice.notes) == ((), window, ())


def test_all_kinds_cover_the_same_time():
    """Where figures of one kind are left by the day only, those of the others are of that day, too."""
    finding = Entry(6, "findings", Level.DETAIL, DAY + 2 * HOUR_S)
    files = [finding, OF_DAY]

    choice = choose(files, {20: {10}}, {}, ("series", "findings"), between(HOUR, HOUR + HOUR_S))

    assert {kind: ids(found) for kind, found in choice.files.items()} == {"series": [20], "findings": [6]}
    assert choice.bounds == between(DAY, DAY + DAY_S)
