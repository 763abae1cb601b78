"""psycopg 3: its asynchronous cursors, which every connection, pool and pipeline ends up with, and server-side ones.

Server-side cursors fetch over the network, and have no room for a record; here they are kept beside them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from otel_verein.instrumentation.drivers.aio_recording import Asked, AsyncTracer, Fetch, Query, Replacement, argument
from otel_verein.instrumentation.drivers.returned import told_by_awaited

_FETCHES = ("fetchone", "fetchmany", "fetchall", "scroll")


def replacements(root: Any, tracer: AsyncTracer) -> Iterator[Replacement]:
    """Recording forms of the methods of psycopg's asynchronous cursors.

    In a pipeline a call only queues its statement, so it is counted there and timed as what it is: short.
    """
    cursor, server_cursor = root.AsyncCursor, root.AsyncServerCursor
    yield cursor, "execute", tracer.awaiting(cursor.execute, _query, returned=told_by_awaited)
    yield cursor, "executemany", tracer.awaiting(cursor.executemany, _batch)
    yield cursor, "stream", tracer.streaming(cursor.stream, _query)
    yield cursor, "copy", tracer.entering(cursor.copy, _copy)
    # Its executemany only says that there is none.
    yield server_cursor, "execute", tracer.awaiting(server_cursor.execute, _query, lambda _: True)
    for name in (*_FETCHES, "__anext__"):
        if name in vars(server_cursor):  # before 3.2 they are iterated by a generator
            yield server_cursor, name, tracer.fetching(vars(server_cursor)[name])


def server_side(root: Any, tracer: AsyncTracer) -> Iterator[Replacement]:
    """Recording forms of the methods of psycopg's synchronous server-side cursors."""
    cursor = root.ServerCursor
    yield cursor, "execute", _executing(cursor.execute, tracer)
    for name in (*_FETCHES, "__next__"):
        if name in vars(cursor):
            yield cursor, name, _fetching(vars(cursor)[name], tracer)


def _executing(method: Callable[..., Any], tracer: AsyncTracer) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(cursor: Any, /, *args: Any, **kwargs: Any) -> Any:
        query = Query(tracer, _query(cursor, args, kwargs))
        try:
            with query:
                return method(cursor, *args, **kwargs)
        finally:
            if query.record is not None:
                tracer.keep(cursor, query.record)

    return call


def _fetching(method: Callable[..., Any], tracer: AsyncTracer) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(cursor: Any, /, *args: Any, **kwargs: Any) -> Any:
        with Fetch(tracer, tracer.kept(cursor)):
            return method(cursor, *args, **kwargs)

    return call


def _query(cursor: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Asked:
    return cursor.connection, argument(args, kwargs, 0, "query"), argument(args, kwargs, 1, "params"), None


def _copy(cursor: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Asked:
    return cursor.connection, argument(args, kwargs, 0, "statement"), argument(args, kwargs, 1, "params"), None


def _batch(cursor: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Asked:
    return cursor.connection, argument(args, kwargs, 0, "query"), None, argument(args, kwargs, 1, "params_seq")
