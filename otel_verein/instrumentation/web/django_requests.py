"""Django's requests: the upstream middleware, for WSGI and ASGI, with names that are bounded and ends that come.

It differs from its base in five things. It is asynchronous under ASGI instead of taking a thread per request; a
cancelled request ends; a streaming response keeps its operation open until it is closed; names are route templates;
and a host that Django would refuse is not refused by us.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from opentelemetry.context import detach
from opentelemetry.instrumentation.django.middleware.otel_middleware import _DjangoMiddleware
from opentelemetry.trace import get_current_span
from opentelemetry.util.http import sanitize_method

from otel_verein.faults import FAULTS
from otel_verein.instrumentation.web.routes import rename, request_name, server_span
from otel_verein.instrumentation.web.streams import AsyncStream, Stream, held_until_closed

_Upstream: Any = _DjangoMiddleware
UPSTREAM = f"{_DjangoMiddleware.__module__}.{_DjangoMiddleware.__qualname__}"
_OUTER = "otel_verein.outer_span"


def replace_upstream() -> None:
    """Put :class:`RequestMiddleware` where the upstream instrumentation has put its own into ``MIDDLEWARE``."""
    ours = f"{RequestMiddleware.__module__}.{RequestMiddleware.__qualname__}"
    settings: Any = import_module("django.conf").settings
    settings.MIDDLEWARE = [ours if name == UPSTREAM else name for name in settings.MIDDLEWARE]


class RequestMiddleware(_Upstream):  # type: ignore[misc]
    """One operation per request, from before the first other middleware to the end of the response."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        super().__init__(get_response)
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)
            self.process_view = self._process_view_async  # type: ignore[method-assign, assignment]

    def __call__(self, request: Any) -> Any:
        """The response, or under ASGI a coroutine of it."""
        if self._is_async:
            return self._respond(request)
        with self._watched(request):
            response = self.get_response(request)
        return self.process_response(request, response)

    async def _respond(self, request: Any) -> Any:
        with self._watched(request):
            response = await self.get_response(request)
        return self.process_response(request, response)

    @contextmanager
    def _watched(self, request: Any) -> Iterator[None]:
        outer = get_current_span()
        with FAULTS.guard("web.django.request"), _lenient(request):
            self.process_request(request)
        request.META[_OUTER] = server_span(outer)
        try:
            yield
        except BaseException:  # a cancelled task: Django turns every other exception into a response
            with FAULTS.guard("web.django.abandoned"):
                self._abandon(request)
            raise

    @staticmethod
    def _get_span_name(request: Any) -> str:
        """The method: upstream resolves the address here, which Django does again for itself later."""
        method: str = sanitize_method(request.method.strip())
        return "HTTP" if method == "_OTHER" else method

    def process_view(self, request: Any, view_func: Any, *args: Any, **kwargs: Any) -> None:
        """Name the operation by the route that has just been found."""
        with FAULTS.guard("web.django.view"), _lenient(request):
            super().process_view(request, view_func, *args, **kwargs)
            self._name(request, None)

    async def _process_view_async(self, request: Any, view_func: Any, *args: Any, **kwargs: Any) -> None:
        type(self).process_view(self, request, view_func, *args, **kwargs)

    def process_exception(self, request: Any, exception: Exception) -> None:
        """Remember what the view raised."""
        with FAULTS.guard("web.django.exception"), _lenient(request):
            super().process_exception(request, exception)

    def process_response(self, request: Any, response: Any) -> Any:
        """*response* itself; its operation ends now, or when it is closed if it is a stream."""
        with FAULTS.guard("web.django.response"):
            self._name(request, response.status_code)
            span = request.META.get(self._environ_span_key)
            if span is not None and getattr(response, "streaming", False):
                _keep_open(response, span)
        with FAULTS.guard("web.django.response"), _lenient(request):
            super().process_response(request, response)
        request.META.pop(_OUTER, None)
        return response

    def _name(self, request: Any, status: int | None) -> None:
        match = getattr(request, "resolver_match", None)
        route = None if match is None else "/" + match.route.removeprefix("^")
        spans = request.META.get(self._environ_span_key), request.META.get(_OUTER)
        rename(request_name(request.method, route, status), route, *spans)

    def _abandon(self, request: Any) -> None:
        """End the operation of a request that will have no response."""
        activation = request.META.pop(self._environ_activation_key, None)
        token = request.META.pop(self._environ_token, None)
        if activation is None:
            return
        self._active_request_counter.add(-1, request.META.pop(self._environ_active_request_attr_key, None))
        self._name(request, None)
        request.META.pop(self._environ_span_key, None)
        activation.__exit__(None, None, None)
        if token is not None:
            detach(token)


@contextmanager
def _lenient(request: Any) -> Iterator[None]:
    """Let upstream ask for the address, to compare it with the excluded ones, without Django checking the host."""
    host = request.META.get("HTTP_HOST") or request.META.get("SERVER_NAME") or ""
    request.build_absolute_uri = lambda _=None: f"{request.scheme}://{host}{request.path}"
    try:
        yield
    finally:
        del request.build_absolute_uri


def _keep_open(response: Any, span: Any) -> None:
    if getattr(response, "file_to_stream", None) is None:  # a file goes to the server as it is
        stream: Any = AsyncStream if response.is_async else Stream
        response.streaming_content = stream(response.streaming_content, span)
    held_until_closed(response, span)
