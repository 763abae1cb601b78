"""Awaited driver calls: booked as synchronous ones are, by the coroutine that awaits them.

The time of a call is that of the await, so it holds what the driver waited for: its lock, the network, the database.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Generic, TypeVar
from weakref import ref

from otel_verein.clock import Clock
from otel_verein.faults import FAULTS, Faults
from otel_verein.instrumentation.drivers.dbapi import LedgerTracer, current_span
from otel_verein.instrumentation.drivers.returned import RowsOfAwaited
from otel_verein.instrumentation.drivers.table import Driver
from otel_verein.instrumentation.script.command import COMMAND
from otel_verein.ledger.operation import SPAN_ATTRIBUTE
from otel_verein.ledger.record import ConnectionTarget, RecordFields, add_fetch

_END = object()
T = TypeVar("T")


Asked = tuple[Any, Any, Any, Any]
"""What a driver call asks of the database: connection, statement, parameters, and the parameter sets of a batch.

The statement is None for a call that the driver refuses, the sets are None for a call that is no batch.
"""

Reader = Callable[[Any, tuple[Any, ...], dict[str, Any]], Asked]
"""Reads from the object whose method is called, and from the arguments, what is asked."""

Replacement = tuple[type, str, Any]
"""A class, the name of its method, and what takes its place."""


def argument(args: tuple[Any, ...], kwargs: dict[str, Any], position: int, keyword: str) -> Any:
    """The argument at *position* or under *keyword*; None where it is missing."""
    return args[position] if len(args) > position else kwargs.get(keyword)


class AsyncTracer(LedgerTracer):
    """Books awaited driver calls to the operation of the span that was current when they began."""

    def __init__(self, driver: Driver, faults: Faults = FAULTS) -> None:
        super().__init__(driver, faults)
        self.faults = faults
        self._kept: Beside[RecordFields] = Beside()
        self._targets: Beside[ConnectionTarget] = Beside()
        self._covered: set[int] = set()

    def awaiting(
        self,
        method: Callable[..., Any],
        read: Reader,
        keeps: Callable[[Any], bool] | None = None,
        returned: RowsOfAwaited | None = None,
    ) -> Callable[..., Any]:
        """A coroutine function that awaits *method* and books the call.

        *keeps* says for which cursors the record is kept, for :meth:`fetching`; *returned* tells the rows of a
        slow one. One flat function, since it runs for every query.
        """
        covered, clock, finish, report = self._covered, Clock.ticks_ns, self.finish, self.faults.report
        guard = self.faults.guard

        @functools.wraps(method)
        async def call(owner: Any, /, *args: Any, **kwargs: Any) -> Any:
            if covered and id(owner) in covered:
                return await method(owner, *args, **kwargs)
            span, kind, result, start = current_span(), None, None, clock()
            try:
                result = await method(owner, *args, **kwargs)
                return result
            except BaseException as raised:
                kind = type(raised)
                raise
            finally:
                end = clock()
                try:
                    asked, rows = read(owner, args, kwargs), None
                    if returned is not None and kind is None and end - start >= _slow_ns(span):
                        with guard("instrumentation.rows"):
                            rows = returned(owner, asked[1], result)
                    record = finish(asked, span, start, end, kind, rows)
                    if keeps is not None and record is not None and keeps(owner):
                        self._kept.put(owner, record)
                except Exception as fault:  # noqa: BLE001 - reported; booking must not raise into the application
                    report("instrumentation.book", fault)

        return call

    def covering(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """A coroutine function that awaits *method*; statements on the same object meanwhile are the driver's own.

        An object of a driver does one thing at a time, so no statement of the application is among them.
        """

        @functools.wraps(method)
        async def call(owner: Any, /, *args: Any, **kwargs: Any) -> Any:
            self._covered.add(id(owner))
            try:
                return await method(owner, *args, **kwargs)
            finally:
                self._covered.discard(id(owner))

        return call

    def fetching(self, method: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
        """A coroutine function that awaits *method* and adds its time to the statement that the cursor ran last."""

        @functools.wraps(method)
        async def call(cursor: Any, /, *args: Any, **kwargs: Any) -> Any:
            with Fetch(self, self.kept(cursor)):
                return await method(cursor, *args, **kwargs)

        return call

    def streaming(self, method: Callable[..., AsyncIterator[Any]], read: Reader) -> Callable[..., Any]:
        """An asynchronous generator function: the query runs when the first row is asked for, fetches add to it."""

        @functools.wraps(method)
        async def call(owner: Any, /, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            rows: Any = method(owner, *args, **kwargs)
            async with contextlib.aclosing(rows):
                with Query(self, self._asked(read, owner, args, kwargs)) as query:
                    row = await anext(rows, _END)
                while row is not _END:
                    yield row
                    with Fetch(self, query.record):
                        row = await anext(rows, _END)

        return call

    def entering(self, method: Callable[..., Any], read: Reader) -> Callable[..., Any]:
        """A form of *method*, whose statement runs when its asynchronous context is entered, and ends with it."""

        @functools.wraps(method)
        @contextlib.asynccontextmanager
        async def call(owner: Any, /, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            asked = self._asked(read, owner, args, kwargs)
            async with _Entered(self, method(owner, *args, **kwargs), asked) as entered:
                yield entered

        return call

    def covers(self, owner: Any) -> bool:
        """Whether what runs on *owner* now is the driver's own."""
        return id(owner) in self._covered

    def finish(
        self,
        asked: Asked,
        span: Any,
        start_ns: int,
        end_ns: int,
        kind: type[BaseException] | None,
        rows: int | None = None,
    ) -> RecordFields | None:
        """Book a call that has ended, by an exception of *kind* if that is given, else with *rows* if it told them."""
        connection, statement, parameters, members = asked
        batch = 0
        if members is not None:
            parameters, batch = members, len(members) if type(members) in (list, tuple) else -1
        if statement is None or (not batch and members is not None and kind is None):
            return None  # nothing was sent
        error = None if kind is None or kind is StopAsyncIteration else kind.__qualname__
        target = self._targets.get(connection) or self._target(connection)
        return self.book(span, statement, start_ns, end_ns, error, parameters, max(batch, 0), target, rows)

    def keep(self, cursor: Any, record: RecordFields) -> None:
        """Keep *record* as what *cursor* ran last, as long as the cursor lives."""
        with self.faults.guard("instrumentation.keep"):
            self._kept.put(cursor, record)

    def kept(self, cursor: Any) -> RecordFields | None:
        """What *cursor* ran last; None if that was nothing, or by other means."""
        return self._kept.get(cursor)

    def _asked(self, read: Reader, owner: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Asked:
        with self.faults.guard("instrumentation.book"):
            return read(owner, args, kwargs)
        return None, None, None, None

    def _target(self, connection: Any) -> ConnectionTarget:
        if connection is None or getattr(connection, "closed", False):
            return self._unknown  # there is no more to read; the driver's own error is on its way to the caller
        with self.faults.guard("instrumentation.target"):
            target = self._read_target(connection)
            self._targets.put(connection, target)
            return target
        return self._unknown


def _slow_ns(span: Any) -> int:
    operation = getattr(span, SPAN_ATTRIBUTE, None)
    return COMMAND.slow_ns if operation is None else operation.slow_ns


class Beside(Generic[T]):
    """Values beside objects that have no room for them, by identity, as long as the objects live."""

    def __init__(self) -> None:
        self._entries: dict[int, tuple[T, ref[Any]]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, owner: Any) -> T | None:
        """The value beside *owner*, or None."""
        entry = self._entries.get(id(owner))
        return entry[0] if entry is not None else None

    def put(self, owner: Any, value: T) -> None:
        """Keep *value* beside *owner*; raises TypeError for an object that takes no weak reference."""
        key, entries = id(owner), self._entries
        known = entries.get(key)
        # The reference calls back before another object can take the identity.
        entries[key] = value, known[1] if known is not None else ref(owner, lambda _: entries.pop(key, None))


class Query:
    """One awaited call while it runs; ``record`` is what was booked, None before the end or if nothing was.

    *only_failed*: a call that succeeds is no query.
    """

    __slots__ = ("_asked", "_only_failed", "_span", "_start", "_tracer", "record")

    def __init__(self, tracer: AsyncTracer, asked: Asked, *, only_failed: bool = False) -> None:
        self._tracer = tracer
        self._asked = asked
        self._only_failed = only_failed
        self.record: RecordFields | None = None

    def __enter__(self) -> Query:
        self._span = current_span()
        self._start = Clock.ticks_ns()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        end = Clock.ticks_ns()
        if kind is None and self._only_failed:
            return
        with self._tracer.faults.guard("instrumentation.book"):
            self.record = self._tracer.finish(self._asked, self._span, self._start, end, kind)


class Fetch:
    """The time of one fetch, added to *record* at its end; None: nothing was executed, or by other means."""

    __slots__ = ("_record", "_start", "_tracer")

    def __init__(self, tracer: AsyncTracer, record: RecordFields | None) -> None:
        self._tracer = tracer
        self._record = record

    def __enter__(self) -> None:
        self._start = Clock.ticks_ns()

    def __exit__(self, *_: object) -> None:
        if self._record is not None:
            with self._tracer.faults.guard("instrumentation.fetch"):
                add_fetch(self._record, Clock.ticks_ns() - self._start)


class _Entered:
    """An asynchronous context whose entry is the query; what its exit takes belongs to it."""

    def __init__(self, tracer: AsyncTracer, manager: Any, asked: Asked) -> None:
        self._tracer = tracer
        self._manager = manager
        self._query = Query(tracer, asked)

    async def __aenter__(self) -> Any:
        with self._query:
            return await self._manager.__aenter__()

    async def __aexit__(self, *raised: Any) -> Any:
        with Fetch(self._tracer, self._query.record):
            return await self._manager.__aexit__(*raised)
