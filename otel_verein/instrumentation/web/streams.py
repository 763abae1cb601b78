"""Responses that do their work while they are sent: their operation stays open until they are closed.

The context of the request is entered for each item and left before the item is handed out, so nothing stays attached
to a thread or task that goes on with something else.
"""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Generic, TypeVar

from opentelemetry.context import Context, attach
from opentelemetry.trace import Span, Status, StatusCode, set_span_in_context

from otel_verein.contexts import detach
from otel_verein.faults import FAULTS, Faults

Item = TypeVar("Item")


class Within:
    """Makes *span* the current one for ``with`` blocks, on top of *base* or of what is current when it is made.

    Not to be entered twice at once. Leaving a block from another context is no fault.
    """

    __slots__ = ("_context", "_token")

    def __init__(self, span: Span, base: Context | None = None) -> None:
        self._context = set_span_in_context(span, base)

    def __enter__(self) -> None:
        self._token = attach(self._context)

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, traceback: TracebackType | None
    ) -> None:
        detach(self._token)


def fail(span: Span, fault: BaseException, faults: Faults = FAULTS) -> None:
    """Mark *span* as failed with *fault*; a cancellation or a closed generator is no failure."""
    if isinstance(fault, Exception) and span.is_recording():
        with faults.guard("web.failure"):
            span.record_exception(fault)
            span.set_status(Status(StatusCode.ERROR, type(fault).__qualname__))


class Stream(Generic[Item]):
    """An iterator over *items* that takes each one within *span*."""

    def __init__(self, items: Iterable[Item], span: Span, within: Within | None = None) -> None:
        self._items = items
        self._span = span
        self._within = within or Within(span)
        self._taking: Iterator[Item] | None = None

    def __iter__(self) -> Iterator[Item]:
        return self

    def __next__(self) -> Item:
        with self._within:
            try:
                if self._taking is None:
                    self._taking = iter(self._items)
                return next(self._taking)
            except StopIteration:
                raise
            except BaseException as fault:
                fail(self._span, fault)
                raise


class AsyncStream(Generic[Item]):
    """The asynchronous form of :class:`Stream`."""

    def __init__(self, items: AsyncIterable[Item], span: Span) -> None:
        self._items = items
        self._span = span
        self._within = Within(span)
        self._taking: AsyncIterator[Item] | None = None

    def __aiter__(self) -> AsyncIterator[Item]:
        return self

    async def __anext__(self) -> Item:
        with self._within:
            try:
                if self._taking is None:
                    self._taking = self._items.__aiter__()
                return await self._taking.__anext__()
            except StopAsyncIteration:
                raise
            except BaseException as fault:
                fail(self._span, fault)
                raise


class HeldSpan:
    """Keeps a span open: who asks it to end before :meth:`release` is not heard.

    The instrumentation that started the span ends it when the response is made, which for a stream is before its
    work. When *owner* is thrown away without a release, the span ends then.
    """

    def __init__(self, span: Span, owner: object) -> None:
        self.span = span
        setattr(span, "end", _not_yet)  # noqa: B010 - of this one span only
        self._finalizer = weakref.finalize(owner, _end, span)
        self._finalizer.atexit = False

    def release(self) -> None:
        """End the span, now; once."""
        self._finalizer()


def _not_yet(end_time: int | None = None) -> None:
    return None


def _end(span: Any) -> None:
    with FAULTS.guard("web.release"):
        vars(span).pop("end", None)
        if span.is_recording():
            span.end()


def held_until_closed(response: Any, span: Span) -> None:
    """Keep *span* open until ``response.close()`` has run, and make it current in there."""
    held = HeldSpan(span, response)
    close, within = _unbound_close(response), Within(span)

    def close_and_release() -> Any:
        try:
            with within:
                return close()
        finally:
            held.release()

    response.close = close_and_release


def _unbound_close(response: Any) -> Callable[[], Any]:
    """``response.close`` without a reference to the response, which would keep an abandoned one from being freed."""
    if "close" in vars(response):
        own: Callable[[], Any] = response.close
        return own
    reference, method = weakref.ref(response), type(response).close

    def close() -> Any:
        alive = reference()
        return None if alive is None else method(alive)

    return close
