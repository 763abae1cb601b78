"""Which files become one: the decision, before anything is read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from otel_verein.store.compaction import groups
from otel_verein.store.layout import TIERS
from otel_verein.store.records import Contents, StoredFile
from tests.unit.store_files import DAY, HOUR, contents, stored

END = HOUR + 3600.0


def due(held: Contents, now: float = END, **more: float) -> list[list[int]]:
    """The numbers of the files of each group."""
    return [[file.id for file in group.files] for group in groups(held, now, **more)]  # type: ignore[arg-type]


def spans(number: int, rows: int = 1000, **more: object) -> StoredFile:
    """A file of spans of the short tier."""
    return stored(number, "spans", **{"tier": "short", "rows": rows, "created_s": float(HOUR), **more})  # type: ignore[arg-type]


def test_files_of_an_hour_that_is_over_become_one():
    """The smallest first; one alone stays as it is."""
    held = contents([spans(1, 50), spans(2, 10), stored(3, "points")])

    assert due(held) == [[2, 1]]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(spans(2, tier="long"), id="tier"),
        pytest.param(replace(spans(2), period=HOUR + 3600), id="hour"),
        pytest.param(replace(spans(2), kind="findings", tier=""), id="kind"),
        pytest.param(replace(spans(2), level=1, kind="series", tier=""), id="level"),
    ],
)
def test_files_that_differ_stay_apart(other: StoredFile):
    """In what decides where they are looked for, and how long they are kept."""
    assert due(contents([spans(1), other]), END + 3600) == []


def test_files_that_other_rollups_cover_stay_apart():
    """As one file, what the rollup holds would count twice or not at all."""
    rollup = stored(9, "series", 1)

    assert due(contents([spans(1), spans(2), rollup], {9: [1]})) == []
    assert due(contents([spans(1), spans(2), rollup], {9: [1, 2]})) == [[1, 2]]


def test_an_hour_that_gets_data_keeps_up_to_sixteen_files():
    """Each further one would cost every reader."""
    files = [spans(number) for number in range(1, 18)]

    assert due(contents(files[:16]), END - 1) == []
    assert due(contents(files), END - 1) == [list(range(1, 18))]


def test_what_is_merged_already_is_not_written_again_for_little():
    """In an hour that gets data: a large file waits for as much as it has."""
    files = [spans(1, 16_000), *(spans(number) for number in range(2, 18))]

    assert due(contents(files), END - 1) == [[*range(2, 18), 1]]
    assert due(contents([replace(files[0], rows=16_001), *files[1:]]), END - 1) == [list(range(2, 18))]


def test_data_that_trickles_in_late_waits_for_more():
    """An hour is settled when it is over, and nothing came, for that long."""
    held = contents([spans(1), spans(2, created_s=END + 100)])

    assert due(held, END + 699, settled_s=600) == []
    assert due(held, END + 700, settled_s=600) == [[1, 2]]
    assert due(contents([spans(1), spans(2)]), END + 599, settled_s=600) == []


def test_a_merged_file_has_no_more_rows_than_are_sorted_at_once():
    """What comes out of it is not merged again."""
    files = [spans(number, rows) for number, rows in enumerate((400, 300, 500, 900, 100), start=1)]

    assert due(contents(files), most_rows=1000) == [[5, 2, 1]]
    assert due(contents([files[2], files[3], spans(6, 800)]), most_rows=1000) == []


def test_rollups_are_merged_when_nothing_they_were_made_from_is_left():
    """Before that one of them may have to be made anew."""
    files = [stored(2, "series", 2, DAY), stored(3, "series", 2, DAY), stored(1, "series", 1)]

    assert due(contents(files, {2: [1], 3: [7]})) == []
    assert due(contents(files[:2], {2: [1], 3: [7]}, {7: 1})) == []
    assert due(contents(files[:2], {2: [1], 3: [7]})) == [[2, 3]]


def test_shorter_tiers_come_first_and_know_the_longer_ones():
    """A span that is in both is left out of the shorter, whose longer file is still there then."""
    files = [spans(2 * at + step, tier=tier) for at, tier in enumerate(TIERS) for step in (1, 2)]

    found = groups(contents(files), END)

    assert [group.files[0].tier for group in found] == ["", "short", "medium", "long"]
    assert [[file.id for file in group.longer] for group in found] == [[1, 2, 3, 4, 5, 6], [1, 2, 3, 4], [1, 2], []]


def test_a_longer_file_that_another_rollup_covers_is_not_asked():
    """A span in a file that is rolled up, and in one that is not yet, has been counted by what covers the first."""
    files = [spans(1, tier="long"), spans(2), spans(3), stored(9, "series", 1)]

    (group,) = groups(contents(files, {9: [2, 3]}), END)

    assert group.longer == ()
