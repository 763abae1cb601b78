"""The choke point: every call of a DB-API driver passes a function made by :meth:`LedgerTracer.recording`.

Built on ``opentelemetry-instrumentation-dbapi``: its integration reads the connection's target, its cursor tracer the
text of unusual statements. Instead of a span per query, one record goes to the operation of the current span.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, cast

from opentelemetry import context as context_api
from opentelemetry.context import Context, get_current
from opentelemetry.instrumentation.dbapi import CursorTracer, DatabaseApiIntegration
from opentelemetry.trace import INVALID_SPAN, set_span_in_context

from otel_verein.clock import Clock
from otel_verein.faults import FAULTS, Faults
from otel_verein.instrumentation.drivers import fastlane
from otel_verein.instrumentation.drivers.returned import is_one, noting
from otel_verein.instrumentation.drivers.table import Driver
from otel_verein.instrumentation.script.command import COMMAND, book_outside
from otel_verein.ledger import FINGERPRINTS
from otel_verein.ledger.operation import SPAN_ATTRIBUTE
from otel_verein.ledger.record import LONGEST_TEXT, ConnectionTarget, RecordFields, add_fetch, shortened

_SPAN_KEY = next(iter(set_span_in_context(INVALID_SPAN, Context())))
"""The context key of the current span, got through the public API; reading it directly saves 0.6 µs a query."""


def _context_variable() -> ContextVar[Context] | None:
    """Where the current context is kept, if in its usual place; ``get_current`` takes two calls to get there."""
    current = get_current()
    variable = getattr(getattr(context_api, "_RUNTIME_CONTEXT", None), "_current_context", None)
    try:
        return variable if isinstance(variable, ContextVar) and variable.get() == current else None
    except LookupError:
        return None


def current_span() -> Any:
    """The current span, or None."""
    return get_current().get(_SPAN_KEY)


_ABSENT = object()
_TARGET = "_verein_target"
_IN_BATCH = "_verein_in_batch"
_STATEMENT_METHODS = ("execute", "executemany", "executescript", "callproc", "copy_expert")
_TRANSACTION_METHODS = ("commit", "rollback")
_FETCH_METHODS = ("fetchone", "fetchmany", "fetchall", "__next__")


class LedgerTracer(CursorTracer):  # type: ignore[type-arg]
    """Books driver calls to the operation of the current span; one for each driver."""

    def __init__(self, driver: Driver, faults: Faults = FAULTS) -> None:
        super().__init__(DatabaseApiIntegration("otel_verein", driver.system))
        self._driver = driver
        self._faults = faults
        self._unknown = ConnectionTarget(driver.system)
        self._texts = FINGERPRINTS.texts(driver.system)

    def recording(self, method: Callable[..., Any], *, fetched: bool = False) -> Callable[..., Any]:
        """A form of *method* that books each call and passes on its result or exception as they are.

        *fetched*: the cursor keeps the record, for :meth:`fetching`. One flat function, since it runs for every
        query: a call level more would cost a tenth of it; what it does at its end is :meth:`Operation.append`.
        """
        unusual = method.__name__ if method.__name__ != "execute" else None
        note = noting(self._driver.returned, self._faults) if self._driver.returned and not unusual else None
        statement_keyword, parameter_keyword = self._driver.statement_keyword, self._driver.parameter_keyword
        unknown, target_of = self._unknown, self._target_of if self._driver.connection_attributes else None
        report, clock, absent = self._faults.report, Clock.ticks_ns, _ABSENT
        variable = _context_variable()
        current = get_current if variable is None else variable.get
        span_key, operation_of, fingerprint_of = _SPAN_KEY, SPAN_ATTRIBUTE, self._texts.__getitem__

        @functools.wraps(method)
        def call(cursor: Any, statement: Any = _ABSENT, parameters: Any = _ABSENT, /, *rest: Any, **kwargs: Any) -> Any:
            span: Any = current().get(span_key)
            operation = getattr(span, operation_of, None)
            error = None
            start = clock()
            try:
                if parameters is absent or rest or kwargs:
                    return method(cursor, *_given(statement, parameters, rest), **kwargs)
                return method(cursor, statement, parameters)
            except BaseException as raised:
                error = type(raised).__qualname__
                raise
            finally:
                duration = clock() - start
                try:
                    if parameters is absent:
                        parameters = kwargs.get(parameter_keyword)
                    if type(statement) is not str:
                        given = kwargs.get(statement_keyword) if statement is absent else statement
                        statement = self._text(cursor, given)
                    batch = 0
                    if unusual is not None:
                        statement, batch = _as_executed(unusual, statement, parameters)
                    if statement is not None:  # else the driver refuses the call: nothing reached the database
                        identity: int | None = 0
                        if type(parameters) is tuple:
                            try:
                                identity = hash(parameters)
                            except TypeError:  # a list or dict among them
                                identity = None
                        elif parameters is not None:
                            identity = _identity(parameters)
                        found = fingerprint_of(statement)
                        if len(statement) > LONGEST_TEXT:
                            statement, identity = shortened(statement, identity)
                        target = target_of(cursor) if target_of is not None else unknown
                        record = [found, start, duration, error, span, identity, batch, target, statement]
                        if fetched:
                            cursor._verein = record
                        if operation is None:
                            if note is not None and error is None and duration >= COMMAND.slow_ns:
                                note(record, cursor)
                            book_outside(record)
                        elif found.counted:
                            if note is not None and error is None and duration >= operation.slow_ns:
                                note(record, cursor)
                            # load and append in one step: another thread may be closing the operation
                            records = operation.records
                            records.append(record)
                            seen, key = operation.seen, found.key
                            times = seen.get(key, 0) + 1
                            seen[key] = times
                            if error is not None:
                                operation.failed = True
                            if times >= operation.enough or len(records) >= operation.due:
                                operation.attend(record, times)
                        else:
                            operation.verbs_ns += duration
                except Exception as fault:  # noqa: BLE001 - reported; booking must not raise into the application
                    report("instrumentation.book", fault)

        if unusual is not None:
            return call
        return fastlane.recording(
            method, call, report, variable, span_key, self._texts, unknown, target_of, fetched, note
        )

    def recording_unless_nested(self, method: Callable[..., Any], *, fetched: bool = False) -> Callable[..., Any]:
        """:meth:`recording`, for drivers whose batch methods call ``execute``: the batch is the one logical query."""
        record = self.recording(method, fetched=fetched)
        if method.__name__ == "execute":

            @functools.wraps(method)
            def call(cursor: Any, /, *args: Any, **kwargs: Any) -> Any:
                return (method if getattr(cursor, _IN_BATCH, False) else record)(cursor, *args, **kwargs)
        else:

            @functools.wraps(method)
            def call(cursor: Any, /, *args: Any, **kwargs: Any) -> Any:
                setattr(cursor, _IN_BATCH, True)
                try:
                    return record(cursor, *args, **kwargs)
                finally:
                    setattr(cursor, _IN_BATCH, False)

        return call

    def fetching(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """A form of the fetch *method* that adds its time to the statement which the cursor ran last."""
        clock = Clock.ticks_ns

        @functools.wraps(method)
        def call(cursor: Any, /, *args: Any, **kwargs: Any) -> Any:
            start = clock()
            try:
                return method(cursor, *args, **kwargs)
            finally:
                record = getattr(cursor, "_verein", None)  # None: nothing was executed, or by other means
                if record is not None:
                    add_fetch(record, clock() - start)

        return fastlane.fetching(method, call, self._faults.report)

    def timing(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """A form of a connection's *method* that adds its time to the operation, as traffic that is no query."""
        clock, operation_of = Clock.ticks_ns, SPAN_ATTRIBUTE

        @functools.wraps(method)
        def call(connection: Any, /, *args: Any, **kwargs: Any) -> Any:
            start = clock()
            try:
                return method(connection, *args, **kwargs)
            finally:
                operation = getattr(current_span(), operation_of, None)
                if operation is not None:
                    operation.verbs_ns += clock() - start

        return call

    def book(
        self,
        span: Any,
        statement: Any,
        start_ns: int,
        end_ns: int,
        error: str | None = None,
        parameters: Any = None,
        batch: int = 0,
        target: ConnectionTarget | None = None,
        rows: int | None = None,
    ) -> RecordFields | None:
        """Book a driver call that has ended to the operation of *span*; never raises.

        *statement* may be any object that the driver takes; *rows* are those that it returned. The record, for
        :func:`add_fetch`, or None where there was no statement.
        """
        try:
            text = statement if type(statement) is str else self._text(None, statement)
            if text is None:
                return None
            found = self._texts[text]
            identity = 0 if parameters is None else _identity(parameters)
            if len(text) > LONGEST_TEXT:
                text, identity = shortened(text, identity)
            record = [found, start_ns, end_ns - start_ns, error, span, identity, batch, target or self._unknown, text]
            if rows is not None and is_one(text):
                record.append(rows)
            operation = getattr(span, SPAN_ATTRIBUTE, None)
            if operation is None:
                book_outside(record)
            else:
                operation.append(record)
        except Exception as fault:  # noqa: BLE001 - reported; booking must not raise into the application
            self._faults.report("instrumentation.book", fault)
            return None
        return record

    def _text(self, cursor: Any, statement: Any) -> str | None:
        """Text of a statement that is no plain str: bytes, a str subclass, a composed object, a template."""
        if statement is None:
            return None
        if isinstance(statement, str):
            return str.__str__(statement)
        render = getattr(statement, "as_string", None)
        if render is not None:
            return str(render(cursor))
        return str(self.get_statement(cursor, (statement,))) or None

    def _target_of(self, cursor: Any) -> ConnectionTarget:
        connection = cursor.connection
        known = getattr(connection, _TARGET, None)
        if known is None:
            known = self._read_target(connection)
            setattr(connection, _TARGET, known)
        return cast(ConnectionTarget, known)

    def _read_target(self, connection: Any) -> ConnectionTarget:
        """Where *connection* leads, read once in its life; a part that the driver does not tell is None."""
        reader = DatabaseApiIntegration(
            "otel_verein", self._driver.system, connection_attributes=dict(self._driver.connection_attributes)
        )
        try:
            reader.get_connection_attributes(connection)
            version = getattr(connection, "get_server_info", str)()
        except Exception as fault:  # noqa: BLE001 - reported; the query is booked without its target
            self._faults.report("instrumentation.target", fault)
            return self._unknown
        properties = reader.connection_props
        port = properties.get("port")
        return ConnectionTarget(
            system="mariadb" if "mariadb" in str(version).lower() else self._driver.system,
            namespace=str(reader.database) or None,
            address=str(properties["host"]) if properties.get("host") else None,
            port=int(port) if port else None,
        )


