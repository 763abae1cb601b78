"""The operation of a command: the queries of a script that no request, job or span of its own claims.

``otel-verein run`` asks for it by :data:`VARIABLE`; each Python process then decides by its own command line. The
command's span never is the current span. It stands in the context under a key of its own, and the driver hook asks
for it only where there is no operation. So a span that starts in the process is a root as it would be without us,
above all that of a request. If a request or job does start, the process serves: the command ends with its last query.
"""

from __future__ import annotations

import atexit
import mmap
import os
import signal
import sys
import threading
from _thread import allocate_lock, start_new_thread  # real ones, before gevent can put greenlets in their place
from collections.abc import Mapping
from pathlib import Path
from time import time_ns
from typing import Any

from opentelemetry import context as context_api
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer

from otel_verein import semconv
from otel_verein.faults import FAULTS, Faults
from otel_verein.instrumentation.script.exit import Ending, ExitWatch, ending
from otel_verein.instrumentation.script.name import command_name
from otel_verein.ledger import UNATTRIBUTED
from otel_verein.ledger.operation import SPAN_ATTRIBUTE
from otel_verein.ledger.record import FOUND, PARENT, RecordFields
from otel_verein.threads import OWN_THREADS

VARIABLE = "VEREIN_COMMAND_OPERATION"
"""``1``: a Python process that is a command is an operation; ``otel-verein run`` sets it where it is not set."""

_KEY = context_api.create_key("otel-verein-command")
_SERVING = frozenset({SpanKind.SERVER, SpanKind.CONSUMER})
_FOR_A_LOCK_S = 0.2
_AT_MOST_S = 1.0


class Command(SpanProcessor):
    """The operation of this process's command, begun once and ended once, whichever way the process goes.

    A span processor too, which sees that the process serves. In a forked child there is none.
    """

    def __init__(self, faults: Faults = FAULTS) -> None:
        self._faults = faults
        self._watch = ExitWatch(faults)
        self._served = mmap.mmap(-1, 1)  # shared with forked children: a parent whose children serve is no script
        self._forget()

    def _forget(self) -> None:
        self._span: Span | None = None
        self._last_query_ns = 0
        self._ending = allocate_lock()  # taken for good by the one who ends the span

    def begin(self, name: str, tracer: Tracer) -> None:
        """Start the operation *name*, and have it end with the process."""
        span = tracer.start_span(name, context=Context(), kind=SpanKind.INTERNAL)
        if not isinstance(span, Span) or getattr(span, SPAN_ATTRIBUTE, None) is None:
            return
        self._span = span
        context_api.attach(context_api.set_value(_KEY, span))
        self._watch.install()
        atexit.register(self._at_exit)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def span_of_query(self) -> Span | None:
        """The command's span for a query without operation; None in a context not the command's, and after its end."""
        span = self._current()
        if span is not None:
            self._last_query_ns = time_ns()
        return span

    @property
    def active(self) -> bool:
        """Whether the calling context belongs to a command that has not ended."""
        return self._current() is not None

    @property
    def slow_ns(self) -> int:
        """Time from which a query without operation is a slow one of the command; of no command none is slow."""
        span = self._current()
        return sys.maxsize if span is None else getattr(span, SPAN_ATTRIBUTE).slow_ns

    def _current(self) -> Span | None:
        """The command's span, read once: another thread may end it meanwhile."""
        span = self._span
        return span if span is not None and context_api.get_value(_KEY) is span else None

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """A request or job starts: this process serves, so its command ends."""
        if span.kind in _SERVING:
            self.serve()

    def serve(self) -> None:
        """Say that this process serves requests or jobs: neither it nor what it was forked from is a command."""
        self._served[0] = 1
        if self._span is not None:
            with self._faults.guard("script.yield"):
                self._give_way()

    def on_end(self, span: ReadableSpan) -> None:
        """Nothing: the command ends with the process."""

    def _give_way(self) -> None:
        """End with the last query, as the start-up of what serves now; without any query, as if there had been none."""
        span = self._span
        if span is None or not self._ending.acquire(blocking=False):
            return
        self._span = None
        if not self._last_query_ns:
            getattr(span, SPAN_ATTRIBUTE).close()
            return
        span.update_name(f"{span.name} (start-up)")
        span.end(self._last_query_ns)

    def _at_exit(self) -> None:
        with self._faults.guard("script.exit"):
            self._end(ending(self._watch))

    def _end(self, how: Ending) -> None:
        if self._served[0]:
            self._give_way()
        span = self._span
        if span is None or not self._ending.acquire(blocking=False):
            return
        if how.code is not None:
            span.set_attribute(semconv.PROCESS_EXIT_CODE, how.code)
        if how.exception is not None:
            span.record_exception(how.exception)
        if how.error_type is not None:
            span.set_attribute(semconv.ERROR_TYPE, how.error_type)
            span.set_status(Status(StatusCode.ERROR, how.error_type))
        self._span = None
        span.end()

    def end_of_signal(self, number: int) -> bool:
        """End it from the handler of a signal that is about to end the process; False: the signal comes once more.

        The code that the handler interrupts may hold a lock that ending needs, so another thread ends it. If that has
        to wait, the handler must return, for the interrupted code to go on; the signal is then sent again, within a
        second.
        """
        span = self._span
        if span is None or self._ending.locked():
            return True
        done = allocate_lock()
        done.acquire()

        def end() -> None:
            with self._faults.guard("script.signal"):
                self._end(Ending(128 + number, signal.Signals(number).name))
            done.release()

        start_new_thread(end, ())
        if done.acquire(timeout=_FOR_A_LOCK_S):
            return True

        def again() -> None:
            done.acquire(timeout=_AT_MOST_S)
            os.kill(os.getpid(), number)

        start_new_thread(again, ())
        return False


COMMAND = Command()
"""The process's own: the driver hook has no other place to ask."""


def begin_command(environ: Mapping[str, str], provider: Any, command: Command = COMMAND) -> None:
    """Begin the operation of this process's command, if *environ* asks for it and it is one of a script."""
    if environ.get(VARIABLE) != "1" or threading.current_thread() is not threading.main_thread():
        return
    with FAULTS.guard("script.begin"):
        name = command_name(sys.argv, sys.orig_argv, Path.cwd())
        if name is not None:
            provider.add_span_processor(command)
            command.begin(name, provider.get_tracer(semconv.SCOPE))


def book_outside(record: RecordFields, command: Command = COMMAND) -> None:
    """Book a query that has no operation: to the command of this process, else as unattributed.

    Queries of an exporter are nobody's: counting them would make something to export of every export.
    """
    if OWN_THREADS.current():
        return
    span = command.span_of_query()
    if span is None:
        UNATTRIBUTED.add(record[FOUND])
        return
    record[PARENT] = span
    getattr(span, SPAN_ATTRIBUTE).append(record)
