"""Files of the tiers: torn ends are ended, and what is past its days goes."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from otel_verein.collector.expiry import ClosedFile, closed_files, days_of, delete, expired
from otel_verein.collector.mending import mend
from otel_verein.config.schema import Config, Retention, Tiers

NOW = datetime(2026, 11, 27, 12, tzinfo=timezone.utc)
DAYS = {"long": 90, "short": 7}


def file(directory: Path, name: str, text: str = "{}\n", *, days_old: float = 0) -> Path:
    """A file of the collector's, last written to some days ago."""
    path = directory / "otlp" / ("metrics" if name.startswith("metrics") else "spans") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    ended = (NOW - timedelta(days=days_old)).timestamp()
    os.utime(path, (ended, ended))
    return path


def test_a_line_without_end_is_ended(tmp_path: Path) -> None:
    """So that the next line of the collector stands by itself; whole files and empty ones stay as they are."""
    torn, whole, empty = (
        file(tmp_path, "long.jsonl", "{}\n{"),
        file(tmp_path, "short.jsonl"),
        file(tmp_path, "medium.jsonl", ""),
    )

    assert [each.path for each in mend(tmp_path)] == [torn]
    assert [path.read_text() for path in (torn, whole, empty)] == ["{}\n{\n", "{}\n", ""]
    assert mend(tmp_path) == []


def test_a_directory_that_is_not_there_has_nothing_to_mend(tmp_path: Path) -> None:
    """The first start."""
    assert mend(tmp_path / "none") == []


@pytest.mark.parametrize(
    ("name", "days_old", "gone"),
    [
        ("short-2026-11-01T10-00-00.000.jsonl", 7.1, True),
        ("short-2026-11-01T10-00-00.000.jsonl", 6.9, False),
        ("short-2026-11-01T10-00-00.000-size.jsonl", 7.1, True),
        ("long-2026-11-01T10-00-00.000.jsonl", 7.1, False),
        ("long-2026-11-01T10-00-00.000.jsonl", 90.1, True),
        ("other-2026-11-01T10-00-00.000.jsonl", 9000, False),
    ],
)
def test_a_closed_file_goes_by_its_last_line(tmp_path: Path, name: str, days_old: float, gone: bool) -> None:
    """By the days of its tier; the time in its name, when it was closed, is not asked."""
    path = file(tmp_path, name, days_old=days_old)

    found = expired(closed_files(tmp_path), DAYS, NOW)
    delete(found)

    assert (len(found) == 1, path.exists()) == (gone, not gone)


def test_the_file_that_the_collector_writes_to_stays(tmp_path: Path) -> None:
    """However old: the collector has it open, and what it writes next would be lost with it."""
    file(tmp_path, "short.jsonl", days_old=1000)

    assert closed_files(tmp_path) == []


def test_a_file_that_is_gone_already_is_no_fault(tmp_path: Path) -> None:
    """The collector deletes old files, too."""
    delete([ClosedFile(tmp_path / "short-2026-11-01T10-00-00.000.jsonl", "short", NOW, 1)])


def test_days_are_those_of_tiers_and_figures_those_of_hours() -> None:
    """Figures by the minute are kept as long as the figures by the hour that are made from them."""
    config = Config(tiers=Tiers(long_d=3, medium_d=2, short_d=1), retention=Retention(hourly_d=40))

    assert days_of(config) == {"long": 3, "medium": 2, "short": 1, "metrics": 40}
