"""Names of requests: a method and a route template, never a path, so that there are few of them."""

from __future__ import annotations

from opentelemetry.semconv.attributes.http_attributes import HTTP_ROUTE
from opentelemetry.trace import Span, SpanKind
from opentelemetry.util.http import sanitize_method


def request_name(method: str, route: str | None, status: int | None = None) -> str:
    """``GET /orders/{id}``; without a route a name per class of status, such as ``GET (no route, 4xx)``."""
    known = sanitize_method(method.strip())
    if known == "_OTHER":
        known = "HTTP"
    if route is not None:
        return f"{known} {route}"
    return f"{known} (no route)" if status is None else f"{known} (no route, {status // 100}xx)"


def server_span(span: Span) -> Span | None:
    """*span* if it is the open one of a server around us, whose name we may make better; the user's own we leave."""
    return span if span.is_recording() and getattr(span, "kind", None) is SpanKind.SERVER else None


def rename(name: str, route: str | None, *spans: Span | None) -> None:
    """Give those of *spans* that are still open their *name*, and the *route* where there is one."""
    for span in spans:
        if span is not None and span.is_recording():
            span.update_name(name)
            if route is not None:
                span.set_attribute(HTTP_ROUTE, route)
