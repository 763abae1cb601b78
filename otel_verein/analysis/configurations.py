"""Which processes run which configuration, and which of them lag behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from otel_verein.sources.rows import ConfigurationRow

CURRENT = "current"
LAGGING = "lagging"
INVALID = "invalid"
RESTART_NEEDED = "restart_needed"
GONE = "gone"
UNKNOWN = "unknown"
LAGS = frozenset((LAGGING, INVALID, RESTART_NEEDED, UNKNOWN))
"""What is not as it should be, or cannot be told to be."""


@dataclass(frozen=True, slots=True)
class ProcessConfiguration:
    """One process as it last reported; *status* is current, lagging, invalid, restart_needed, gone or unknown.

    *expected* is the digest of what it should run, None if that is not known.
    """

    service: str
    instance: str | None
    pid: int | None
    host: str | None
    environment: str
    digest: str
    expected: str | None
    status: str
    seen: datetime


def process_configurations(
    rows: Sequence[ConfigurationRow], expected: Mapping[str, str | None], now: datetime, older_than: timedelta
) -> tuple[ProcessConfiguration, ...]:
    """Judge every process by *expected*, the digest by environment; one not seen for *older_than* is gone."""
    return tuple(_judged(row, expected.get(row.environment), now, older_than) for row in rows)


def _judged(row: ConfigurationRow, expected: str | None, now: datetime, older_than: timedelta) -> ProcessConfiguration:
    seen = datetime.fromtimestamp(row.seen_ns / 1e9, tz=timezone.utc)
    if now - seen > older_than:
        status = GONE
    elif row.state in (INVALID, RESTART_NEEDED):
        status = row.state
    elif expected is None:
        status = UNKNOWN
    else:
        status = CURRENT if row.digest == expected else LAGGING
    return ProcessConfiguration(
        row.service, row.instance, row.pid, row.host, row.environment, row.digest, expected, status, seen
    )
