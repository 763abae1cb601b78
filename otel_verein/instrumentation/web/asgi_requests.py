"""Requests of Starlette and FastAPI: the upstream ASGI middleware, with our names, ends and slices.

Its spans for each ``receive`` and ``send`` are left out: a stream would have one for every chunk. Connections that
are websockets do not go through it but through :mod:`~otel_verein.instrumentation.web.websockets`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from opentelemetry.semconv.attributes.http_attributes import HTTP_ROUTE
from opentelemetry.trace import Span
from wrapt import register_post_import_hook, wrap_function_wrapper

from otel_verein.faults import FAULTS
from otel_verein.instrumentation.web.background import watch_background_tasks
from otel_verein.instrumentation.web.routes import rename, request_name

REQUEST = "otel_verein.request"
"""The key of the ASGI scope under which the request of the outermost application is found."""

_CONVERTER = re.compile(r":\w+\}")
_watching = False


def watch_asgi() -> None:
    """Watch every application under the upstream ASGI middleware, now or when its parts are imported. Idempotent."""
    global _watching
    if _watching:
        return
    _watching = True
    register_post_import_hook(_middleware_imported, "opentelemetry.instrumentation.asgi")
    register_post_import_hook(_routing_imported, "starlette.routing")
    register_post_import_hook(_applications_imported, "starlette.applications")


class RequestRoute:
    """The name of one request or connection, as the applications on its way find its route piece by piece."""

    def __init__(self, method: str, name: Callable[[str, str | None, int | None], str] = request_name) -> None:
        self._method = method
        self._name_of = name
        self._prefix = ""
        self._leaf: str | None = None
        self._status: int | None = None
        self._span: Span | None = None

    @property
    def route(self) -> str | None:
        """The template found so far; what a mounted application does below its prefix may be unknown."""
        if self._leaf is None and not self._prefix:
            return None
        return self._prefix + ("/{path}" if self._leaf is None else self._leaf)

    @property
    def name(self) -> str:
        """The name by what is known so far."""
        return self._name_of(self._method, self.route, self._status)

    def started(self, span: Span) -> None:
        """Take *span* for the operation's, unless an outer application's has been taken; and its route."""
        if self._span is None:
            self._span = span
        self.matched((getattr(span, "attributes", None) or {}).get(HTTP_ROUTE))

    def matched(self, leaf: str | None) -> None:
        """An application has found the route *leaf*; None if it has found none."""
        if leaf is not None:
            self._leaf = _CONVERTER.sub("}", leaf)
        rename(self.name, self.route, self._span)

    def found(self, leaf: str) -> None:
        """A route below a mount handles the request; what its application has told before is more exact."""
        if self._leaf is None:
            self.matched(leaf)

    def mounted(self, prefix: str) -> None:
        """The request goes on to an application below *prefix*."""
        self._prefix += _CONVERTER.sub("}", prefix)
        self._leaf = None
        rename(self.name, self.route, self._span)

    def answered(self, status: int) -> None:
        """The response has begun."""
        self._status = status
        rename(self.name, None, self._span)


def _middleware_imported(module: Any) -> None:
    with FAULTS.guard("instrumentation.asgi"):
        wrap_function_wrapper(module, "OpenTelemetryMiddleware.__call__", _call)


def _routing_imported(module: Any) -> None:
    with FAULTS.guard("instrumentation.starlette"):
        for name in ("Route", "WebSocketRoute"):
            wrap_function_wrapper(module, f"{name}.handle", _handle_route)
        for name in ("Mount", "Host"):
            wrap_function_wrapper(module, f"{name}.handle", _handle_mount)


def _applications_imported(module: Any) -> None:
    with FAULTS.guard("instrumentation.starlette"):
        wrap_function_wrapper(module, "Starlette.build_middleware_stack", _outermost_first)


async def _call(wrapped: Callable[..., Any], middleware: Any, args: Any, kwargs: Any) -> Any:
    if kwargs or len(args) != 3:
        return await wrapped(*args, **kwargs)
    scope, receive, send = args
    if scope["type"] == "websocket" and _slices(middleware, scope):
        from otel_verein.instrumentation.web.websockets import serve

        return await serve(middleware, scope, receive, send)
    if scope["type"] == "http":
        with FAULTS.guard("web.asgi.request"):
            watch_background_tasks()
            _prepare(middleware)
            if REQUEST not in scope:
                scope[REQUEST] = RequestRoute(scope.get("method", ""))
                send = _observed(send, scope[REQUEST])
    return await wrapped(scope, receive, send)


def _slices(middleware: Any, scope: Any) -> bool:
    """Whether the connection is one to watch and not watched already by an application further out."""
    from opentelemetry.instrumentation import asgi

    if REQUEST in scope:
        return False
    upstream: Any = asgi
    excluded = middleware.excluded_urls
    return not (excluded and excluded.url_disabled(upstream.get_host_port_url_tuple(scope)[2]))


def _prepare(middleware: Any) -> None:
    """Have *middleware* tell us its span, and make none for single messages; once."""
    if getattr(middleware, "_verein_prepared", False):
        return
    middleware._verein_prepared = True
    middleware.exclude_receive_span = middleware.exclude_send_span = True
    given = middleware.server_request_hook

    def started(span: Span, scope: Any) -> None:
        with FAULTS.guard("web.asgi.started"):
            request = scope.get(REQUEST)
            if request is not None:
                request.started(span)
        if given is not None:
            given(span, scope)

    middleware.server_request_hook = started


def _observed(send: Callable[[Any], Any], request: RequestRoute) -> Callable[[Any], Any]:
    async def observed(message: Any) -> None:
        if message["type"] == "http.response.start":
            with FAULTS.guard("web.asgi.response"):
                request.answered(message["status"])
        await send(message)

    return observed


def _handle_route(wrapped: Callable[..., Any], route: Any, args: Any, kwargs: Any) -> Any:
    with FAULTS.guard("web.asgi.route"):
        request = _request_of(*args, **kwargs)
        if request is not None:
            request.found(route.path_format)
    return wrapped(*args, **kwargs)


def _handle_mount(wrapped: Callable[..., Any], mount: Any, args: Any, kwargs: Any) -> Any:
    with FAULTS.guard("web.asgi.route"):
        request = _request_of(*args, **kwargs)
        if request is not None:
            request.mounted(getattr(mount, "path", ""))  # a host has none
    return wrapped(*args, **kwargs)


def _request_of(scope: Any, *_: Any, **__: Any) -> RequestRoute | None:
    found: RequestRoute | None = scope.get(REQUEST)
    return found


def _outermost_first(wrapped: Callable[..., Any], app: Any, args: Any, kwargs: Any) -> Any:
    """Middleware that is added after the application was made would come before upstream's, and outside."""
    with FAULTS.guard("web.asgi.order"):
        from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

        app.user_middleware.sort(key=lambda entry: entry.cls is not OpenTelemetryMiddleware)
    return wrapped(*args, **kwargs)
