"""Starts spans: one look at the parent says whether a span begins an operation or is a part of one."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from opentelemetry import context as context_api
from opentelemetry.context import Context
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    TraceFlags,
    Tracer,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.util.types import Attributes

from otel_verein.clock import Clock
from otel_verein.contexts import detach
from otel_verein.faults import Faults
from otel_verein.ledger.operation import IGNORED_ATTRIBUTE, SPAN_ATTRIBUTE
from otel_verein.tracing.span import VereinSpan
from otel_verein.tracing.unrecorded import Unrecorded

if TYPE_CHECKING:
    from otel_verein.processors import VereinSpanProcessor
    from otel_verein.processors.edition import Edition
    from otel_verein.tracing.provider import VereinTracerProvider

_Function = TypeVar("_Function", bound=Callable[..., Any])

_RANDOM = getattr(TraceFlags, "RANDOM_TRACE_ID", 0x02)  # the SDK knows it since 1.39
_UNSAMPLED, _SAMPLED = TraceFlags(TraceFlags.DEFAULT), TraceFlags(TraceFlags.SAMPLED)
_RANDOM_UNSAMPLED, _RANDOM_SAMPLED = TraceFlags(_RANDOM), TraceFlags(TraceFlags.SAMPLED | _RANDOM)


class VereinTracer(Tracer):
    """The spans of one instrumentation scope."""

    def __init__(
        self,
        provider: VereinTracerProvider,
        processor: VereinSpanProcessor,
        scope: InstrumentationScope,
        limits: SpanLimits,
        faults: Faults,
    ) -> None:
        self.provider = provider
        self.scope = scope
        self.limits = limits
        self.longest: int | None = limits.max_span_attribute_length
        most = limits.max_span_attributes
        self.most_attributes: int = sys.maxsize if most is None else most
        self.room = self.most_attributes if self.longest is None else 0
        """Attributes that may be set without a look at their values."""
        self._processor = processor
        self._faults = faults

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> Span:
        """A recording span: part of the operation of its parent while that is open, else the root of a new one."""
        parent = get_current_span(context)
        operation = getattr(parent, SPAN_ATTRIBUTE, None)
        start_ns = Clock.ticks_ns()
        try:
            if operation is not None and operation.open:
                above = parent.get_span_context()
                own = SpanContext(
                    above.trace_id, self._processor.new_span_id(), False, above.trace_flags, above.trace_state
                )
                span = VereinSpan(self, operation, name, own, above, kind, start_ns)
                span.parent_span = parent
                ignored = getattr(parent, IGNORED_ATTRIBUTE, None)
                if ignored is not None:
                    setattr(span, IGNORED_ATTRIBUTE, ignored)
            else:
                if type(parent) is not NonRecordingSpan and (root := getattr(parent, "unrecorded", None)) is not None:
                    return Unrecorded(parent.get_span_context(), root)
                edition = self._processor.edition
                if not (edition.recording or self.provider.others):
                    self._processor.follow_configuration()  # it may be switched on again
                    return Unrecorded(parent.get_span_context())
                span = self._root(name, parent.get_span_context(), kind, start_ns, edition)
            if start_time is not None:
                span.begin_at(start_time)
            if attributes:
                span.set_first(attributes)
            if links:
                for link in links:
                    span.add_link(link.context, link.attributes)
            if not (record_exception and set_status_on_exception):
                span.on_exception(record_exception, set_status_on_exception)
        except Exception as fault:  # noqa: BLE001 - reported; the application gets a span that does nothing
            self._faults.report("tracing.start_span", fault)
            return NonRecordingSpan(parent.get_span_context())
        others = self.provider.others
        if others:
            for processor in others:
                processor.on_start(span, parent_context=context)
        return span

    def _root(self, name: str, parent: SpanContext, kind: SpanKind, start_ns: int, edition: Edition) -> VereinSpan:
        processor = self._processor
        above = parent if parent.is_valid else None
        if above is None:
            trace_id = processor.new_trace_id()
            random = True
        else:
            trace_id = above.trace_id
            random = bool(above.trace_flags & _RANDOM)
        provisional = edition.policy.at_start(trace_id, above)
        if random:
            flags = _RANDOM_SAMPLED if provisional.sampled else _RANDOM_UNSAMPLED
        else:
            flags = _SAMPLED if provisional.sampled else _UNSAMPLED
        own = SpanContext(trace_id, processor.new_span_id(), False, flags, provisional.trace_state)
        span = VereinSpan(self, None, name, own, above, kind, start_ns)
        span._verein_operation = processor.begin(
            span, above, edition, provisional.threshold, Clock.wall_ns() - start_ns
        )
        return span

    def start_as_current_span(  # type: ignore[override] # our block is a context manager and a decorator, too
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> CurrentSpan:
        """A block, or decorator, in which a new span is the current one."""
        return CurrentSpan(
            self,
            name,
            context,
            (kind, attributes, links, start_time, record_exception, set_status_on_exception),
            end_on_exit,
        )

    def ended(self, span: VereinSpan) -> None:
        """Hand an ended span to the processors."""
        others = self.provider.others
        if others:
            for processor in others:
                processor._on_ending(span)
        self._processor.finish(span)
        if others:
            for processor in others:
                processor.on_end(span)


class CurrentSpan:
    """What ``start_as_current_span`` gives: the span starts when the block is entered."""

    __slots__ = ("_context", "_end_on_exit", "_name", "_others", "_span", "_token", "_tracer")

    def __init__(
        self, tracer: VereinTracer, name: str, context: Context | None, others: tuple[Any, ...], end_on_exit: bool
    ) -> None:
        self._tracer = tracer
        self._name = name
        self._context = context
        self._others = others
        self._end_on_exit = end_on_exit

    def __enter__(self) -> Span:
        current = context_api.get_current()
        context = self._context
        span = self._span = self._tracer.start_span(self._name, current if context is None else context, *self._others)
        self._token = context_api.attach(set_span_in_context(span, current))
        return span

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        span = self._span
        detach(self._token)
        # As the SDK does: what only leaves (GeneratorExit, KeyboardInterrupt, cancelling) is no error.
        if isinstance(raised, Exception) and isinstance(span, VereinSpan) and span.is_recording():
            span.take_exception(raised, *self._others[4:])
        if self._end_on_exit:
            span.end()

    def _again(self) -> CurrentSpan:
        return CurrentSpan(self._tracer, self._name, self._context, self._others, self._end_on_exit)

    def __call__(self, function: _Function) -> _Function:
        """*function*, each call of which is such a block."""

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with self._again():
                return function(*args, **kwargs)

        @functools.wraps(function)
        async def call_async(*args: Any, **kwargs: Any) -> Any:
            with self._again():
                return await function(*args, **kwargs)

        return cast(_Function, call_async if inspect.iscoroutinefunction(function) else call)
