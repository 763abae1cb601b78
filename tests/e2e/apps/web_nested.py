"""Entry points within entry points: a WSGI middleware of OpenTelemetry's, a root made by hand, Django inside."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from opentelemetry import trace
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware
from web_django import application as django

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def _by_hand(application: Wsgi) -> Wsgi:
    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        with trace.get_tracer("by hand").start_as_current_span("made by hand"):
            return list(application(environ, start_response))

    return serve


middleware = OpenTelemetryMiddleware(django)
by_hand = _by_hand(django)
