"""A recording span that puts off what only an exported one needs.

To code that uses it, it is the SDK's span: same methods, same limits, same warnings. What differs is the work:
attributes are a plain dict until somebody reads them as the SDK's bounded ones, there is no lock, no copy at the
end, and times are of the monotonic clock, so a wall clock that is set back makes no negative duration.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from operator import attrgetter
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode

from otel_verein.clock import Clock
from otel_verein.processors.copied import copied

if TYPE_CHECKING:
    from otel_verein.ledger import Operation
    from otel_verein.tracing.tracer import VereinTracer

_logger = logging.getLogger("opentelemetry.sdk.trace")  # where the SDK says the same

_UNSET = Status(StatusCode.UNSET)
_PLAIN = frozenset({str, bool, int, float})
"""Types of values that need no check and cannot change afterwards."""
_TEXT = frozenset({str})


class VereinSpan(SdkSpan):
    """A span of *tracer* in *operation*; one thread starts it, any may write to it until it ends."""

    # What few spans have stands on the class until it is set: a third of the cost of starting one.
    _end_ns: int | None = None
    _own_status = _UNSET
    _pushed_out = 0
    _happened: list[Event] | None = None
    _lost_events = 0
    _linked: list[Link] | None = None
    _lost_links = 0
    _raising = (True, True)
    parent_span: Span | None = None
    """The span above it in this process, for the case that it is not exported."""

    def __init__(
        self,
        tracer: VereinTracer,
        operation: Operation | None,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        kind: SpanKind,
        start_ns: int,
    ) -> None:
        self._tracer = tracer
        self._verein_operation: Operation = operation  # type: ignore[assignment] # of a root: set right after
        self._own_name = name
        self._own_context = context
        self._own_parent = parent
        self._own_kind = kind
        self._start_ns = start_ns  # of the monotonic clock, as the end
        self._set: dict[str, Any] = {}

    def begin_at(self, start_time: int) -> None:
        """It began at *start_time*, in nanoseconds since the epoch."""
        self._start_ns = start_time - self._verein_operation.wall_offset_ns

    def on_exception(self, record: bool, set_status: bool) -> None:
        """What an exception that leaves its block does to it."""
        self._raising = (record, set_status)

    # --- what the SDK's readers see ---------------------------------------------------------------------------
    name = property(attrgetter("_own_name"))
    context = property(attrgetter("_own_context"))
    parent = property(attrgetter("_own_parent"))
    kind = property(attrgetter("_own_kind"))
    status = property(attrgetter("_own_status"))
    dropped_attributes = property(attrgetter("_pushed_out"))
    dropped_events = property(attrgetter("_lost_events"))
    dropped_links = property(attrgetter("_lost_links"))

    @property
    def start_time(self) -> int:
        """Nanoseconds since the epoch."""
        return self._start_ns + self._verein_operation.wall_offset_ns

    @property
    def end_time(self) -> int | None:
        """Nanoseconds since the epoch; None while it is open."""
        return None if self._end_ns is None else self._end_ns + self._verein_operation.wall_offset_ns

    @property
    def duration_ns(self) -> int:
        """Wall time from start to end, never negative; 0 while it is open."""
        return 0 if self._end_ns is None else max(0, self._end_ns - self._start_ns)

    @property
    def attributes(self) -> Mapping[str, Any]:
        """What was set so far; a view that cannot be written to."""
        return MappingProxyType(self._set if self._end_ns is None else self._set.copy())

    @property
    def events(self) -> Sequence[Event]:
        """What happened so far."""
        return tuple(self._happened or ())

    @property
    def links(self) -> Sequence[Link]:
        """The spans that it is linked to."""
        return tuple(self._linked or ())

    @property
    def resource(self) -> Resource:
        """Who sends it."""
        return self._tracer.provider.resource

    @property
    def instrumentation_scope(self) -> InstrumentationScope:
        """The library that made it."""
        return self._tracer.scope

    @property
    def instrumentation_info(self) -> Any:
        """The same under its old name."""
        return self._readable_span().instrumentation_info

    def get_span_context(self) -> SpanContext:
        """Its ids, flags and tracestate."""
        return self._own_context

    def is_recording(self) -> bool:
        """Whether it has not ended."""
        return self._end_ns is None

    def to_json(self, indent: int | None = 4) -> str:
        """As the SDK writes a span."""
        written: str = self._readable_span().to_json(indent)
        return written

    def __repr__(self) -> str:
        return f'{type(self).__name__}(name="{self._own_name}", context={self._own_context})'

    def _readable_span(self) -> ReadableSpan:
        return copied(self, ReadableSpan, attributes=dict(self._set))

    # --- what the application writes --------------------------------------------------------------------------
    def set_attribute(self, key: str, value: Any) -> None:
        """Set one attribute; past the limit of the provider the oldest goes."""
        attributes = self._set
        plain = type(value) in _PLAIN and type(key) is str and key and key not in attributes
        if plain and self._end_ns is None and len(attributes) < self._tracer.room:
            attributes[key] = value
        elif not self._ended("Setting attribute"):
            self._set_checked({key: value})

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Set several attributes."""
        if attributes and not self._ended("Setting attribute"):
            self.set_first(attributes)

    def set_first(self, attributes: Mapping[str, Any]) -> None:
        """Set several attributes of a span that is known to be open."""
        plain = (
            not self._set
            and len(attributes) <= self._tracer.room
            and _PLAIN.issuperset(map(type, attributes.values()))
            and _TEXT.issuperset(map(type, attributes))
            and "" not in attributes
        )
        if plain:
            self._set = dict(attributes)
        else:
            for key, value in attributes.items():
                self.set_attribute(key, value)

    def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None:
        """Say that something happened, now or at *timestamp*."""
        if self._ended("Calling add_event"):
            return
        limits = self._tracer.limits
        checked = BoundedAttributes(
            limits.max_event_attributes, attributes, immutable=True, max_value_len=limits.max_attribute_length
        )
        at = timestamp if timestamp is not None else Clock.ticks_ns() + self._verein_operation.wall_offset_ns
        events = self._happened = self._happened or []
        events.append(Event(name=name, attributes=checked, timestamp=at))
        if limits.max_events is not None and len(events) > limits.max_events:
            del events[0]
            self._lost_events += 1

    def add_link(self, context: SpanContext, attributes: Any = None) -> None:
        """Link another span."""
        if self._ended("Calling add_link") or not (context and (context.is_valid or attributes or context.trace_state)):
            return
        limits = self._tracer.limits
        checked = BoundedAttributes(
            limits.max_link_attributes, attributes, immutable=True, max_value_len=limits.max_attribute_length
        )
        links = self._linked = self._linked or []
        links.append(Link(context=context, attributes=checked))
        if limits.max_links is not None and len(links) > limits.max_links:
            del links[0]
            self._lost_links += 1

    def update_name(self, name: str) -> None:
        """Call it *name*."""
        if not self._ended("Calling update_name"):
            self._own_name = name

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Say how it went; OK stays, UNSET is ignored."""
        if self._ended("Calling set_status"):
            return
        code = status.status_code if isinstance(status, Status) else status
        if self._own_status.status_code is StatusCode.OK or code is StatusCode.UNSET:
            return
        if isinstance(status, Status):
            if description is not None:
                _logger.warning(
                    "Description %s ignored. Use either `Status` or `(StatusCode, Description)`", description
                )
            self._own_status = status
        else:
            self._own_status = Status(status, description)

    def start(self, start_time: int | None = None, parent_context: Any = None) -> None:
        """Nothing: the tracer starts it."""
        _logger.warning("Calling start() on a started span.")

    def end(self, end_time: int | None = None) -> None:
        """End it, now or at *end_time* in nanoseconds since the epoch."""
        if self._ended("Calling end()"):
            return
        if end_time is None:
            self._end_ns = Clock.ticks_ns()
        else:
            self._end_ns = end_time - self._verein_operation.wall_offset_ns
        self._tracer.ended(self)

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if raised is not None and self._end_ns is None:
            self.take_exception(raised, *self._raising)
        self.end()

    def take_exception(self, raised: BaseException, record: bool, set_status: bool) -> None:
        """What the SDK does with an exception that leaves a block."""
        if record:
            self.record_exception(raised)
        if set_status:
            self.set_status(Status(StatusCode.ERROR, f"{type(raised).__name__}: {raised}"))

    def _ended(self, action: str) -> bool:
        if self._end_ns is None:
            return False
        _logger.warning("%s on an ended span.", action)
        return True

    def _set_checked(self, attributes: Mapping[str, Any]) -> None:
        """Set them as the SDK does, which turns what is no attribute value into one, or leaves it out with a log."""
        checked = BoundedAttributes(None, attributes, immutable=False, max_value_len=self._tracer.longest)
        self._pushed_out += checked.dropped
        for key, value in checked.items():
            self._put(key, value)

    def _put(self, key: str, value: Any) -> None:
        """Set one as the newest; where the limit is reached the oldest makes room."""
        attributes = self._set
        if key in attributes:
            attributes.pop(key, None)
        elif len(attributes) >= self._tracer.most_attributes:
            self._pushed_out += 1
            if not self._tracer.most_attributes:
                return
            with suppress(RuntimeError, StopIteration):  # another thread is writing, and has made room or soon will
                attributes.pop(next(iter(attributes)), None)
        attributes[key] = value
