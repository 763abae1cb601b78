"""Which files of the tiers are past their days, and their deletion.

The file exporter deletes old files only as it begins a new one, so a quiet tier would keep its files for ever. Closed
files alone are looked at: the collector has the other one open.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from otel_verein.collector.mending import files
from otel_verein.collector.plan import Tier
from otel_verein.config.schema import Config

_CLOSED = re.compile(r"(?P<name>[a-z]+)-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}(?:-[a-z]+)?\.jsonl")


@dataclass(frozen=True, slots=True)
class ClosedFile:
    """A file that the collector has closed; it was last written to at *ended*, in UTC."""

    path: Path
    name: str
    ended: datetime
    size: int


def closed_files(directory: Path) -> list[ClosedFile]:
    """The closed files in the collector's *directory*."""
    found = []
    for path in files(directory):
        named = _CLOSED.fullmatch(path.name)
        if named is not None:
            status = path.stat()
            ended = datetime.fromtimestamp(status.st_mtime, timezone.utc)
            found.append(ClosedFile(path, named["name"], ended, status.st_size))
    return found


def days_of(config: Config) -> dict[str, int]:
    """How many days each kind of file is kept."""
    return {tier.value: getattr(config.tiers, f"{tier.value}_d") for tier in Tier} | {
        "metrics": config.retention.hourly_d
    }


def expired(found: Iterable[ClosedFile], days: Mapping[str, int], now: datetime) -> list[ClosedFile]:
    """Those whose last line is older than the days of their kind; one of an unknown kind never is."""
    return [each for each in found if each.name in days and now - each.ended > timedelta(days=days[each.name])]


def delete(found: Iterable[ClosedFile]) -> None:
    """Delete them; one that is gone already, since the collector deletes, too, is no fault."""
    for each in found:
        each.path.unlink(missing_ok=True)
