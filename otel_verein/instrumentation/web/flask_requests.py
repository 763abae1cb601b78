"""Flask's requests: an operation around the whole WSGI call, from opening the session to closing the response.

The upstream instrumentation works in ``before_request`` and ``teardown_request``. That is too late for a session in
the database and too early for a stream, and teardown runs as often as a request context is copied. Its span stays,
below ours.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any

from opentelemetry.context import Context, get_current
from opentelemetry.instrumentation.wsgi import (
    add_response_attributes,
    collect_custom_request_headers_attributes,
    collect_custom_response_headers_attributes,
    collect_request_attributes,
    wsgi_getter,
)
from opentelemetry.propagate import extract
from opentelemetry.trace import Span, SpanKind, get_current_span, get_tracer
from opentelemetry.util.http import ExcludeList, get_excluded_urls
from wrapt import register_post_import_hook, wrap_function_wrapper

from otel_verein.faults import FAULTS
from otel_verein.instrumentation.web.background import in_background
from otel_verein.instrumentation.web.routes import rename, request_name, server_span
from otel_verein.instrumentation.web.streams import Stream, Within, fail

_REQUEST = "otel_verein.request"
_EXCLUDING = ("OTEL_PYTHON_FLASK_EXCLUDED_URLS", "OTEL_PYTHON_EXCLUDED_URLS")
_watching = False


def watch_flask() -> None:
    """Watch every Flask application of the process, now or when Flask is imported. Idempotent."""
    global _watching
    if _watching:
        return
    _watching = True
    # Without any, the address need not be put together for each request.
    excluded = get_excluded_urls("FLASK") if any(map(os.environ.get, _EXCLUDING)) else None

    def flask_imported(module: Any) -> None:
        with FAULTS.guard("instrumentation.flask"):
            wrap_function_wrapper(module, "Flask.__call__", functools.partial(_call, excluded))
            wrap_function_wrapper(module, "Flask.full_dispatch_request", _dispatch)

    def werkzeug_imported(module: Any) -> None:
        with FAULTS.guard("instrumentation.flask"):
            wrap_function_wrapper(module, "Response.call_on_close", _call_on_close)

    register_post_import_hook(flask_imported, "flask.app")
    register_post_import_hook(werkzeug_imported, "werkzeug.wrappers.response")


class FlaskRequest:
    """One WSGI call of a Flask application and its operation."""

    def __init__(self, environ: dict[str, Any]) -> None:
        current = get_current_span()
        nested = current.is_recording()
        self._method = str(environ.get("REQUEST_METHOD", ""))
        self._route: str | None = None
        self._status: int | None = None
        self._outer = server_span(current)
        base = get_current() if nested else extract(environ, context=Context(), getter=wsgi_getter)
        self.span: Span = get_tracer("otel_verein.flask").start_span(
            request_name(self._method, None),
            context=base,
            kind=SpanKind.INTERNAL if nested else SpanKind.SERVER,
            attributes=collect_request_attributes(environ),
        )
        self.within = Within(self.span, base)
        if not nested:
            self.span.set_attributes(collect_custom_request_headers_attributes(environ))
        environ[_REQUEST] = self

    def matched(self, route: str | None) -> None:
        """Take the name of the *route* that Flask found."""
        self._route = route
        rename(request_name(self._method, route, self._status), route, self.span, self._outer)

    def answered(self, status: str, headers: list[tuple[str, str]]) -> None:
        """Note status and headers of the response."""
        self._status = int(status[:3]) if status[:3].isdigit() else None
        add_response_attributes(self.span, status, headers)
        if getattr(self.span, "kind", None) is SpanKind.SERVER:
            self.span.set_attributes(collect_custom_response_headers_attributes(headers))
        self.matched(self._route)

    def end(self) -> None:
        """End the operation: the last byte has left. Idempotent, never raises."""
        with FAULTS.guard("web.flask.end"):
            if self.span.is_recording():
                self.span.end()


class Body(Stream[bytes]):
    """The body of a response; closing it closes the application's and ends the operation.

    A body that is thrown away without being closed ends it too.
    """

    def __init__(self, body: Any, request: FlaskRequest) -> None:
        super().__init__(body, request.span, request.within)
        self._body = body
        self._request = request

    def close(self) -> None:
        """Close the application's body within the operation, then end that."""
        close = getattr(self._body, "close", None)
        try:
            if close is not None:
                with self._within:
                    close()
        finally:
            self._request.end()

    def __del__(self) -> None:
        self._request.end()


def _call(excluded: ExcludeList | None, wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any) -> Any:
    request = None
    with FAULTS.guard("web.flask.request"):
        request = _request(excluded, *args, **kwargs)
    if request is None:
        return wrapped(*args, **kwargs)
    environ, start_response = args

    def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        with FAULTS.guard("web.flask.response"):
            request.answered(status, headers)
        return start_response(status, headers, *rest)

    try:
        with request.within:
            body = wrapped(environ, start)
    except BaseException as fault:
        fail(request.span, fault)
        request.end()
        raise
    file_wrapper = environ.get("wsgi.file_wrapper")
    if isinstance(file_wrapper, type) and isinstance(body, file_wrapper):
        request.end()  # the server sends the file by itself, if it gets it as it is
        return body
    return Body(body, request)


def _request(excluded: ExcludeList | None, environ: dict[str, Any], _: Any) -> FlaskRequest | None:
    """The request that begins here; None inside of another one of Flask, or where the address is excluded."""
    from werkzeug.wsgi import get_current_url

    if _REQUEST in environ or (excluded is not None and excluded.url_disabled(get_current_url(environ))):
        return None
    return FlaskRequest(environ)


def _current() -> FlaskRequest | None:
    from flask import has_request_context, request

    return request.environ.get(_REQUEST) if has_request_context() else None


def _dispatch(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any) -> Any:
    """Flask has matched the address by now, and has run nothing of the application yet but its session."""
    with FAULTS.guard("web.flask.route"):
        from flask import request as flask_request

        request, rule = _current(), flask_request.url_rule
        if request is not None and rule is not None:
            request.matched(rule.rule)
    return wrapped(*args, **kwargs)


def _call_on_close(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any) -> Any:
    """Functions for after the response are background work, and the request ends before the first of them."""
    function = args[0] if len(args) == 1 and not kwargs else None
    request = None
    with FAULTS.guard("web.flask.background"):
        request = _current()
    if request is None or not callable(function):
        return wrapped(*args, **kwargs)
    wrapped(in_background(function, request.span.get_span_context(), request.end))
    return function
