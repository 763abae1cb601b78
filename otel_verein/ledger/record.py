"""One driver call, as the hook appends it and the end of the operation reads it: a plain list."""

from __future__ import annotations

from typing import Any, NamedTuple


class ConnectionTarget(NamedTuple):
    """Which database a query went to; what is not known is None."""

    system: str
    namespace: str | None = None
    address: str | None = None
    port: int | None = None


RecordFields = list[Any]
"""One driver call: a list costs a quarter of an object, and fetches can add their time.

Its fields, by the places below: the fingerprint; start and duration by the monotonic clock, the duration with its
fetches; the name of the error or None; the parent span; the identity of the parameters, equal for equal ones, 0 for
none and None where they could not be compared; the size of an executemany, 0 otherwise; the target; the statement.
A slow query may have one more, the rows it returned, where the driver told them.
A record that was folded into a group keeps no time of its own: its duration is None, and its first field takes what
fetches add.
"""

FOUND, START, DURATION, ERROR, PARENT, IDENTITY, BATCH, TARGET, STATEMENT = range(9)
ROWS = STATEMENT + 1

LONGEST_TEXT = 16_384
"""Characters of a statement that a record holds at most; a thousand of them wait for the end of an operation."""


def add_fetch(record: RecordFields, duration_ns: int) -> None:
    """Add the time of a fetch to the statement that it reads from."""
    try:
        record[DURATION] += duration_ns
    except TypeError:  # folded
        record[FOUND].total_ns += duration_ns


def rows_of(record: RecordFields) -> int | None:
    """The rows that a query returned; None where they are unknown, as they are for all that are not slow."""
    return record[ROWS] if len(record) > ROWS else None


def shortened(statement: str, identity: int | None) -> tuple[str, int | None]:
    """What a record holds of a statement that is longer than :data:`LONGEST_TEXT`, and of its parameters.

    Statements of one beginning are still told apart: the identity is that of the whole text, too.
    """
    return statement[:LONGEST_TEXT], None if identity is None else hash((statement, identity))


def values_of(record: RecordFields) -> int:
    """How many values the statement carries, at least: members of its batch, or entries of lists in its text."""
    return int(max(record[BATCH], record[STATEMENT].count(",") - record[FOUND].text.count(",") + 1))
