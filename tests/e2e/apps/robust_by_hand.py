"""A server of threads with the SDK set up by hand, whose exporter sleeps half a minute for each export.

``robust_by_hand.py bare|sleeping REQUESTS`` asks itself once, then that many times while the exporter sleeps, and
prints, as JSON, how long those answers took; ``sleeping`` records, with metrics to files, and ``bare`` does not.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import web_work
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from otel_verein.config.schema import Config, Export, Sampling
from otel_verein.exporters import file_exporters
from otel_verein.instrumentation import instrument
from otel_verein.processors import VereinSampler, VereinSpanProcessor

EXPORT_S = 30
QUEUE = 50
_tracer = trace.get_tracer("by hand")


class Sleeping(SpanExporter):
    """Takes half a minute for each export."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.calls = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Sleep, then succeed."""
        self.calls += 1
        self.entered.set()
        time.sleep(EXPORT_S)
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Nothing to close."""


class Handler(BaseHTTPRequestHandler):
    """Answers with two queries."""

    def do_GET(self) -> None:
        """One operation."""
        with _tracer.start_as_current_span("GET", kind=trace.SpanKind.SERVER):
            web_work.queries(2)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def record(exporter: SpanExporter) -> None:
    """Set the SDK up by hand."""
    config = Config(sampling=Sampling(ratio=1.0), export=Export(queue_operations=QUEUE))
    _, metrics = file_exporters(".verein/otlp", config.export)
    provider = TracerProvider(sampler=VereinSampler(config.sampling))
    provider.add_span_processor(VereinSpanProcessor(exporter, config, metrics))
    trace.set_tracer_provider(provider)
    instrument()


def answered(port: int, requests: int) -> list[float]:
    """How long each of *requests* answers took, in seconds, over four connections."""

    def ask(number: int) -> float:
        begun = time.perf_counter()
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/")
        assert connection.getresponse().status == 200
        connection.close()
        return time.perf_counter() - begun

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(ask, range(requests)))


def main(how: str, requests: int) -> None:
    """Serve, ask, tell."""
    exporter = Sleeping()
    if how == "sleeping":
        record(exporter)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    answered(server.server_address[1], 1)
    if how == "sleeping":
        exporter.entered.wait()
    times = sorted(answered(server.server_address[1], requests))
    p50, p99 = times[requests // 2], times[requests * 99 // 100]
    print(json.dumps({"p50": p50, "p99": p99, "slowest": times[-1], "exports": exporter.calls}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
