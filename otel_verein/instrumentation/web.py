"""Frameworks: which ones the distro instruments, and Django's turn at the right moment."""

from __future__ import annotations

import importlib.metadata
import importlib.util
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
    "celery": "opentelemetry-instrumentation-celery",
    "falcon": "opentelemetry-instrumentation-falcon",
    "pyramid": "opentelemetry-instrumentation-pyramid",
    "tornado": "opentelemetry-instrumentation-tornado",
}
"""Framework module -> distribution of its upstream instrumentation."""


@dataclass(frozen=True, slots=True)
class Framework:
    """An installed framework; ``instrumentation`` is the version of its instrumentation package, None if absent."""

    name: str
    distribution: str
    instrumentation: str | None


def installed_frameworks() -> list[Framework]:
    """The frameworks that can be imported here, with the state of their instrumentation; imports none."""
    found = []
    for name, distribution in FRAMEWORKS.items():
        if importlib.util.find_spec(name) is None:
            continue
        try:
            version: str | None = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            version = None
        found.append(Framework(name, distribution, version))
    return found


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
