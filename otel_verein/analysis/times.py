"""Moments as answers show them."""

from __future__ import annotations

from datetime import datetime, timezone

from otel_verein.sources.rows import Window


def rfc3339(nanoseconds: int) -> str:
    """The moment, in nanoseconds since the epoch, as RFC 3339 in UTC, to the millisecond."""
    return rfc3339_of(datetime.fromtimestamp(nanoseconds // 1_000_000 / 1000, tz=timezone.utc))


def rfc3339_of(moment: datetime) -> str:
    """The *moment* as RFC 3339 in UTC, to the millisecond."""
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def window_dict(window: Window | None) -> dict[str, str | None]:
    """The JSON object of a window; None where nothing was measured."""
    if window is None:
        return {"start": None, "end": None}
    return {"start": rfc3339(window.start_ns), "end": rfc3339(window.end_ns)}
