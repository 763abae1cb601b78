"""Queries after the end of their operation: each such operation is followed by one of its own, linked to it.

Whatever still runs in the context of an ended root (a task that nobody awaited, a worker that a request started,
a stream that nobody closed) books here. A late operation ends when no query has come for a while.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind

from otel_verein import semconv
from otel_verein.clock import Clock
from otel_verein.config.schema import Limits
from otel_verein.ledger import UNATTRIBUTED, Operation
from otel_verein.ledger.record import DURATION, FOUND, PARENT, START, RecordFields
from otel_verein.version import __version__

_SCOPE = InstrumentationScope(semconv.SCOPE, __version__)


@dataclass(slots=True)
class _Late:
    operation: Operation
    root: Span
    name: str
    after: SpanContext
    first_ns: int
    last_ns: int

    def is_over(self, now_ns: int) -> bool:
        """Whether it waits for nothing more, as the configuration has it that it began under."""
        limits = self.operation.ledger.config.limits
        return (
            now_ns - self.last_ns >= limits.late_idle_s * 1e9 or now_ns - self.first_ns >= limits.late_longest_s * 1e9
        )

    def span(self, resource: Resource) -> ReadableSpan:
        """The root span: from the first query to the last one."""
        offset = self.operation.wall_offset_ns
        return ReadableSpan(
            name=self.name + semconv.AFTER_ITS_END,
            context=self.root.get_span_context(),
            resource=resource,
            kind=SpanKind.INTERNAL,
            links=[Link(self.after)],
            start_time=self.first_ns + offset,
            end_time=self.last_ns + offset,
            instrumentation_scope=_SCOPE,
        )


class LateOperations:
    """The open late operations of a process, at most ``limits.late_operations``; thread-safe.

    Past the bound a late query is counted as unattributed. *cap* gives the threshold of the rate cap for an operation
    and its trace id; *finish* judges and exports an ended operation. The attribute ``limits`` may be set anew.
    """

    def __init__(
        self, limits: Limits, cap: Callable[[Operation, int], int], finish: Callable[[Operation, ReadableSpan], None]
    ) -> None:
        self.limits = limits
        self._cap = cap
        self._finish = finish
        self._ids = RandomIdGenerator()
        self.forget()

    def forget(self) -> None:
        """Start anew, in a forked child."""
        self._open: dict[Operation, _Late] = {}
        self._lock = threading.RLock()  # guards _open and the successors of operations; never held over a finish

    def take(self, ended: Operation, record: RecordFields) -> None:
        """Book *record* to the operation that follows *ended*."""
        with self._lock:
            late = self._following(ended, record)
            if late is None:
                UNATTRIBUTED.add(record[FOUND], late=True)
                return
            late.last_ns = max(late.last_ns, record[START] + record[DURATION])
            record[PARENT] = late.root
            late.operation.append(record)

    def close(self, *, idle_only: bool, resource: Resource) -> None:
        """End the late operations that wait for nothing more, or all of them."""
        now = Clock.ticks_ns()
        with self._lock:
            due = [late for late in self._open.values() if not idle_only or late.is_over(now)]
            for late in due:
                del self._open[late.operation]
                late.operation.close()
        for late in due:
            self._finish(late.operation, late.span(resource))

    def _following(self, ended: Operation, record: RecordFields) -> _Late | None:
        known = self._open.get(ended.successor) if ended.successor is not None else None
        if known is not None:
            return known
        if len(self._open) >= self.limits.late_operations or ended.ended_as is None:
            return None
        name, after = ended.ended_as
        root = NonRecordingSpan(
            SpanContext(self._ids.generate_trace_id(), self._ids.generate_span_id(), is_remote=False)
        )
        operation = Operation(root, ended.ledger)
        operation.cap = self._cap(operation, root.get_span_context().trace_id)
        ended.successor = operation
        start = record[START]
        late = _Late(operation, root, name.removesuffix(semconv.AFTER_ITS_END), after, start, start)
        self._open[operation] = late
        return late
