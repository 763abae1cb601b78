"""Work that a framework does after the response: an operation of its own, linked to the request."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from opentelemetry.trace import SpanContext
from wrapt import wrap_function_wrapper

from otel_verein.faults import FAULTS


def background_name(function: Any) -> str:
    """``background send_mail``, for functions, methods, partials and callable objects."""
    while isinstance(function, functools.partial):
        function = function.func
    return f"background {getattr(function, '__name__', type(function).__name__)}"


def in_background(
    function: Callable[..., Any], link: SpanContext | None, before: Callable[[], None] | None = None
) -> Callable[..., Any]:
    """*function* as an operation of its own, linked to *link*; *before* runs first, outside of it."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        from otel_verein.handwritten import operation

        if before is not None:
            before()
        with operation(background_name(function), link=link):
            return function(*args, **kwargs)

    return call


async def _task(wrapped: Callable[..., Any], task: Any, args: Any, kwargs: Any) -> Any:
    from otel_verein.handwritten import operation

    with operation(background_name(task.func)):
        return await wrapped(*args, **kwargs)


_WATCHED = "_verein_watched"


def watch_background_tasks() -> None:
    """Watch Starlette's ``BackgroundTask``; called with each request, does its work once.

    It must come after the instrumentation of FastAPI has put its own span around the task, so that this one is outside.
    """
    from starlette.background import BackgroundTask

    if not hasattr(BackgroundTask, _WATCHED):
        setattr(BackgroundTask, _WATCHED, True)
        with FAULTS.guard("instrumentation.background"):
            wrap_function_wrapper(BackgroundTask, "__call__", _task)
