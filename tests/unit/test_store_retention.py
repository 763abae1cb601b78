"""What may go, why, and what may not: the plan, before anything is deleted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from otel_verein.config.schema import Capabilities, Config, Retention, Tiers
from otel_verein.store.records import Contents, StoredFile
from otel_verein.store.retention import AsideFile, Plan, View, plan
from tests.unit.store_files import DAY, DAY_S, HOUR, MONTH, contents, stored

CONFIG = Config(
    retention=Retention(detail_d=7, hourly_d=90, daily_d=365, monthly_d=730, disk_mb=0),
    tiers=Tiers(long_d=90, medium_d=30, short_d=7),
)
POINTS, SERIES = stored(1, "points"), stored(2, "series", 1)
ROLLED = contents([POINTS, SERIES], {2: [1]})
AT_8_DAYS = HOUR + 8 * DAY_S


def planned(held: Contents, now: float, config: Config = CONFIG, **more: object) -> Plan:
    """The plan for what the journal says."""
    return plan(View(held, **more), config, now)  # type: ignore[arg-type]


def going(made: Plan) -> list[int]:
    """The numbers of the files that go, in order."""
    return [action.file.id for action in made.actions]


def why_held(made: Plan) -> dict[int, str]:
    """By number of each file that has to stay, the reason."""
    return {each.file.id: each.why for each in made.held}


def over(disk_mb: int) -> Config:
    """Settings with that disk budget."""
    return replace(CONFIG, retention=replace(CONFIG.retention, disk_mb=disk_mb))


@pytest.mark.parametrize(
    ("file", "days", "option"),
    [
        pytest.param(stored(1, "spans", tier="short"), 7, "tiers.short_d", id="short"),
        pytest.param(stored(1, "spans", tier="medium"), 30, "tiers.medium_d", id="medium"),
        pytest.param(stored(1, "spans", tier="long"), 90, "tiers.long_d", id="long"),
        pytest.param(stored(1, "spans"), 7, "retention.detail_d", id="spans without a tier"),
        pytest.param(stored(1, "points"), 7, "retention.detail_d", id="points"),
        pytest.param(stored(1, "findings"), 7, "retention.detail_d", id="findings"),
        pytest.param(stored(1, "others"), 7, "retention.detail_d", id="others"),
    ],
)
def test_detail_goes_after_the_days_of_its_tier(file: StoredFile, days: int, option: str):
    """They are counted from the end of its hour, and the reason names the option."""
    rollups = [stored(number, kind, 1) for number, kind in enumerate(("series", "findings", "entities"), start=2)]
    held = contents([file, *rollups], {each.id: [1] for each in rollups if file.kind != "others"})
    end = HOUR + 3600 + days * DAY_S

    assert (going(planned(held, end)), going(planned(held, end + 1))) == ([], [1])
    assert planned(held, end + 1).actions[0].why == f"older than {days} days ({option})"


@pytest.mark.parametrize(
    ("level", "period", "end"),
    [
        pytest.param(1, HOUR, DAY + DAY_S + 90 * DAY_S, id="hour"),
        pytest.param(2, DAY, MONTH + 31 * DAY_S + 365 * DAY_S, id="day"),
        pytest.param(3, MONTH, MONTH + 31 * DAY_S + 730 * DAY_S, id="month"),
    ],
)
def test_rollups_go_by_the_age_of_the_next_period(level: int, period: int, end: int):
    """Hours when their whole day is old enough, days when their month is; months by themselves."""
    held = contents([stored(1, "series", level, period), stored(2, "series", level + 1, MONTH)], {2: [1]})
    if level == 3:
        held = contents(held.files[:1])

    assert (going(planned(held, end)), going(planned(held, end + 1))) == ([], [1])


def test_each_deletion_names_the_rollups_that_it_rests_on():
    """Spans are in two of them."""
    files = [stored(1, "spans"), stored(2, "series", 1), stored(3, "entities", 1)]

    made = planned(contents(files, {2: [1], 3: [1]}), AT_8_DAYS)

    assert [(action.file.id, action.holders) for action in made.actions] == [(1, (2, 3))]


@pytest.mark.parametrize(
    ("held", "reason"),
    [
        pytest.param(contents([POINTS]), "the series of its hour do not hold it yet", id="never rolled up"),
        pytest.param(
            contents([stored(1, "spans"), SERIES], {2: [1]}),
            "the entities of its hour do not hold it yet",
            id="one of two rollups is missing",
        ),
        pytest.param(
            contents([POINTS, SERIES, stored(3, "spans", tier="long")], {2: [1]}),
            "other files of its hour are not in the series yet",
            id="something came late",
        ),
        pytest.param(
            contents([POINTS], {2: [1]}), "the series of its hour do not hold it yet", id="the rollup was replaced"
        ),
    ],
)
def test_detail_that_is_not_held_by_a_rollup_stays(held: Contents, reason: str):
    """However old it is, and the plan says so."""
    made = planned(held, AT_8_DAYS)

    assert (going(made), why_held(made)) == ([], {1: f"older than 7 days (retention.detail_d), but {reason}"})


def test_hours_stay_while_their_day_has_to_be_made_anew():
    """Without them it could not be."""
    hour, again, day = stored(2, "series", 1), stored(4, "series", 1, HOUR + 3600), stored(3, "series", 2, DAY)
    held = contents([hour, again, day], {3: [2, 9]}, {9: 4})

    made = planned(held, DAY + 92 * DAY_S)

    reason = "older than 90 days (retention.hourly_d), but the series of its day have to be made anew first"
    assert (going(made), why_held(made)) == ([], {2: reason, 4: reason})


def test_days_stay_while_a_finer_rollup_was_made_anew():
    """A month that holds a day which holds an hour that was replaced is not right either."""
    files = [stored(4, "series", 1), stored(5, "series", 2, DAY), stored(6, "series", 3, MONTH)]
    held = contents(files, {5: [9], 6: [5]}, {9: 4})

    made = planned(held, MONTH + 400 * DAY_S)

    assert {each.file.id: each.file.level for each in made.held} == {4: 1, 5: 2}


def test_the_hours_of_a_day_go_together():
    """One that is not in the day yet keeps the others."""
    hours = [stored(1, "series", 1), stored(2, "series", 1, HOUR + 3600)]
    day = stored(3, "series", 2, DAY)
    now = DAY + 92 * DAY_S

    assert going(planned(contents([*hours, day], {3: [1, 2]}), now)) == [1, 2]
    assert going(planned(contents([*hours, day], {3: [1]}), now)) == []


def test_a_rollup_goes_after_what_it_was_made_from():
    """Else that would count a second time, beside the day; once it goes, so may the hour."""
    spans = stored(1, "spans", tier="long")
    rollups = [
        stored(2, "series", 1),
        stored(3, "entities", 1),
        stored(4, "series", 2, DAY),
        stored(5, "entities", 2, DAY),
    ]
    held = contents([spans, *rollups], {2: [1], 3: [1], 4: [2], 5: [3]})
    now = DAY + 92 * DAY_S
    kept = replace(CONFIG, tiers=Tiers(long_d=100, medium_d=30, short_d=7))

    made = planned(held, now, kept)

    reason = "older than 90 days (retention.hourly_d), but 1 finer file(s) that it was made from are still kept"
    assert (going(made), why_held(made)) == ([], {2: reason, 3: reason})
    assert going(planned(held, now)) == [1, 3, 2]


def test_without_the_capability_nothing_goes():
    """``capabilities.retention: false`` is no rolling up and no deleting."""
    off = replace(CONFIG, capabilities=Capabilities(retention=False))

    assert planned(ROLLED, AT_8_DAYS, off, asides=(AsideFile("a.jsonl", 5, 0.0),)) == Plan(used_bytes=2_000_005)


def test_what_was_set_aside_goes_with_the_detail():
    """By the time of its last line."""
    old, new = AsideFile("old.jsonl", 10, AT_8_DAYS - 7 * DAY_S - 1), AsideFile("new.jsonl", 10, AT_8_DAYS - 7 * DAY_S)

    assert planned(contents([]), AT_8_DAYS, asides=(old, new)).asides == (old,)


def test_within_the_budget_nothing_goes_before_its_time():
    """A megabyte is 1,000,000 bytes; exactly full is not over."""
    assert going(planned(ROLLED, HOUR + DAY_S, over(2))) == []


def test_over_the_budget_the_oldest_and_least_severe_goes_first():
    """Short traces, those without a tier, medium, long; then other detail; oldest first; no more than needed."""
    tiers = ["long", "medium", "", "short"]
    spans = [stored(number, "spans", tier=tier) for number, tier in enumerate(tiers, start=1)]
    older = stored(5, "spans", 0, HOUR - 3600, tier="short")
    rollups = [stored(7, "series", 1), stored(8, "entities", 1), stored(9, "series", 1, HOUR - 3600)]
    files = [*spans, older, stored(6, "points"), *rollups, stored(10, "entities", 1, HOUR - 3600)]
    held = contents(files, {7: [1, 2, 3, 4, 6], 8: [1, 2, 3, 4], 9: [5], 10: [5]})

    orders = [going(planned(held, HOUR + DAY_S, over(budget))) for budget in (9, 8, 4)]

    assert orders == [[5], [5, 4], [5, 4, 3, 2, 1, 6]]
    assert planned(held, HOUR + DAY_S, over(9)).actions[0].why == "the store takes more than 9 MB (retention.disk_mb)"


def test_what_takes_room_beside_the_files_counts_against_the_budget():
    """The journal, for one."""
    assert going(planned(ROLLED, HOUR + DAY_S, over(2), other_bytes=1)) == [1]


def test_a_budget_that_cannot_be_kept_is_said():
    """Detail that is not rolled up yet stays, and the plan says how much is too much."""
    made = planned(contents([POINTS, stored(2, "spans")]), HOUR + DAY_S, over(1))

    assert why_held(made) == {
        1: "the store takes more than 1 MB (retention.disk_mb), but the series of its hour do not hold it yet",
        2: "the store takes more than 1 MB (retention.disk_mb), but the series of its hour do not hold it yet",
    }
    assert made.figures() == {
        "files": 0, "asides": 0, "held": 2, "used_bytes": 2_000_000, "freed_bytes": 0, "budget_bytes": 1_000_000,
        "over_bytes": 1_000_000,
    }  # fmt: skip


def test_the_budget_takes_hours_and_days_but_no_months():
    """Of what is left when all detail is gone, months are the last that holds it."""
    files = [stored(2, "series", 1), stored(3, "series", 2, DAY), stored(4, "series", 3, MONTH)]
    held = contents([POINTS, *files], {2: [1], 3: [2], 4: [3]})

    made = planned(held, MONTH + 33 * DAY_S, replace(over(1), retention=replace(over(1).retention, detail_d=60)))

    assert (going(made), made.over_bytes) == ([1, 2, 3], 0)


def test_what_goes_by_age_counts_for_the_budget():
    """It makes the room, so that nothing else has to go."""
    young = stored(3, "points", 0, HOUR + 7 * DAY_S)
    held = contents([POINTS, SERIES, young, stored(4, "series", 1, HOUR + 7 * DAY_S)], {2: [1], 4: [3]})

    assert going(planned(held, AT_8_DAYS, over(3))) == [1]
