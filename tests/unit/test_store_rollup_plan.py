"""What is to be rolled up, decided from the journal alone."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from otel_verein.config.schema import Config
from otel_verein.store.records import Contents, StoredFile
from otel_verein.store.rolling.plan import LATE, NEW, REMADE, SIBLING, RollStep, due

DAY = int(datetime(2026, 3, 1, tzinfo=timezone.utc).timestamp())
HOUR_S, DAY_S = 3600, 86_400
LATER = DAY + 90 * DAY_S


def file(number: int, kind: str, level: int = 0, period: int = DAY, last_s: float = 0) -> StoredFile:
    """A live file; the last operation of it ended at *last_s*."""
    return StoredFile(
        id=number, kind=kind, level=level, period=period, tier="", path=f"file-{number}", rows=1, bytes=1, sha256="",
        totals={}, first_ns=0, last_ns=round(last_s * 1e9), made_by="test", batch=None, state="live", replaced_by=None,
        created_s=0.0, ended_s=None, reason=None,
    )  # fmt: skip


def steps(
    files: list[StoredFile],
    coverage: dict[int, set[int]] | None = None,
    replaced: dict[int, int] | None = None,
    now: float = LATER,
) -> tuple[RollStep, ...]:
    """What is due."""
    covered = {number: frozenset(inputs) for number, inputs in (coverage or {}).items()}
    return due(Contents(tuple(files), covered, replaced or {}), Config(), now).steps


def short(step: RollStep) -> tuple[str, int, set[int], set[int], set[int], str]:
    """Kind, level, inputs, what is replaced, what else is looked at, and why."""
    ids = [{each.id for each in part} for part in (step.inputs, step.replaces, (*step.beside, *step.known))]
    return step.kind, step.level, ids[0], ids[1], ids[2], step.reason


@pytest.mark.parametrize(
    ("level", "kind", "end"),
    [
        pytest.param(1, "points", DAY + HOUR_S, id="hour"),
        pytest.param(2, "series", DAY + DAY_S, id="day"),
        pytest.param(3, "series", DAY + 31 * DAY_S, id="month"),
    ],
)
def test_a_period_is_due_once_all_of_it_is_old_enough(level: int, kind: str, end: int) -> None:
    """Its end, in UTC, is a day ago: the default of ``retention.aggregate_after_h``; a moment before it is not."""
    files = [file(1, kind, level - 1)]

    assert [("series", level, {1}, set(), set(), NEW)] == [short(step) for step in steps(files, now=end + DAY_S)]
    assert () == steps(files, now=end + DAY_S - 0.001)


def test_spans_are_in_two_rollups_of_their_hour_and_other_metrics_in_none() -> None:
    """Series are made of points and spans, entities of spans, findings of findings."""
    files = [file(1, "points"), file(2, "spans"), file(3, "findings"), file(4, "others"), file(5, "spans")]

    found = [short(step)[:3] for step in steps(files)]

    assert [("entities", 1, {2, 5}), ("findings", 1, {3}), ("series", 1, {1, 2, 5})] == found


def test_hours_come_first_and_days_wait_for_theirs() -> None:
    """Of the kind and the day that still has an hour to make; those of others go on."""
    files = [
        file(1, "points", period=DAY + HOUR_S), file(2, "series", 1), file(3, "findings", 1),
        file(4, "series", 1, DAY + DAY_S),
    ]  # fmt: skip

    found = [(step.kind, step.level, step.period) for step in steps(files, now=DAY + 10 * DAY_S)]

    expected = [("series", 1, DAY + HOUR_S), ("findings", 2, DAY), ("series", 2, DAY + DAY_S)]
    assert expected == found


def test_what_is_rolled_up_is_not_due() -> None:
    """Neither is what a file stands for that compaction made, since the coverage moved to it."""
    files = [file(1, "points"), file(2, "series", 1), file(3, "series", 2), file(4, "series", 3)]

    assert () == steps(files, {2: {1}, 3: {2}, 4: {3}})


def test_what_came_late_is_made_again_with_all_that_there_was() -> None:
    """All inputs are still there, so the new hour takes the place of the old one."""
    files = [file(1, "points"), file(2, "spans"), file(3, "series", 1), file(4, "points"), file(6, "entities", 1)]

    found = steps(files, {3: {1, 2}, 6: {2}}, now=DAY + 2 * DAY_S - 1)

    assert [("series", 1, {1, 2, 4}, {3}, set(), LATE)] == [short(step) for step in found]


def test_what_came_after_its_inputs_had_gone_is_made_beside() -> None:
    """The old hour stays; detail and figures of the hour that are known say what not to count again."""
    files = [file(2, "spans"), file(3, "series", 1), file(4, "spans"), file(5, "entities", 1)]

    found = steps(files, {3: {1, 2}, 5: {1, 2}}, now=DAY + 2 * DAY_S - 1)

    expected: list[tuple[str, int, set[int], set[int], set[int], str]] = [
        ("entities", 1, {4}, set(), {2}, SIBLING),
        ("series", 1, {4}, set(), {2, 3}, SIBLING),
    ]
    assert expected == [short(step) for step in found]


def test_the_figures_of_a_day_stand_for_hours_that_have_gone() -> None:
    """They tell which services are measured when nothing finer does."""
    files = [file(4, "spans"), file(8, "series", 2), file(9, "series", 3)]

    found = [step for step in steps(files, {8: {3}, 9: {8}}) if step.kind == "series"]

    assert [("series", 1, {4}, set(), {8}, NEW)] == [short(step) for step in found]


def test_an_hour_waits_for_the_metrics_of_what_began_in_it() -> None:
    """Those of its last operation may come five minutes after the end of it; a day later, by default, all is there."""
    end = DAY + 4 * HOUR_S + 10
    files = [file(1, "points"), file(2, "spans", last_s=end), file(3, "spans"), file(4, "spans", period=DAY + HOUR_S)]

    before = [(step.kind, step.period) for step in steps(files, now=end + 299 + DAY_S)]
    found = [(step.kind, step.period) for step in steps(files, now=end + 300 + DAY_S)]

    assert [("entities", DAY + HOUR_S), ("series", DAY + HOUR_S)] == before
    assert [("entities", DAY), ("series", DAY), *before] == found


def test_the_hours_in_which_its_operations_end_tell_what_is_measured() -> None:
    """Their points, or their series where those are rolled up; nothing of hours that no operation of it reaches."""
    files = [
        file(1, "spans", last_s=DAY + 2 * HOUR_S + 3301), file(2, "points"), file(3, "points", period=DAY + HOUR_S),
        file(4, "points", period=DAY + 2 * HOUR_S), file(5, "series", 1, DAY + 2 * HOUR_S),
        file(6, "points", period=DAY + 3 * HOUR_S), file(7, "points", period=DAY + 4 * HOUR_S),
    ]  # fmt: skip

    found = [step for step in steps(files, {5: {4}}) if (step.kind, step.period) == ("series", DAY)]

    assert [("series", 1, {1, 2}, set(), {3, 5, 6}, NEW)] == [short(step) for step in found]


def test_an_hour_that_was_made_again_makes_its_day_again() -> None:
    """The day covers what the new hour took the place of; it is made of all that its inputs stand for now."""
    files = [file(5, "series", 1), file(6, "series", 1, DAY + HOUR_S), file(7, "series", 2)]

    found = steps(files, {7: {3, 6}, 5: {1}}, {3: 4, 4: 5}, now=DAY + 3 * DAY_S)

    assert [("series", 2, {5, 6}, {7}, set(), REMADE)] == [short(step) for step in found]


def test_two_files_of_one_period_become_one_when_both_can_be_made_again() -> None:
    """A sibling and the older one, whose inputs are all there."""
    files = [
        file(1, "series", 1),
        file(2, "series", 1),
        file(3, "series", 1),
        file(7, "series", 2),
        file(8, "series", 2),
    ]

    found = steps(files, {7: {1}, 8: {2}}, now=DAY + 3 * DAY_S)

    assert [("series", 2, {1, 2, 3}, {7, 8}, set(), LATE)] == [short(step) for step in found]


def test_what_can_not_be_made_again_is_said() -> None:
    """A part was made again and another part is gone: nothing is done about that period, and a sentence says so."""
    files = (file(4, "series", 1), file(7, "series", 2), file(9, "series", 1, DAY + DAY_S))

    found = due(Contents(files, {7: frozenset({3, 6})}, {3: 4}), Config(), DAY + 4 * DAY_S)

    assert [DAY + DAY_S] == [step.period for step in found.steps]
    expected = "file-7: a part of it was made again, but other parts are gone, so it cannot be"
    assert (f"{expected}; see `otel-verein store verify`",) == found.stuck
