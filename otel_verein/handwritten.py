"""For code that no framework calls: operations, parts of them, what they worked on, and repeats that are meant.

All of it is harmless without a set-up: spans of the API alone do nothing, and so does this.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from opentelemetry import context as context_api
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode

from otel_verein import semconv
from otel_verein.contexts import detach, stepped, stepped_async
from otel_verein.faults import FAULTS
from otel_verein.ledger.ignored import IgnoredSpan
from otel_verein.ledger.operation import SPAN_ATTRIBUTE, Operation

_Function = TypeVar("_Function", bound=Callable[..., Any])
_Attributes = Mapping[str, str | bool | int | float]


def operation(
    name: str | None = None,
    *,
    kind: str = "internal",
    link: SpanContext | None = None,
    attributes: _Attributes | None = None,
) -> Block:
    """A new operation: ``with operation("nightly import"): ...`` or ``@operation()`` on a function.

    It has a trace of its own, linked to *link* or to the span it was opened under, and ends with the block. *kind* is
    a span kind: internal, consumer, server, producer or client. As a decorator it takes functions, coroutine functions
    and both kinds of generators, named by *name* or else by the function; a generator's operation ends with its last
    item. An exception marks it as failed and passes on.
    """
    return Block(name, lambda found: _start_operation(found, kind, link, attributes))


def measure(name: str | None = None, **attributes: str | bool | int | float) -> Block:
    """A part of the current operation, as a span below the current one; used like :func:`operation`.

    Repeats of a statement count for each part, or for parts of one name together if they are turns of a loop.
    """
    return Block(name, lambda found: _tracer().start_span(found, attributes=attributes))


def entity(type: str, id: str | int | None = None) -> None:
    """Say what the current operation is about: a kind of thing, and which one.

    A type that is not among ``entities.types`` reads ``other``, unless none is listed there. The id leaves the process
    only where ``privacy.entity_ids`` is ``keep``. The last call of an operation counts.
    """
    found = _current_operation()
    if found is None:
        return
    types = found.ledger.config.entities.types
    found.facts[semconv.ENTITY_TYPE] = type if not types or type in types else semconv.OTHER
    if id is not None and found.ledger.config.privacy.entity_ids == "keep":
        found.facts[semconv.ENTITY_ID] = str(id)


def items(number: int) -> None:
    """Say how many rows or items the current operation worked on; further calls add to it."""
    found = _current_operation()
    if found is not None:
        found.facts[semconv.ITEMS] = int(found.facts.get(semconv.ITEMS, 0)) + number


def keep() -> None:
    """Keep the trace of the current operation, whatever the sampling says of it; it stands for itself only."""
    found = _current_operation()
    if found is not None:
        found.forced = True


def ignore(reason: str) -> Block:
    """Repeats of statements in this block are meant: they count, and are no finding.

    Used like :func:`operation`. *reason* is for the next reader of the code and for the report, which lists what was
    ignored; without one nothing is ignored.
    """

    def start(_: str) -> Span:
        current = trace.get_current_span()
        if reason.strip():
            return IgnoredSpan(current, reason)
        FAULTS.report("api.ignore", ValueError("ignore() needs a reason; nothing is ignored"))
        return current

    return Block(None, start, ends_span=False)


class Block:
    """A context manager and decorator that makes a span the current one.

    As a decorator it is good for any number of calls at once, as a context manager for one at a time.
    """

    def __init__(self, name: str | None, start: Callable[[str], Span], *, ends_span: bool = True) -> None:
        self._name = name
        self._start = start
        self._ends_span = ends_span
        self._entered: list[tuple[Run, Any]] = []

    def __enter__(self) -> Span:
        run = self._run(self._name or "unnamed")
        current = run.current()
        current.__enter__()
        self._entered.append((run, current))
        return run.span

    def __exit__(self, kind: Any, raised: BaseException | None, traceback: Any) -> None:
        run, current = self._entered.pop()
        current.__exit__(None, None, None)
        run.end(raised)

    async def __aenter__(self) -> Span:
        return self.__enter__()

    async def __aexit__(self, kind: Any, raised: BaseException | None, traceback: Any) -> None:
        self.__exit__(kind, raised, traceback)

    def __call__(self, function: _Function) -> _Function:
        """*function*, each call of which is such a block."""
        name = self._name or str(getattr(function, "__qualname__", type(function).__name__))
        if inspect.isasyncgenfunction(function):
            decorated = self._async_generator(function, name)
        elif inspect.iscoroutinefunction(function):
            decorated = self._coroutine(function, name)
        elif inspect.isgeneratorfunction(function):
            decorated = self._generator(function, name)
        else:
            decorated = self._plain(function, name)
        return cast(_Function, functools.wraps(function)(decorated))

    def _run(self, name: str) -> Run:
        return Run(self._start(name), ends_span=self._ends_span)

    def _plain(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            run = self._run(name)
            with run, run.current():
                return function(*args, **kwargs)

        return call

    def _coroutine(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            run = self._run(name)
            with run, run.current():
                return await function(*args, **kwargs)

        return call

    def _generator(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            run = self._run(name)
            with run:
                return (yield from stepped(function(*args, **kwargs), run.current))

        return call

    def _async_generator(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            run = self._run(name)
            with run:
                steps = stepped_async(function(*args, **kwargs), run.current)
                try:
                    async for item in steps:
                        yield item
                finally:
                    await steps.aclose()

        return call


class Run:
    """One use of a block: its span, which ends with it."""

    def __init__(self, span: Span, *, ends_span: bool = True) -> None:
        self.span = span
        self._ends_span = ends_span

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: Any, raised: BaseException | None, traceback: Any) -> None:
        self.end(raised)

    @contextmanager
    def current(self) -> Iterator[None]:
        """The span is the current one; leaving in another context than that of entering is no error."""
        token = context_api.attach(trace.set_span_in_context(self.span))
        try:
            yield
        finally:
            detach(token)

    def end(self, raised: BaseException | None = None) -> None:
        """End the span, as failed if an :class:`Exception` was raised; cancelling and leaving are no failures."""
        if not self._ends_span:
            return
        if isinstance(raised, Exception):
            self.span.record_exception(raised)
            self.span.set_status(Status(StatusCode.ERROR, type(raised).__qualname__))
        self.span.end()


def _tracer() -> trace.Tracer:
    return trace.get_tracer(semconv.SCOPE)


def _start_operation(name: str, kind: str, link: SpanContext | None, attributes: _Attributes | None) -> Span:
    current = trace.get_current_span().get_span_context()
    after = link if link is not None else current
    return _tracer().start_span(
        name,
        context=_without_span(),
        kind=getattr(SpanKind, kind.upper(), SpanKind.INTERNAL),
        attributes=attributes,
        links=[Link(after)] if after.is_valid else None,
    )


def _without_span() -> Context:
    return trace.set_span_in_context(trace.INVALID_SPAN)


def _current_operation() -> Operation | None:
    found = getattr(trace.get_current_span(), SPAN_ATTRIBUTE, None)
    return found if isinstance(found, Operation) and found.open else None
