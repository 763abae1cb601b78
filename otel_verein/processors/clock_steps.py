"""Spans of the SDK's own tracer in an operation during which the wall clock was set.

Such a span has wall clock times, so its duration may be negative or hours long. Spans of our own tracer have times
of the monotonic clock and need none of this.
"""

from __future__ import annotations

from opentelemetry.sdk.trace import ReadableSpan

from otel_verein.clock import Clock
from otel_verein.ledger import Operation
from otel_verein.processors.copied import copied

_STEP_NS = 100_000_000
"""Slewing, as time daemons do it, changes an operation by less; a step that is smaller does no harm."""


class ClockSteps:
    """Remembers when spans began, by the monotonic clock, at most *most* of them; that may be set anew."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.forget()

    def forget(self) -> None:
        """Start anew, in a forked child."""
        self._began: dict[int, int] = {}

    def begin(self, span_id: int) -> None:
        """A span begins now."""
        began = self._began
        if len(began) >= self.most:
            began.pop(next(iter(began)), None)
        began[span_id] = Clock.ticks_ns()

    def end(self, span_id: int, span: ReadableSpan, operation: Operation) -> ReadableSpan:
        """The *span* that ends now; with the right end if the clock was set since *operation* began."""
        began = self._began.pop(span_id, None)
        now = Clock.ticks_ns()
        if began is None or abs(Clock.wall_ns() - now - operation.wall_offset_ns) < _STEP_NS:
            return span
        return copied(span, ReadableSpan, end_time=(span.start_time or 0) + now - began)
