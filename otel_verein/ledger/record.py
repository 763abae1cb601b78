"""One driver call: as the hook appends it, a plain list, and as the end of the operation reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from otel_verein.ledger.fingerprint import Fingerprint

if TYPE_CHECKING:
    from opentelemetry.trace import Span


class ConnectionTarget(NamedTuple):
    """Which database a query went to; what is not known is None."""

    system: str
    namespace: str | None = None
    address: str | None = None
    port: int | None = None


class QueryRecord(NamedTuple):
    """One driver call. Times are of the monotonic clock, the duration with its fetches.

    ``identity`` is equal for equal parameters, 0 for none, None where they could not be compared; ``batch`` is the
    size of an executemany, 0 otherwise.
    """

    fingerprint: Fingerprint
    start_ns: int
    duration_ns: int
    error: str | None
    parent: Span
    identity: int | None
    batch: int
    target: ConnectionTarget
    statement: str

    @property
    def values(self) -> int:
        """How many values the statement carries, at least: members of its batch, or entries of lists in its text."""
        return max(self.batch, self.statement.count(",") - self.fingerprint.text.count(",") + 1)

    @property
    def end_ns(self) -> int:
        """When the call, and what was fetched of its rows, would have ended if it had run in one go."""
        return self.start_ns + self.duration_ns


RecordFields = list[Any]
"""The fields of a :class:`QueryRecord`, in order: a list costs a quarter of one, and fetches can add their time.

A record that was folded into a group keeps no time of its own: its duration is None and its first field the group.
"""

FOUND, START, DURATION, ERROR, PARENT, IDENTITY, BATCH, TARGET, STATEMENT = range(9)


def add_fetch(record: RecordFields, duration_ns: int) -> None:
    """Add the time of a fetch to the statement that it reads from."""
    try:
        record[DURATION] += duration_ns
    except TypeError:  # folded
        record[FOUND].total_ns += duration_ns
