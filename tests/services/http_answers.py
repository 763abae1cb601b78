"""A small HTTP server on loopback that answers as it is told, well or badly."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.services.ports import LOOPBACK


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: its path without the query, the query by name, and its headers by lower-case name."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    """A status, headers and body; ``length`` is what the header says of it where that is a lie."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] | None = None
    length: int | None = None


class Reset:
    """The connection is reset before an answer."""


@dataclass(frozen=True, slots=True)
class Drip:
    """A head, and then a byte of the body each time the client has had time to take the last one, without end."""

    pause_s: float = 0.05


class Silence:
    """Nothing at all, until the server ends."""


Word = Reply | Reset | Drip | Silence
Answers = Callable[[Asked], Word]


class AnsweringServer:
    """Answers by *answers*; a context manager. ``asked`` are the requests so far, in the order they came.

    With a *certificate*, a file that holds its key, too, it speaks TLS.
    """

    def __init__(self, answers: Answers, certificate: Path | None = None) -> None:
        self.asked: list[Asked] = []
        self._answers = answers
        self._over = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # head and body go apart, and the second would wait for an answer

            def do_GET(self) -> None:
                server._serve(self)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                server._serve(self)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self._server.daemon_threads = True
        self._scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self._scheme = "https"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> AnsweringServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"{self._scheme}://{LOOPBACK}:{self._server.server_address[1]}"

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        asked = Asked(parts.path, query, {name.lower(): value for name, value in handler.headers.items()})
        self.asked.append(asked)
        reply = self._answers(asked)
        if isinstance(reply, Reset):
            linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"  # on, for no time: closing then resets
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            handler.close_connection = True
            handler.connection.close()
        elif isinstance(reply, Silence):
            self._over.wait()
            handler.close_connection = True
        elif isinstance(reply, Drip):
            self._drip(handler, reply)
        else:
            _send(handler, reply)

    def _drip(self, handler: BaseHTTPRequestHandler, drip: Drip) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        try:
            while not self._over.wait(drip.pause_s):
                handler.wfile.write(b" ")
        except OSError:
            pass  # the client has had enough, as it should
        handler.close_connection = True


def _send(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
    handler.send_response(reply.status)
    for name, value in (reply.headers or {}).items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(reply.body) if reply.length is None else reply.length))
    handler.end_headers()
    handler.wfile.write(reply.body)
    handler.close_connection = reply.length is not None
