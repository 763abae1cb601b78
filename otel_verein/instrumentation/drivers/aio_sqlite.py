"""aiosqlite: its calls run in a thread of the connection, over sqlite3, which is hooked as well.

The coroutine that awaits a call books it, to its own span and from its own line, with the time that the thread took.
What the inner hook sees of the same statement is let go, so one query is one record.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from typing import Any

from opentelemetry.context import attach, detach
from opentelemetry.trace import INVALID_SPAN_CONTEXT, NonRecordingSpan, set_span_in_context

from otel_verein.clock import Clock
from otel_verein.instrumentation.drivers.aio_recording import AsyncTracer, Fetch, Replacement
from otel_verein.instrumentation.drivers.dbapi import current_span
from otel_verein.instrumentation.script.command import book_outside
from otel_verein.ledger import Operation
from otel_verein.ledger.operation import SPAN_ATTRIBUTE
from otel_verein.ledger.record import LONGEST_TEXT, PARENT, STATEMENT, RecordFields

_STATEMENTS = frozenset({"execute", "executemany", "executescript", "_execute_insert", "_execute_fetchall"})
_ROW_ID = "SELECT last_insert_rowid()"
"""What aiosqlite sends itself after an ``execute_insert``."""
_CANCELLED = "CancelledError"
"""By its name: the class is asyncio's, which imports ssl, and hooks are made before gevent can patch that."""


def replacements(root: Any, tracer: AsyncTracer) -> Iterator[Replacement]:
    """The recording form of the one method through which everything goes to the connection's thread, and of fetches."""
    calls = _Calls(tracer, root.core.sqlite3.Cursor)
    yield root.Connection, "_execute", calls.recording(root.Connection._execute)
    for name in ("fetchone", "fetchmany", "fetchall"):
        yield root.Cursor, name, calls.fetching(vars(root.Cursor)[name])


class _Aside(Operation):
    """Takes what the inner hook books in the thread while one statement runs. It is the operation of no root."""

    __slots__ = ("ended_ns", "started_ns")

    def __init__(self) -> None:
        self.records: list[RecordFields] = []
        self.seen = {}
        self.enough = self.due = self.slow_ns = sys.maxsize
        self.failed = False
        self.open = True
        self.verbs_ns = 0
        self.started_ns = self.ended_ns = 0
        """When the thread began and ended; 0 until then."""

    def run(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call *function*, in whatever thread, with what is booked meanwhile put aside."""
        stand_in = NonRecordingSpan(INVALID_SPAN_CONTEXT)
        setattr(stand_in, SPAN_ATTRIBUTE, self)
        self.started_ns = Clock.ticks_ns()
        try:
            return _under(stand_in, function, *args, **kwargs)
        finally:
            self.ended_ns = Clock.ticks_ns()


def _under(span: Any, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call *function* while *span* is the current one, if there is any."""
    if span is None:
        return function(*args, **kwargs)
    token = attach(set_span_in_context(span))
    try:
        return function(*args, **kwargs)
    finally:
        detach(token)


class _Calls:
    def __init__(self, tracer: AsyncTracer, cursor: type) -> None:
        self._tracer = tracer
        self._cursor = cursor

    def recording(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """A form of ``_execute``, which takes a function, and the arguments to call it with in the thread."""

        @functools.wraps(method)
        async def call(connection: Any, /, *args: Any, **kwargs: Any) -> Any:
            name = getattr(args[0], "__name__", None) if args else None
            if name in _STATEMENTS:
                return await self._statement(method, connection, args, kwargs)
            if args:
                args = (functools.partial(_under, current_span(), args[0]), *args[1:])
            return await method(connection, *args, **kwargs)

        return call

    def fetching(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """A form of a cursor's fetch method that adds its time to what the cursor ran last."""

        @functools.wraps(method)
        async def call(cursor: Any, /, *args: Any, **kwargs: Any) -> Any:
            with Fetch(self._tracer, self._tracer.kept(cursor._cursor)):
                return await method(cursor, *args, **kwargs)

        return call

    async def _statement(
        self, method: Callable[..., Any], connection: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        function, *given = args
        span, start, aside = current_span(), Clock.ticks_ns(), _Aside()
        kind, result = None, None
        try:
            result = await method(connection, functools.partial(aside.run, function), *given, **kwargs)
            return result
        except BaseException as raised:
            kind = type(raised)
            raise
        finally:
            with self._tracer.faults.guard("instrumentation.book"):
                record = self._book(aside, span, start, kind, function.__name__, given)
                cursor = result if isinstance(result, self._cursor) else getattr(function, "__self__", None)
                if record is not None and isinstance(cursor, self._cursor):
                    self._tracer.keep(cursor, record)

    def _book(
        self, aside: _Aside, span: Any, start: int, kind: type[BaseException] | None, method: str, given: list[Any]
    ) -> RecordFields | None:
        statement: Any
        parameters: Any
        statement, parameters, *_ = (*given, None, None)
        held = statement[:LONGEST_TEXT] if isinstance(statement, str) else statement
        for record in aside.records:  # of a function of the application that the statement called
            if record[STATEMENT] not in (held, _ROW_ID):
                _hand_over(record, span)
        error = None if kind is None else kind.__qualname__
        if error is not None and not aside.started_ns and error != _CANCELLED:
            return None  # refused before it came to the thread
        members = parameters if method == "executemany" and type(parameters) in (list, tuple) else None
        if members is not None and not members and error is None:
            return None  # nothing was sent
        return self._tracer.book(
            span,
            statement,
            aside.started_ns or start,
            aside.ended_ns or Clock.ticks_ns(),
            error,
            parameters or None,
            len(members or ()),
        )


def _hand_over(record: RecordFields, span: Any) -> None:
    record[PARENT] = span
    operation = getattr(span, SPAN_ATTRIBUTE, None)
    if operation is None:
        book_outside(record)
    else:
        operation.append(record)