def _given(statement: Any, parameters: Any, rest: tuple[Any, ...]) -> tuple[Any, ...]:
    """The positional arguments as the caller gave them."""
    if statement is _ABSENT:
        return ()
    return (statement,) if parameters is _ABSENT else (statement, parameters, *rest)


def _identity(parameters: Any) -> int | None:
    """A number that is equal for equal parameters; None where they cannot be compared cheaply."""
    try:
        if type(parameters) is tuple:
            return hash(parameters)
        if type(parameters) is list:
            return hash(tuple(parameters))
        if type(parameters) is dict:
            return hash(frozenset(parameters.items()))
    except TypeError:  # a list or dict among them
        return None
    return None


def _as_executed(method: str, statement: str | None, parameters: Any) -> tuple[str | None, int]:
    """The statement that a call of *method* runs, and the size of its batch where it is one of known size."""
    if method == "executemany":
        return statement, len(parameters) if type(parameters) in (list, tuple) else 0
    if method == "callproc" and statement is not None:
        return f"CALL {statement}", 0
    return statement, 0


def recording_methods(
    owner: type, tracer: LedgerTracer, driver: Driver, *, fetched: bool = False
) -> dict[str, Callable[..., Any]]:
    """Recording forms of the statement methods of *owner*, by name; *fetched* as :meth:`LedgerTracer.recording`."""
    record = functools.partial(tracer.recording_unless_nested if driver.nested else tracer.recording, fetched=fetched)
    return {name: record(getattr(owner, name)) for name in _STATEMENT_METHODS if hasattr(owner, name)}


def timing_methods(owner: type, tracer: LedgerTracer) -> dict[str, Callable[..., Any]]:
    """Timing forms of the methods by which the connection class *owner* ends a transaction, by name."""
    return {name: tracer.timing(getattr(owner, name)) for name in _TRANSACTION_METHODS if hasattr(owner, name)}


def fetching_methods(owner: type, tracer: LedgerTracer) -> dict[str, Callable[..., Any]]:
    """Timing forms of the fetch methods that *owner* has, by name."""
    return {name: tracer.fetching(getattr(owner, name)) for name in _FETCH_METHODS if hasattr(owner, name)}
