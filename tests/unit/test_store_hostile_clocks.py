"""Clocks: each span is in the hour in which it began, whenever it comes; impossible times are set aside and counted."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pytest

from otel_verein.config.sections.storing import Store as StoreConfig
from otel_verein.store.ingest import IngestResult, ingest
from otel_verein.store.layout import Store
from otel_verein.store.lock import held
from otel_verein.store.verify import verify
from tests.unit.hostile_points import histogram, point
from tests.unit.hostile_segments import line, span

SECOND_NS = 1_000_000_000
HOUR_NS = 3600 * SECOND_NS
NOON_NS = 1_795_003_200 * SECOND_NS
"""2026-11-18 12:00 UTC."""


def taken(directory: Path, content: bytes, now_ns: int, config: StoreConfig | None = None) -> IngestResult:
    """Ingest one more segment when a clock says *now_ns*, and look at the whole store."""
    store, source = Store(directory / "store"), directory / "segments"
    source.mkdir(exist_ok=True)
    (source / "a.jsonl").write_bytes(content)
    os.utime(source / "a.jsonl", (0, 0))  # nobody has written to it for long
    with held(store, "ingest", 0):
        result = ingest(store, [source], config or StoreConfig(), now_ns=now_ns)
    assert () == verify(store).problems
    return result


def at(*moments_ns: int, number: int = 1) -> bytes:
    """A line with a span of one second for each moment."""
    times = [{"startTimeUnixNano": str(each), "endTimeUnixNano": str(each + SECOND_NS)} for each in moments_ns]
    return line(*(span(number + place, **each) for place, each in enumerate(times)))


def hours(directory: Path, kind: str = "spans") -> dict[str, int]:
    """The rows of each hour, by the folders they are in."""
    files = f"{directory}/store/detail/{kind}/**/*.parquet"
    rows = duckdb.sql(
        f"SELECT strftime(date, '%Y-%m-%d') || ' ' || lpad(hour::VARCHAR, 2, '0'), count(*) "
        f"FROM read_parquet('{files}', hive_partitioning = true) GROUP BY ALL"
    ).fetchall()
    return dict(sorted(rows))


def reasons(result: IngestResult) -> dict[str, int]:
    """Items set aside, by reason."""
    return {aside.reason: aside.items for aside in result.asides}


def test_late_spans_are_in_their_hour(tmp_path: Path) -> None:
    """Whether they come with others or in a run of their own."""
    taken(tmp_path, at(NOON_NS, NOON_NS - HOUR_NS - 1, NOON_NS - 1), NOON_NS + HOUR_NS)
    taken(tmp_path, at(NOON_NS - 30 * 24 * HOUR_NS, NOON_NS + 1, number=10), NOON_NS + HOUR_NS)

    assert {"2026-10-19 12": 1, "2026-11-18 10": 1, "2026-11-18 11": 1, "2026-11-18 12": 2} == hours(tmp_path)


def test_late_points_are_in_the_hour_in_which_they_end(tmp_path: Path) -> None:
    """An interval that goes over an hour belongs to the later one; of a minute that just ended, to that minute."""
    content = b"".join(
        point("exponentialHistogram", histogram(startTimeUnixNano=str(end - 60 * SECOND_NS), timeUnixNano=str(end)))
        for end in (NOON_NS - 1, NOON_NS, NOON_NS + 1, NOON_NS - 5 * HOUR_NS)
    )

    taken(tmp_path, content, NOON_NS + HOUR_NS)

    assert {"2026-11-18 07": 1, "2026-11-18 11": 1, "2026-11-18 12": 1} == hours(tmp_path, "points")


@pytest.mark.parametrize(
    ("shift_ns", "expected"),
    [(0, {}), (-HOUR_NS, {}), (HOUR_NS, {}), (HOUR_NS + 1, {"later than now": 1})],
    ids=["now", "an hour ago", "within the hour", "past it"],
)
def test_a_clock_may_be_ahead_by_an_hour(tmp_path: Path, shift_ns: int, expected: dict[str, int]) -> None:
    """``store.future_s``: what ends later than that cannot be, and would be in an hour that is never rolled up."""
    content = at(NOON_NS + shift_ns - SECOND_NS)

    assert expected == reasons(taken(tmp_path, content, NOON_NS))


def test_how_far_ahead_is_an_option(tmp_path: Path) -> None:
    """In seconds, from the end of the span."""
    content = at(NOON_NS + 5 * SECOND_NS, NOON_NS + 20 * SECOND_NS)

    result = taken(tmp_path, content, NOON_NS, StoreConfig(future_s=10.0))

    assert (1, {"later than now": 1}) == (result.tallies["spans"], reasons(result))


def test_clock_that_jumps_sets_aside_what_it_cannot_believe(tmp_path: Path) -> None:
    """What came while it was wrong is kept with the reason, and nothing that is stored changes."""
    there = at(NOON_NS, NOON_NS + HOUR_NS // 2)
    right = taken(tmp_path, there, NOON_NS + HOUR_NS)
    before = hours(tmp_path)
    back = taken(tmp_path, at(NOON_NS + HOUR_NS // 2, number=10), NOON_NS - 24 * HOUR_NS)
    between = hours(tmp_path)
    forth = taken(tmp_path, at(NOON_NS + HOUR_NS, number=20), NOON_NS + 2 * HOUR_NS)

    assert ({}, {"later than now": 1}, {}) == (reasons(right), reasons(back), reasons(forth))
    assert before == between == {"2026-11-18 12": 2}
    assert {"2026-11-18 12": 2, "2026-11-18 13": 1} == hours(tmp_path)


def test_clocks_of_processes_may_differ(tmp_path: Path) -> None:
    """A child that seems to begin before its parent is taken as it is."""
    parent, child = NOON_NS, NOON_NS - 3 * SECOND_NS

    result = taken(tmp_path, at(parent, child), NOON_NS)

    assert (2, {}) == (result.tallies["spans"], reasons(result))


@pytest.mark.parametrize("moment", [0, 1, 946_684_799_999_999_999, -1], ids=["zero", "1970", "1999", "negative"])
def test_no_time_at_all_is_counted(tmp_path: Path, moment: int) -> None:
    """A machine without a clock begins in 1970: that is no hour of anything that happened."""
    reason = "before the year 2000" if moment else "no time of start or end"
    content = line(span(1, startTimeUnixNano=str(moment)), span(2))

    result = taken(tmp_path, content, NOON_NS)

    assert (1, {reason: 1}) == (result.tallies["spans"], reasons(result))
    assert 1 == result.tallies["spans_aside"]
