"""An OTLP/HTTP endpoint on loopback that behaves as a test tells it to, and keeps what it took.

What it took it keeps as OTLP JSON in the form of our segment lines, so that :mod:`tests.segments` reads both.
``python -m tests.services.otlp_receiver`` runs one until it is interrupted.
"""

from __future__ import annotations

import base64
import gzip
import json
import socket
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict, Parse
from google.protobuf.message import Message
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.services.ports import LOOPBACK

Json = dict[str, Any]


@dataclass(frozen=True)
class Behaviour:
    """How one request is answered; the names below are the usual ones."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    silent: bool = False
    slow: bool = False
    most_bytes: int | None = None
    rejected: int = 0

    def refuses(self, size: int) -> int:
        """The status of the answer to a request of *size* bytes."""
        return 413 if self.most_bytes is not None and size > self.most_bytes else self.status


OK = Behaviour()
SILENT = Behaviour(silent=True)
"""Accepts, reads, never answers."""
SLOW = Behaviour(slow=True)
"""Answers a byte a second."""


def status(number: int, **headers: str) -> Behaviour:
    """Answers *number*; an underscore in the name of a header stands for a hyphen."""
    return Behaviour(status=number, headers={name.replace("_", "-"): text for name, text in headers.items()})


def too_large_above(most_bytes: int) -> Behaviour:
    """Answers 413 to a body of more than *most_bytes*, and takes others."""
    return Behaviour(most_bytes=most_bytes)


def partial(rejected: int) -> Behaviour:
    """Takes a request and says that *rejected* of its spans or points were not."""
    return Behaviour(rejected=rejected)


@dataclass(frozen=True)
class Request:
    """One request as it came, taken or not."""

    signal: str
    status: int
    size: int
    line: Json | None
    headers: Mapping[str, str] = field(default_factory=dict)


class OtlpReceiver:
    """An endpoint of this process; a context manager that ends it. Everything may be called from any thread.

    *signal* is ``spans`` or ``metrics`` throughout.
    """

    def __init__(self, port: int = 0) -> None:
        self._lock = threading.Lock()  # guards _behaviours and _requests
        self._behaviours: dict[str, Callable[[], Behaviour]] = {}
        self._requests: list[Request] = []
        self._gone = threading.Event()
        self._server: _Server | None = None
        self.port = port
        self.listen()

    def __enter__(self) -> OtlpReceiver:
        return self

    def __exit__(self, *_: object) -> None:
        self._gone.set()
        self.refuse()

    @property
    def url(self) -> str:
        """The base endpoint, for ``OTEL_EXPORTER_OTLP_ENDPOINT``."""
        return f"http://{LOOPBACK}:{self.port}"

    def environment(self, **more: str) -> dict[str, str]:
        """What makes a process send here, metrics as deltas; *more* are further variables."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta",
        } | more

    def behave(self, how: Behaviour, *then: Behaviour, signal: str | None = None) -> None:
        """Answer the next request like *how*, those after it like *then*; the last one holds. Of one signal or both."""
        left = [how, *then]

        def following() -> Behaviour:
            return left.pop(0) if len(left) > 1 else left[0]

        with self._lock:
            for each in (signal,) if signal else ("spans", "metrics"):
                self._behaviours[each] = following

    def refuse(self) -> None:
        """Close the port: connections are refused from now on."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def listen(self) -> None:
        """Open the port (again)."""
        if self._server is None:
            self._server = _Server((LOOPBACK, self.port), self)
            self.port = self._server.server_address[1]
            threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def requests(self, signal: str | None = None) -> list[Request]:
        """Every request so far, of one signal or of both."""
        with self._lock:
            return [request for request in self._requests if signal in (None, request.signal)]

    def lines(self, signal: str) -> list[Json]:
        """What was taken, as the lines of a segment."""
        return [request.line for request in self.requests(signal) if request.line is not None]

    def spans(self) -> Iterator[Json]:
        """Every span that was taken."""
        for line in self.lines("spans"):
            for resource in line["resourceSpans"]:
                for scope in resource["scopeSpans"]:
                    yield from scope["spans"]

    def write(self, directory: Path) -> Path:
        """Write what was taken as segments under *directory*, for the readers of files; returns *directory*."""
        for signal in ("spans", "metrics"):
            (directory / signal).mkdir(parents=True, exist_ok=True)
            text = "".join(json.dumps(line) + "\n" for line in self.lines(signal))
            (directory / signal / "received.jsonl").write_text(text, encoding="utf-8")
        return directory

    def behaviour(self, signal: str) -> Behaviour:
        """How the next request of *signal* is answered."""
        with self._lock:
            following = self._behaviours.get(signal)
            return OK if following is None else following()

    def line(self, body: bytes, wanted: type[Message], content_type: str) -> Json:
        """What is kept of the body of a request."""
        return _line(body, wanted, content_type)

    def keep(self, request: Request) -> None:
        """Book a request."""
        with self._lock:
            self._requests.append(request)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the receiver is gone, or *seconds*; whether it is."""
        return self._gone.wait(seconds)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], receiver: OtlpReceiver) -> None:
        self.receiver = receiver
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection, and remember it: one that is kept alive must end when the port is closed."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """End a connection."""
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Close the port and every connection."""
        super().server_close()
        for connection in list(self._open):
            self.shutdown_request(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves early is no fault of the test."""


_MESSAGES: dict[str, tuple[str, type[Message], type[Message], str]] = {
    "/v1/traces": ("spans", ExportTraceServiceRequest, ExportTraceServiceResponse, "rejected_spans"),
    "/v1/metrics": ("metrics", ExportMetricsServiceRequest, ExportMetricsServiceResponse, "rejected_data_points"),
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        """Take one request, or not, as the receiver says."""
        signal, wanted, answered, rejected = _MESSAGES[self.path]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        how = self.server.receiver.behaviour(signal)
        number = 0 if how.silent or how.slow else how.refuses(len(body))
        plain = decompressed(body, self.headers.get("Content-Encoding", ""))
        content_type = self.headers.get("Content-Type", "")
        line = self.server.receiver.line(plain, wanted, content_type) if 200 <= number < 300 else None
        self.server.receiver.keep(Request(signal, number, len(body), line, self.headers))
        if how.silent:
            self.server.receiver.wait()
            return
        answer = answered()
        if how.rejected:
            setattr(answer.partial_success, rejected, how.rejected)  # type: ignore[attr-defined]
        self._answer(how, number or 200, answer.SerializeToString() if number == 200 else b"")

    def _answer(self, how: Behaviour, number: int, body: bytes) -> None:
        if how.slow:
            for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n":
                self.wfile.write(bytes([byte]))
                if self.server.receiver.wait(1):
                    return
            return
        self.send_response(number)
        for name, text in how.headers.items():
            self.send_header(name, text)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def decompressed(body: bytes, encoding: str) -> bytes:
    """The plain form of a body."""
    if encoding == "gzip":
        return gzip.decompress(body)
    return zlib.decompress(body) if encoding == "deflate" else body


def _line(body: bytes, wanted: type[Message], content_type: str) -> Json:
    message = wanted()
    if content_type.startswith("application/json"):
        Parse(body, message)
    else:
        message.ParseFromString(body)
    return as_line(message)


def as_line(message: Message) -> Json:
    """A request as the collector's file exporter writes it: integer enums, hexadecimal ids."""
    found: Json = MessageToDict(message, use_integers_for_enums=True)
    _hexadecimal(found)
    return found


def _hexadecimal(node: Any) -> None:
    if isinstance(node, list):
        for item in node:
            _hexadecimal(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in ("traceId", "spanId", "parentSpanId"):
                node[key] = base64.b64decode(value).hex()
            else:
                _hexadecimal(value)


def main() -> None:
    """Run a receiver until it is interrupted, and tell of every request."""
    with OtlpReceiver() as receiver:
        print(f"OTEL_EXPORTER_OTLP_ENDPOINT={receiver.url} OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", flush=True)
        told = 0
        try:
            while not receiver.wait(0.2):
                for request in receiver.requests()[told:]:
                    print(request.signal, request.status, request.size, json.dumps(request.line), flush=True)
                    told += 1
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
