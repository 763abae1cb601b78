"""What is asked for, as people write it: points in time, and the two sides of a comparison."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Final

from otel_verein.sources.base import ALL, Ask

LAST_NS: Final = 2**63 - 1
"""The latest point in time that telemetry can name, in nanoseconds since the epoch: what an int64 holds."""

_AGO: Final = re.compile(r"(\d{1,9})([smhd])", re.ASCII).fullmatch
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison: what is asked for, or the name of a baseline and its number, None for the latest."""

    ask: Ask
    baseline: str | None = None
    number: int | None = None


def moment(text: str, now: float | None = None) -> int:
    """A point in time as nanoseconds since the epoch, from 0 to ``LAST_NS``.

    *text* is how long ago (90s, 30m, 12h, 7d), a date, which is its first moment, or RFC 3339; without an offset it is
    UTC. Raises ValueError for anything else.
    """
    given = text.strip()
    ago = _AGO(given)
    if ago:
        at = (time.time() if now is None else now) - int(ago[1]) * _UNITS[ago[2]]
        return max(0, round(at * _NS))
    try:
        when = datetime.fromisoformat(given.upper().replace("Z", "+00:00"))
    except ValueError:
        raise ValueError(
            f"{text!r} is no time; it has to be such as 2h, 7d, 2026-11-25 or 2026-11-25T09:30:00Z"
        ) from None
    when = when if when.tzinfo else when.replace(tzinfo=timezone.utc)
    return min(max(0, round(when.timestamp() * _NS)), LAST_NS)


def side(text: str, base: Ask = ALL, now: float | None = None) -> Side:
    """What *text* says: parts with a comma between them, each FROM..TO, release:VERSION, env:NAME or baseline:NAME.

    Raises ValueError for anything else.
    """
    ask, baseline, number = base, None, None
    for part in filter(None, (each.strip() for each in text.split(","))):
        word, colon, rest = part.partition(":")
        start, dots, end = part.partition("..")
        if colon and rest and word == "release":
            ask = replace(ask, version=rest)
        elif colon and rest and word == "env":
            ask = replace(ask, environment=rest)
        elif colon and rest and word == "baseline":
            baseline, number = _baseline(rest)
        elif dots and (start or end):
            window = (moment(start, now) if start else None, moment(end, now) if end else None)
            ask = replace(ask, start_ns=window[0], end_ns=window[1])
        else:
            raise ValueError(
                f"{part!r} is no side; it has to be such as 2d..1d, 1d.., release:1.2, env:staging or baseline:NAME"
            )
    return Side(ask, baseline, number)


def limited(ask: Ask, more: Ask) -> Ask:
    """What is asked for on a side: *ask*, and what the side says beyond it."""
    given = {name: value for name in Ask.__slots__ if (value := getattr(more, name)) is not None}
    return replace(ask, **given)


def _baseline(text: str) -> tuple[str, int | None]:
    name, at, number = text.rpartition("@")
    return (name, int(number)) if at and number.isdecimal() else (text, None)
