"""A service with OpenTelemetry's own SDK, set up by hand: ``collector_gateway_stock.py PORT``; SIGTERM ends it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import extract
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode

PROVIDER = TracerProvider()
TRACER = PROVIDER.get_tracer("stock")


class Quiet(WSGIRequestHandler):
    """Says nothing of requests."""

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


def application(environ: dict[str, Any], start: Callable[[str, list[tuple[str, str]]], object]) -> Iterable[bytes]:
    """A page with one query; out of stock is an error of this service, and of no other."""
    parent = extract(
        {"traceparent": environ.get("HTTP_TRACEPARENT", ""), "tracestate": environ.get("HTTP_TRACESTATE", "")}
    )
    with TRACER.start_as_current_span("GET /stock", context=parent, kind=SpanKind.SERVER) as span:
        with TRACER.start_as_current_span("SELECT", kind=SpanKind.CLIENT) as query:
            query.set_attributes({"db.system": "sqlite", "db.statement": "SELECT * FROM stock WHERE owner = 'ann'"})
        if environ["PATH_INFO"] == "/out_of_stock":
            span.set_status(StatusCode.ERROR)
    start("200 OK", [("Content-Type", "text/plain")])
    return [b"stock"]


def interrupted(*_: object) -> None:
    """Leave the loop of the server."""
    sys.exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupted)
    PROVIDER.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(PROVIDER)
    try:
        make_server("127.0.0.1", int(sys.argv[1]), application, handler_class=Quiet).serve_forever()
    finally:
        PROVIDER.shutdown()
