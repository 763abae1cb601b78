"""A backend for every agent of the benchmark: reads what it is sent, counts it, and answers as the real one would.

Run as a program it prints how to reach it, as JSON, and then answers each line of its standard input with what it has
counted, until its standard input closes.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import socketserver
import struct
import sys
import threading
import zlib
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sink_formats import datadog, elastic, otlp, scout, sentry

READERS = {
    "/v1/traces": otlp,
    "/v0.4/traces": datadog,
    "/v0.5/traces": datadog,
    "/api/1/envelope/": sentry,
    "/intake/v2/events": elastic,
}
ANSWERS = {
    # what the Datadog agent says it can do
    "/info": {
        "version": "7.70.0",
        "endpoints": ["/v0.4/traces", "/v0.5/traces", "/v0.6/stats", "/debugger/v1/diagnostics", "/debugger/v2/input"],
        "client_drop_p0s": True,
    },
    "/v0.4/traces": {"rate_by_service": {}},
    "/v0.5/traces": {"rate_by_service": {}},
    # and Elastic's server
    "/": {"version": "8.17.0", "build_date": "2025-01-01T00:00:00Z"},
    "/config/v1/agents": {},
}


class Counts:
    """Operations and spans that have arrived, and the requests and bytes they came in; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards _counts
        self._counts: Counter[str] = Counter()

    def add(self, found: dict[str, int], size: int) -> None:
        with self._lock:
            self._counts.update(found)
            self._counts.update({"requests": 1, "bytes": size})

    def as_dict(self) -> dict[str, int]:
        with self._lock:
            return dict(self._counts)


COUNTS = Counts()


class Sink(BaseHTTPRequestHandler):
    """Takes any request; the empty answer is a full success in OTLP."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body, path = self._body(), self.path.partition("?")[0]
        reader = READERS.get(path)
        if reader is not None:
            COUNTS.add(reader(_unpacked(body, self.headers.get("Content-Encoding", ""))), len(body))
        self._answer(path)

    do_PUT = do_POST

    def do_GET(self) -> None:
        self._answer(self.path.partition("?")[0])

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, path: str) -> None:
        content = json.dumps(ANSWERS[path]).encode() if path in ANSWERS else b""
        self.send_response(202 if path.startswith("/intake") else 200)
        self.send_header("Content-Type", "application/json" if content else "application/x-protobuf")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the benchmark's output is its table."""


class ScoutAgent(socketserver.StreamRequestHandler):
    """Scout's core agent: JSON messages, each behind its length."""

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # Scout's thread does not say goodbye
            while len(head := self.rfile.read(4)) == 4:
                body = self.rfile.read(struct.unpack(">I", head)[0])
                COUNTS.add(scout(body), len(body))
                self.wfile.write(struct.pack(">I", 2) + b"{}")


def _unpacked(body: bytes, encoding: str) -> bytes:
    if encoding == "gzip":
        return gzip.decompress(body)
    return zlib.decompress(body) if encoding == "deflate" else body


def main() -> None:
    web = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    core = socketserver.ThreadingTCPServer(("127.0.0.1", 0), ScoutAgent)
    for server in (web, core):
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"http": web.server_address[1], "scout": core.server_address[1]}), flush=True)
    for _ in sys.stdin:
        print(json.dumps(COUNTS.as_dict()), flush=True)


if __name__ == "__main__":
    main()
