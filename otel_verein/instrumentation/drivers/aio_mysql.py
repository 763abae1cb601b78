"""aiomysql and asyncmy: the one cursor class of each that executes, and aiomysql's that fetches over the network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from otel_verein.instrumentation.drivers.aio_recording import Asked, AsyncTracer, Replacement, argument
from otel_verein.instrumentation.drivers.returned import told_by_awaited


def replacements(root: Any, tracer: AsyncTracer) -> Iterator[Replacement]:
    """Recording forms of the methods of aiomysql's cursors; all other classes of cursors inherit them."""
    cursor, unbuffered = root.cursors.Cursor, root.cursors.SSCursor

    def keeps(owner: Any) -> bool:
        return isinstance(owner, unbuffered)

    yield cursor, "execute", tracer.awaiting(cursor.execute, _query, keeps, told_by_awaited)
    yield cursor, "executemany", tracer.awaiting(tracer.covering(cursor.executemany), _batch)
    yield cursor, "callproc", tracer.awaiting(cursor.callproc, _procedure, keeps)
    # Below every public way to fetch, some of which call each other.
    yield unbuffered, "_read_next", tracer.fetching(unbuffered._read_next)


def replacements_of_asyncmy(root: Any, tracer: AsyncTracer) -> Iterator[Replacement]:
    """Recording forms of the methods of asyncmy's cursor, a C type that has no room for a record of its fetches."""
    cursor = root.cursors.Cursor
    yield cursor, "execute", tracer.awaiting(cursor.execute, _query, returned=told_by_awaited)
    yield cursor, "executemany", tracer.awaiting(tracer.covering(cursor.executemany), _batch)
    yield cursor, "callproc", tracer.awaiting(cursor.callproc, _procedure)


def _query(cursor: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Asked:
    return cursor.connection, argument(args, kwargs, 0, "query"), argument(args, kwargs, 1, "args"), None


def _batch(cursor: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Asked:
    return cursor.connection, argument(args, kwargs, 0, "query"), None, argument(args, kwargs, 1, "args")


def _procedure(cursor: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Asked:
    name = argument(args, kwargs, 0, "procname")
    statement = f"CALL {name}" if type(name) is str else None
    return cursor.connection, statement, argument(args, kwargs, 1, "args"), None
