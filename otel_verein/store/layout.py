"""Where everything in a store has its place.

Names of files are made of words of ours, dates and random digits: nothing that telemetry says becomes part of a path.
"""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import IntEnum
from pathlib import Path

from otel_verein.errors import StoreError

NANOSECONDS = 1_000_000_000
HOUR_S = 3600
TIERS = ("long", "medium", "short", "")
"""From the one that is kept longest; spans of services that know no tiers have none."""


class Level(IntEnum):
    """How coarse a file is."""

    DETAIL = 0
    HOUR = 1
    DAY = 2
    MONTH = 3


DETAIL_KINDS = ("spans", "findings", "points", "others")
ROLLUP_KINDS = ("series", "findings", "entities")

_RELATIVE = re.compile(
    r"detail/(?:spans|findings|points|others)/date=\d{4}-\d\d-\d\d/hour=\d\d/(?:long|medium|short|all)-[0-9a-f]{16}\.parquet"
    r"|rollup/(?:hour|day|month)/(?:series|findings|entities)/(?:\d{4}-\d\d-\d\dT\d\d|\d{4}-\d\d-\d\d|\d{4}-\d\d)"
    r"-[0-9a-f]{16}\.parquet"
)
_PATTERNS = {Level.HOUR: "%Y-%m-%dT%H", Level.DAY: "%Y-%m-%d", Level.MONTH: "%Y-%m"}


@dataclass(frozen=True, slots=True)
class Store:
    """The places of one store; what is said of a file is its path below *root*, with slashes."""

    root: Path

    @property
    def journal(self) -> Path:
        """The catalogue: a file counts if it is live there."""
        return self.root / "journal.sqlite"

    @property
    def lock(self) -> Path:
        """What a process that writes holds."""
        return self.root / "lock"

    @property
    def reserve(self) -> Path:
        """Room on the disk that is given up when there is no other."""
        return self.root / "reserve"

    @property
    def tmp(self) -> Path:
        """Unfinished files; whoever holds the lock may clear it."""
        return self.root / "tmp"

    @property
    def aside(self) -> Path:
        """What could not be taken, with the reason."""
        return self.root / "aside"

    @property
    def baselines(self) -> Path:
        """Named snapshots; nothing that deletes ever looks here."""
        return self.root / "baselines"

    @property
    def exists(self) -> bool:
        """Whether something was stored."""
        return self.journal.is_file() and self.journal.stat().st_size > 0

    def path(self, relative: str) -> Path:
        """The file at *relative*; raises StoreError for a path that no file of a store has."""
        if not is_place(relative):
            raise StoreError(f"{self.root}: {relative!r} is no place of a file in a store")
        return self.root / relative

    def unwritable(self, fault: OSError) -> StoreError:
        """The error to raise when the disk does not take something."""
        return StoreError(f"{self.root}: cannot be written to: {fault.strerror or fault}")

    def spilling(self, prefix: str) -> tempfile.TemporaryDirectory[str]:
        """A directory below ``tmp`` for what a query cannot hold in memory; raises StoreError if it cannot be made."""
        try:
            self.tmp.mkdir(parents=True, exist_ok=True)
            return tempfile.TemporaryDirectory(dir=self.tmp, prefix=prefix)
        except OSError as fault:
            raise self.unwritable(fault) from fault

    def files(self) -> list[str]:
        """Every Parquet file on disk, as relative paths, whether it counts or not."""
        found = [path for folder in ("detail", "rollup") for path in (self.root / folder).rglob("*.parquet")]
        return sorted(path.relative_to(self.root).as_posix() for path in found)


def is_place(relative: str) -> bool:
    """Whether a file of a store can have this relative path."""
    return _RELATIVE.fullmatch(relative) is not None


def new_place(kind: str, level: int, period: int, tier: str = "") -> str:
    """A relative path that no other file has."""
    moment, token = datetime.fromtimestamp(period, timezone.utc), os.urandom(8).hex()
    if level == Level.DETAIL:
        return f"detail/{kind}/date={moment:%Y-%m-%d}/hour={moment:%H}/{tier or 'all'}-{token}.parquet"
    return f"rollup/{Level(level).name.lower()}/{kind}/{moment:{_PATTERNS[Level(level)]}}-{token}.parquet"


def period_of(seconds: int, level: int) -> int:
    """The epoch second at which the hour, day or month (UTC) of *seconds* begins; of detail, its hour."""
    if level in (Level.DETAIL, Level.HOUR):
        return seconds - seconds % HOUR_S
    moment = datetime.fromtimestamp(seconds, timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    return int((moment if level == Level.DAY else moment.replace(day=1)).timestamp())


def period_end(period: int, level: int) -> int:
    """The epoch second at which the period that begins at *period* is over."""
    if level in (Level.DETAIL, Level.HOUR):
        return period + HOUR_S
    moment = datetime.fromtimestamp(period, timezone.utc)
    if level == Level.DAY:
        return int((moment + timedelta(days=1)).timestamp())
    return int((moment + timedelta(days=31)).replace(day=1).timestamp())
