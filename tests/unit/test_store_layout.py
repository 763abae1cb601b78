"""Where files of a store have their places, and that nothing else can be one."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from otel_verein.errors import StoreError
from otel_verein.store.layout import Level, Store, is_place, new_place, period_end, period_of


def seconds(text: str) -> int:
    """The epoch second of a time in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp())


@pytest.mark.parametrize(
    ("level", "begin", "end"),
    [
        (Level.DETAIL, "2028-02-29T23:00:00", "2028-03-01T00:00:00"),
        (Level.HOUR, "2028-02-29T23:00:00", "2028-03-01T00:00:00"),
        (Level.DAY, "2028-02-29T00:00:00", "2028-03-01T00:00:00"),
        (Level.MONTH, "2028-02-01T00:00:00", "2028-03-01T00:00:00"),
    ],
)
def test_periods_are_those_of_the_calendar_in_utc(level: Level, begin: str, end: str) -> None:
    """The last second of a leap February lies in its hour, its day and its month."""
    moment = seconds("2028-02-29T23:59:59")

    assert period_of(moment, level) == seconds(begin)
    assert period_end(period_of(moment, level), level) == seconds(end)


def test_a_december_ends_with_the_year() -> None:
    """The month after December is a January."""
    assert period_end(seconds("2026-12-01T00:00:00"), Level.MONTH) == seconds("2027-01-01T00:00:00")


@pytest.mark.parametrize(
    ("kind", "level", "tier", "begin"),
    [
        ("spans", Level.DETAIL, "long", "detail/spans/date=2026-03-01/hour=10/long-"),
        ("points", Level.DETAIL, "", "detail/points/date=2026-03-01/hour=10/all-"),
        ("series", Level.HOUR, "", "rollup/hour/series/2026-03-01T10-"),
        ("entities", Level.DAY, "", "rollup/day/entities/2026-03-01-"),
        ("findings", Level.MONTH, "", "rollup/month/findings/2026-03-"),
    ],
)
def test_every_new_place_is_a_place_and_new(kind: str, level: Level, tier: str, begin: str) -> None:
    """A path says kind, level and period, and no two are the same."""
    places = {new_place(kind, level, seconds("2026-03-01T10:00:00"), tier) for _ in range(20)}

    assert len(places) == 20
    assert all(place.startswith(begin) and is_place(place) for place in places)


@pytest.mark.parametrize(
    "relative",
    [
        "../journal.sqlite",
        "/etc/passwd",
        "detail/spans/date=2026-03-01/hour=10/../../../../x.parquet",
        "detail/spans/date=2026-03-01/hour=10/long-0123456789abcdef.parquet\n",
        "detail/spans/date=2026-03-01/hour=10/deep/long-0123456789abcdef.parquet",
        "rollup/year/series/2026-0123456789abcdef.parquet",
        "baselines/x.parquet",
        "",
    ],
)
def test_a_path_that_no_file_of_a_store_has_is_refused(tmp_path: Path, relative: str) -> None:
    """Whatever a journal or an archive says, nothing outside the two folders is read, written or deleted."""
    with pytest.raises(StoreError) as caught:
        Store(tmp_path).path(relative)

    assert str(caught.value) == f"{tmp_path}: {relative!r} is no place of a file in a store"
