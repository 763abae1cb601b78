"""How many rows a query returned, where the driver knows without fetching: asked of slow queries alone.

A slow statement that returns few rows may lack an index, which time alone does not tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from otel_verein.faults import Faults
from otel_verein.ledger.record import LONGEST_TEXT, STATEMENT, RecordFields

RowsOf = Callable[[Any], int | None]
"""The rows of what a cursor ran last; None where there are none to return, or where it does not know them."""

RowsOfAwaited = Callable[[Any, Any, Any], int | None]
"""The same for an awaited call: from the object whose method was called, the statement, and what it gave."""

Note = Callable[[RecordFields, Any], None]
"""Adds to the record of a query the rows that its cursor tells; never raises."""

_UNKNOWN_FROM: Final = 1 << 63
"""PyMySQL and its kin say 2**64 - 1 where the rows are still in the server."""
_RETURNS: Final = re.compile(r"\s*(?:SELECT|TABLE|VALUES)\b", re.I)
_ORDERED: Final = re.compile(r"\bORDER\s+BY\b", re.I)
_PROCEDURE: Final = re.compile(r"\s*(?:CALL|EXEC|EXECUTE)\b", re.I)


def told(cursor: Any) -> int | None:
    """By ``rowcount``, of cursors that hold all rows of their result."""
    if cursor.description is None:  # of rows that were written
        return None
    count = cursor.rowcount
    return count if type(count) is int and 0 <= count < _UNKNOWN_FROM else None


def held(cursor: Any) -> int | None:
    """By the rows that a buffered cursor of mysql-connector holds; ``rowcount`` of the others is 0 until a fetch."""
    rows = getattr(cursor, "_rows", None)
    return len(rows) if type(rows) is list else None


def told_by_awaited(cursor: Any, _: Any, __: Any) -> int | None:
    """:func:`told`, for cursors whose calls are awaited."""
    return told(cursor)


def all_of(_: Any, statement: Any, rows: Any) -> int | None:
    """Of asyncpg's ``fetch``, whose list is empty for a statement that returns no rows, too."""
    if type(rows) is not list:
        return None
    return len(rows) if rows or _RETURNS.match(statement) else None


def first_of(_: Any, statement: Any, found: Any) -> int | None:
    """Of asyncpg's ``fetchrow`` and ``fetchval``, which have the server stop at the first row.

    None for what was sorted before: its first row took all of them. None too for a value that is no value, since
    there may have been a row.
    """
    return None if found is None or _ORDERED.search(statement) else 1


def is_one(statement: str) -> bool:
    """Whether *statement*, as a record holds it, surely has one result; else the rows may be those of a part."""
    return len(statement) < LONGEST_TEXT and ";" not in statement.rstrip("; \t\r\n") and not _PROCEDURE.match(statement)


def noting(rows_of: RowsOf, faults: Faults) -> Note:
    """What adds the rows of a cursor to a record, by *rows_of*; a fault is reported, and the rows are unknown."""

    def note(record: RecordFields, cursor: Any) -> None:
        with faults.guard("instrumentation.rows"):
            rows = rows_of(cursor) if is_one(record[STATEMENT]) else None
            if rows is not None:
                record.append(rows)

    return note
