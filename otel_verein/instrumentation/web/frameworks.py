"""Frameworks: which ones the distro instruments, and the right moment for each.

Upstream's instrumentations are loaded when their framework is imported, not before: a process without one pays
nothing, and gevent can patch first. What they fall short of is in the modules named ``*_requests``.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wrapt import register_post_import_hook, wrap_function_wrapper

from otel_verein.faults import FAULTS, Faults

FRAMEWORKS = {
    "django": "opentelemetry-instrumentation-django",
    "flask": "opentelemetry-instrumentation-flask",
    "fastapi": "opentelemetry-instrumentation-fastapi",
    "starlette": "opentelemetry-instrumentation-starlette",
    "falcon": "opentelemetry-instrumentation-falcon",
    "pyramid": "opentelemetry-instrumentation-pyramid",
    "tornado": "opentelemetry-instrumentation-tornado",
}
"""Framework module -> distribution of its upstream instrumentation."""

THREADING = "opentelemetry-instrumentation-threading"
"""Carries the operation into threads and thread pools; without it their queries belong to none."""


@dataclass(frozen=True, slots=True)
class Framework:
    """An installed framework; ``instrumentation`` is the version of its instrumentation package, None if absent."""

    name: str
    distribution: str
    instrumentation: str | None


def installed_frameworks() -> list[Framework]:
    """The frameworks that can be imported here, with the state of their instrumentation; imports none."""
    return [
        Framework(name, distribution, _version(distribution))
        for name, distribution in FRAMEWORKS.items()
        if importlib.util.find_spec(name) is not None
    ]


def missing_threading() -> str | None:
    """What is not seen without the instrumentation of threads, and the cure; None where it is installed."""
    if _version(THREADING) is not None:
        return None
    return (
        f"{THREADING} is not installed, so queries in threads and thread pools belong to no operation: "
        f"pip install {THREADING}"
    )


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def load_in_time(name: str, load: Callable[[], None], faults: Faults = FAULTS) -> bool:
    """Run *load*, which loads the upstream instrumentation *name*, when its framework is used; with our additions.

    False if *name* is no framework with a moment of its own; nothing has happened then.
    """
    watch = {"django": _django, "flask": _flask, "fastapi": _fastapi, "starlette": _starlette}.get(name)
    if watch is None:
        return False
    with faults.guard(f"instrumentation.{name}"):
        watch(_guarded(name, load, faults))
    return True


def watch_frameworks() -> None:
    """Our additions alone, for those who load the upstream instrumentations themselves.

    Call it before the application is made; frameworks are watched now or when they are imported.
    """
    for name in ("django", "flask", "fastapi", "starlette"):
        load_in_time(name, lambda: None)


def _guarded(name: str, load: Callable[[], None], faults: Faults) -> Callable[[], None]:
    def guarded() -> None:
        with faults.guard(f"instrumentation.{name}"):
            load()

    return guarded


def _django(load: Callable[[], None]) -> None:
    def instrument() -> None:
        from otel_verein.instrumentation.web.django_requests import replace_upstream

        load()
        replace_upstream()

    when_django_starts(instrument)


def _flask(load: Callable[[], None]) -> None:
    def imported(_: Any) -> None:
        with FAULTS.guard("instrumentation.flask"):
            from otel_verein.instrumentation.web.flask_requests import watch_flask

            watch_flask()
        load()

    register_post_import_hook(imported, "flask")


_after_fastapi: list[Callable[[], None]] = []


def _fastapi(load: Callable[[], None]) -> None:
    def imported(_: Any) -> None:
        _watch_asgi()
        load()
        while _after_fastapi:
            _after_fastapi.pop()()

    register_post_import_hook(imported, "fastapi")


def _starlette(load: Callable[[], None]) -> None:
    """FastAPI must see the plain class of Starlette, or its applications would be instrumented twice."""

    def imported(_: Any) -> None:
        _watch_asgi()
        with FAULTS.guard("instrumentation.starlette"):
            if _version(FRAMEWORKS["fastapi"]) is not None and importlib.util.find_spec("fastapi") is not None:
                if "fastapi" in sys.modules and not hasattr(sys.modules["fastapi"], "FastAPI"):
                    _after_fastapi.append(load)  # FastAPI is what imports Starlette, and is not through with it
                    return
                importlib.import_module("fastapi")
        load()

    register_post_import_hook(imported, "starlette.applications")


def _watch_asgi() -> None:
    with FAULTS.guard("instrumentation.asgi"):
        from otel_verein.instrumentation.web.asgi_requests import watch_asgi

        watch_asgi()


def when_django_starts(instrument: Callable[[], None], faults: Faults = FAULTS) -> None:
    """Run *instrument* once, when the first request handler loads its middleware.

    The upstream instrumentation reads the settings as soon as it is asked to, and configures empty ones where
    ``DJANGO_SETTINGS_MODULE`` is not set yet; most projects set it only in ``wsgi.py`` or ``manage.py``.
    """
    pending = [instrument]

    def load_middleware(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any) -> Any:
        if pending:
            with faults.guard("instrumentation.django"):
                pending.pop()()
        return wrapped(*args, **kwargs)

    def imported(module: Any) -> None:
        with faults.guard("instrumentation.django"):
            wrap_function_wrapper(module, "BaseHandler.load_middleware", load_middleware)

    register_post_import_hook(imported, "django.core.handlers.base")
