"""Cursor methods that run their statement after they return: generators and context managers."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

from otel_verein.instrumentation.drivers.dbapi import LedgerTracer
from otel_verein.instrumentation.drivers.table import Driver

_END = object()


def deferred_methods(owner: type, tracer: LedgerTracer, driver: Driver) -> dict[str, Callable[..., Any]]:
    """Recording forms of the streaming and copying methods that *owner* has, by name."""
    found = {name: _streamed(getattr(owner, name), tracer) for name in driver.streams if hasattr(owner, name)}
    return found | {name: _copied(getattr(owner, name), tracer) for name in driver.copies if hasattr(owner, name)}


def _streamed(method: Callable[..., Any], tracer: LedgerTracer) -> Callable[..., Any]:
    """The query runs when the first row is asked for, and that is the time it is booked with."""

    @functools.wraps(method)
    def call(cursor: Any, /, *args: Any, **kwargs: Any) -> Iterator[Any]:
        rows = method(cursor, *args, **kwargs)

        def execute(*_: Any, **__: Any) -> Any:
            return next(rows, _END)

        first = tracer.recording(execute)(cursor, *args, **kwargs)
        if first is not _END:
            yield first
            yield from rows

    return call


def _copied(method: Callable[..., Any], tracer: LedgerTracer) -> Callable[..., Any]:
    """The statement runs when the context is entered, and that is the time it is booked with."""

    @functools.wraps(method)
    @contextlib.contextmanager
    def call(cursor: Any, /, *args: Any, **kwargs: Any) -> Iterator[Any]:
        with contextlib.ExitStack() as stack:

            def execute(*_: Any, **__: Any) -> Any:
                return stack.enter_context(method(cursor, *args, **kwargs))

            yield tracer.recording(execute)(cursor, *args, **kwargs)

    return call
