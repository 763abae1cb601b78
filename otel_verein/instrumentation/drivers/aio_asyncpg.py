"""asyncpg: connections, prepared statements and portals; pools and their proxies end up in these.

To prepare a statement is no query, unless that fails: then the statement will never run, and this was its attempt.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from otel_verein.instrumentation.drivers.aio_recording import (
    Asked,
    AsyncTracer,
    Fetch,
    Query,
    Reader,
    Replacement,
    argument,
)
from otel_verein.instrumentation.drivers.returned import all_of, first_of
from otel_verein.ledger.record import ConnectionTarget, RecordFields

_SINGLE = ("execute", "fetch", "fetchval", "fetchrow")
_BATCHES = ("executemany", "fetchmany")
_FETCHES = ("fetch", "fetchrow", "forward")
_RETURNED = {"fetch": all_of, "fetchval": first_of, "fetchrow": first_of}


class AsyncpgTracer(AsyncTracer):
    """A connection of asyncpg tells its target in no public way."""

    def _read_target(self, connection: Any) -> ConnectionTarget:
        address = connection._addr
        host, port = address if isinstance(address, tuple) else (address, None)
        return ConnectionTarget(self._driver.system, connection._params.database, host, port)


def replacements(root: Any, tracer: AsyncTracer) -> Iterator[Replacement]:
    """Recording forms of the methods of asyncpg's connections, prepared statements and cursors."""
    guarded = root.connresource.guarded
    yield from _of_connections(root.Connection, tracer)
    statement = root.prepared_stmt.PreparedStatement
    for names, read in _OF_PREPARED:
        for name in names:
            if name in vars(statement):
                make = functools.partial(tracer.awaiting, read=read, returned=_RETURNED.get(name))
                yield statement, name, _checked(guarded, vars(statement)[name], make)
    yield from Portals(tracer).replacements(root.cursor, guarded)


def _of_connections(connection: Any, tracer: AsyncTracer) -> Iterator[Replacement]:
    for names, read in _OF_CONNECTIONS:
        for name in names:
            if name in vars(connection):
                yield connection, name, tracer.awaiting(vars(connection)[name], read, returned=_RETURNED.get(name))
    # It asks the server to quote the arguments first.
    copying = tracer.covering(connection.copy_from_query)
    yield connection, "copy_from_query", tracer.awaiting(copying, _copying_query)
    yield connection, "reset", tracer.covering(connection.reset)
    yield connection, "prepare", _preparing(connection.prepare, tracer)


def _checked(guarded: Callable[..., Any], method: Any, make: Callable[..., Any]) -> Any:
    """*method* made anew under the driver's own check, which raises when it is called, not when it is awaited."""
    return guarded(make(method.__wrapped__))


def _preparing(method: Callable[..., Any], tracer: AsyncTracer) -> Callable[..., Any]:
    @functools.wraps(method)
    async def call(connection: Any, /, *args: Any, **kwargs: Any) -> Any:
        if tracer.covers(connection):
            return await method(connection, *args, **kwargs)
        with Query(tracer, _single(connection, args[:1], kwargs), only_failed=True):
            return await method(connection, *args, **kwargs)

    return call


def _single(connection: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Asked:
    return connection, argument(args, kwargs, 0, "query"), args[1:] or None, None


def _batch(connection: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Asked:
    statement = argument(args, kwargs, 0, "command")
    if statement is None:
        statement = kwargs.get("query")
    return connection, statement, None, argument(args, kwargs, 1, "args")


def _prepared(statement: Any, args: tuple[Any, ...], _: dict[str, Any]) -> Asked:
    return statement._connection, statement._query, args or None, None


def _prepared_batch(statement: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Asked:
    return statement._connection, statement._query, None, argument(args, kwargs, 0, "args")


def _copying(direction: str) -> Reader:
    def read(connection: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Asked:
        table = argument(args, kwargs, 0, "table_name")
        if type(table) is not str:
            return connection, None, None, None
        names = (name for name in (kwargs.get("schema_name"), table) if type(name) is str)
        return connection, f"COPY {'.'.join(map(_quoted, names))} {direction}", None, None

    return read


def _copying_query(connection: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Asked:
    query = argument(args, kwargs, 0, "query")
    return connection, f"COPY ({query}) TO STDOUT" if type(query) is str else None, args[1:] or None, None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


_OF_CONNECTIONS = (
    (_SINGLE, _single),
    (_BATCHES, _batch),
    (("copy_from_table",), _copying("TO STDOUT")),
    (("copy_to_table", "copy_records_to_table"), _copying("FROM STDIN")),
)
_OF_PREPARED = ((("fetch", "fetchval", "fetchrow"), _prepared), (_BATCHES, _prepared_batch))


class Portals:
    """Cursors: opening one is the query, all else adds its time.

    They have neither a dictionary nor weak references, so their records are kept by identity until they die.
    """

    def __init__(self, tracer: AsyncTracer) -> None:
        self._tracer = tracer
        self._records: dict[int, RecordFields | None] = {}

    def __len__(self) -> int:
        """How many cursors there are."""
        return len(self._records)

    def replacements(self, module: Any, guarded: Callable[..., Any]) -> Iterator[Replacement]:
        """Recording forms of the methods of both kinds of cursors."""
        base, portal, iterator = module.BaseCursor, module.Cursor, module.CursorIterator
        yield base, "__del__", self._forgetting(base.__del__)
        yield portal, "_init", self._opening_or_fetching(portal._init)
        for owner, names in ((portal, _FETCHES), (iterator, ("__anext__",))):
            for name in names:
                yield owner, name, _checked(guarded, vars(owner)[name], self._opening_or_fetching)

    def _opening_or_fetching(self, method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        async def call(cursor: Any, /, *args: Any, **kwargs: Any) -> Any:
            if id(cursor) in self._records:
                with Fetch(self._tracer, self._records[id(cursor)]):
                    return await method(cursor, *args, **kwargs)
            query = Query(self._tracer, (cursor._connection, cursor._query, cursor._args or None, None))
            try:
                with query:
                    return await method(cursor, *args, **kwargs)
            finally:
                self._records[id(cursor)] = query.record

        return call

    def _forgetting(self, method: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(method)
        def call(cursor: Any) -> None:
            self._records.pop(id(cursor), None)
            method(cursor)

        return call
