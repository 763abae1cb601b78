"""What became of one export: the word between whoever sends and whoever decides what to do next.

OpenTelemetry's exporters answer SUCCESS or FAILURE. Ours also say why, in :attr:`Tells.last`, so that the outbox can
wait, split, or give up.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple, Protocol, runtime_checkable


class Outcome(Enum):
    """What can become of an export."""

    TAKEN = "taken"
    LATER = "later"
    """Not now: a connection that failed, a server that is busy, a disk that is full."""
    TOO_LARGE = "too_large"
    """In smaller pieces."""
    REFUSED = "refused"
    """Never."""


class Delivery(NamedTuple):
    """What became of one export."""

    outcome: Outcome
    why: str = ""
    """One clause for a person, such as ``cannot send to http://collector:4318: connection refused``."""
    retry_after_s: float | None = None
    rejected: int = 0
    """Spans or points that the other side did not take although it took the request."""


TAKEN = Delivery(Outcome.TAKEN)


@runtime_checkable
class Tells(Protocol):
    """An exporter that says what became of its last export; None before the first."""

    last: Delivery | None


def delivery_of(exporter: object, succeeded: bool) -> Delivery:
    """What *exporter* tells of its last export; of one that tells nothing, that it *succeeded* or never will."""
    told = exporter.last if isinstance(exporter, Tells) else None
    if told is not None:
        return told
    return TAKEN if succeeded else Delivery(Outcome.REFUSED, f"{type(exporter).__name__} says that it failed")
