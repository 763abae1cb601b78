"""Methods whose statement the driver writes itself, from the name of a table or a function."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from otel_verein.instrumentation.drivers.dbapi import LedgerTracer
from otel_verein.instrumentation.drivers.table import Driver, Written


def written_methods(owner: type, tracer: LedgerTracer, driver: Driver) -> dict[str, Callable[..., Any]]:
    """Recording forms of the methods of this kind that *owner* has, by name."""
    return {
        written.method: _recorded(getattr(owner, written.method), written, tracer)
        for written in driver.written
        if hasattr(owner, written.method)
    }


def _recorded(method: Callable[..., Any], written: Written, tracer: LedgerTracer) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(cursor: Any, /, *args: Any, **kwargs: Any) -> Any:
        name = args[written.position] if len(args) > written.position else kwargs.get(written.keyword)

        def execute(*_: Any) -> Any:
            return method(cursor, *args, **kwargs)

        # Without a name the driver refuses the call, and nothing is sent.
        return tracer.recording(execute)(cursor, written.form.format(name) if type(name) is str else None)

    return call
