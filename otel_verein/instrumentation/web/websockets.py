"""Websocket connections in slices: an operation for each message, not one that lasts as long as the connection.

A slice goes from a message to the next call of ``receive``. Work outside of these, such as a loop that only sends, is
a slice from its first query to the end of its next ``send``. Every slice is linked to the handshake.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry.context import Context
from opentelemetry.instrumentation import asgi
from opentelemetry.propagate import extract
from opentelemetry.semconv.attributes.http_attributes import HTTP_ROUTE
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from otel_verein.faults import FAULTS
from otel_verein.instrumentation.web.asgi_requests import REQUEST, RequestRoute
from otel_verein.instrumentation.web.streams import Within, fail
from otel_verein.ledger.operation import SPAN_ATTRIBUTE

_asgi: Any = asgi
_PUSHED = "websocket.send"


async def serve(middleware: Any, scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
    """Serve the connection with the application below *middleware*, in slices."""
    connection = None
    with FAULTS.guard("web.websocket.start"):
        connection = Connection(middleware, scope)
    if connection is None:
        await middleware.app(scope, receive, send)
        return
    try:
        with Within(connection.current, connection.base):
            await middleware.app(scope, connection.receiving(receive), connection.sending(send))
    except BaseException as fault:
        # Starlette raises this one out of the application's loop when the client leaves.
        if type(fault).__name__ != "WebSocketDisconnect":
            fail(connection.current, fault)
        raise
    finally:
        connection.close()


class Connection:
    """One connection: its handshake, and the slice that is open, if any."""

    def __init__(self, middleware: Any, scope: Any) -> None:
        self._tracer = middleware.tracer
        self._closed = False
        self._greeted = False
        self._from_message = True
        scope[REQUEST] = self._route = RequestRoute("", _connection_name)
        _, attributes = middleware.default_span_details(scope)
        self._route.matched(attributes.get(HTTP_ROUTE))
        self.base = extract(scope, context=Context(), getter=_asgi.asgi_getter)
        self._handshake = self._tracer.start_span(
            f"{self._route.name} (handshake)",
            context=self.base,
            kind=SpanKind.SERVER,
            attributes=_asgi.collect_request_attributes(scope),
        )
        self.current = CurrentSlice(self, self._handshake)

    def receiving(self, receive: Callable[[], Any]) -> Callable[[], Any]:
        """A form of *receive* that ends the slice before it waits, and begins one for a message."""

        async def receive_slice() -> Any:
            if self._greeted:
                self._finish()
            message = await receive()
            with FAULTS.guard("web.websocket.receive"):
                self._received(message)
            return message

        return receive_slice

    def _received(self, message: Any) -> None:
        if not self._greeted:  # the client's wish to connect belongs to the handshake
            self._greeted = True
        elif message["type"] == "websocket.receive":
            self._finish()
            self._begin(from_message=True)

    def sending(self, send: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """A form of *send* that ends a slice no message has begun."""

        async def send_slice(message: Any) -> None:
            try:
                await send(message)
            finally:
                if not self._from_message or (self.current.span is self._handshake and message["type"] == _PUSHED):
                    self._finish()

        return send_slice

    def begin_if_idle(self) -> None:
        """Begin a slice for work that no message has begun."""
        if not self._closed and not self.current.span.is_recording():
            self._begin(from_message=False)

    def close(self) -> None:
        """The application has returned: no slice begins any more."""
        self._closed = True
        self._finish()

    def _begin(self, *, from_message: bool) -> None:
        self._from_message = from_message
        self.current.span = self._tracer.start_span(
            self._route.name,
            context=Context(),
            kind=SpanKind.CONSUMER if from_message else SpanKind.INTERNAL,
            links=[Link(self._handshake.get_span_context())],
        )

    def _finish(self) -> None:
        with FAULTS.guard("web.websocket.finish"):
            span = self.current.span
            if span.is_recording():
                span.update_name(self._route.name + (" (handshake)" if span is self._handshake else ""))
                span.end()


def _connection_name(_: str, route: str | None, __: int | None) -> str:
    return f"WS {route}" if route is not None else "WS (no route)"


class CurrentSlice(Span):
    """The span that is current for the whole connection, and stands for that of the open slice.

    Tasks that the connection has started, and a ``receive`` that runs in a task of its own, have copies of the
    context; all copies hold this one object.
    """

    def __init__(self, connection: Connection, span: Span) -> None:
        self._connection = connection
        self.span = span

    def __getattr__(self, name: str) -> Any:
        if name == SPAN_ATTRIBUTE:
            with FAULTS.guard("web.websocket.begin"):
                self._connection.begin_if_idle()
        return getattr(self.span, name)

    def end(self, end_time: int | None = None) -> None:
        """Nothing: the connection ends its slices itself."""

    def get_span_context(self) -> SpanContext:
        """The context of the open slice, or of the last one."""
        return self.span.get_span_context()

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Set *attributes* on the open slice."""
        self.span.set_attributes(attributes)

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        """Set one attribute on the open slice."""
        self.span.set_attribute(key, value)

    def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None:
        """Add an event to the open slice."""
        self.span.add_event(name, attributes, timestamp)

    def update_name(self, name: str) -> None:
        """Nothing: slices are named by the route."""

    def is_recording(self) -> bool:
        """Whether a slice is open."""
        return self.span.is_recording()

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Set the status of the open slice."""
        self.span.set_status(status, description)

    def record_exception(
        self, exception: BaseException, attributes: Any = None, timestamp: int | None = None, escaped: bool = False
    ) -> None:
        """Record *exception* on the open slice."""
        self.span.record_exception(exception, attributes, timestamp, escaped)
