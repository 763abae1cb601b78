"""A thin front of HTTP for ClickHouse's engine, as far as its clients go: the collector's exporter, clickhouse-connect.

The engine does what a server's would: parse, insert, ask, keep time, refuse. What is the server's own is played here:
who may come in, the database of a request, that nothing is changed where a request says ``readonly``, and the frame of
Native blocks that a client asks for by ``client_protocol_version``. Left out: TLS, compression, asynchronous inserts,
sessions, and answers in parts.
"""

from __future__ import annotations

import base64
import json
import re
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from tests.services.clickhouse import ClickHouse
from tests.services.ports import LOOPBACK

_OF_TRANSPORT: Final = frozenset(
    ("database", "default_format", "client_protocol_version", "query", "query_id", "session_id", "readonly",
     "wait_end_of_query", "send_progress_in_http_headers", "http_headers_progress_interval_ms",
     "enable_http_compression", "cancel_http_readonly_queries_on_client_close", "async_insert", "compress",
     "user", "password", "decompress")
)  # fmt: skip
_READS: Final = re.compile(r"\s*(SELECT|WITH|SHOW|DESC|DESCRIBE|EXPLAIN|EXISTS)\b", re.IGNORECASE).match
_INSERTS: Final = re.compile(r"\s*INSERT\s+INTO\s.*\sFORMAT\s+(\w+)\s*$", re.IGNORECASE | re.DOTALL).match
_CODE: Final = re.compile(r"Code: (\d+)\.").search
_STATUS: Final = {"516": 403, "497": 403, "164": 403, "60": 404, "81": 404, "159": 408}
"""What a server answers for an exception with this code; 500 for others."""
_BLOCK_INFO: Final = b"\x01\x00\x02\xff\xff\xff\xff\x00"


class RefusedError(Exception):
    """What a server would refuse before its engine has a look."""


@dataclass(slots=True)
class Access:
    """Who may come in; *password* None lets everybody in. ``grants``: what a query may not touch is refused."""

    user: str = "default"
    password: str | None = None
    forbidden: str | None = None


@dataclass(slots=True)
class Seen:
    """What clients asked for, in order."""

    queries: list[str] = field(default_factory=list)
    settings: list[dict[str, str]] = field(default_factory=list)


class ClickHouseHttp:
    """A database that answers on ``url``; a context manager that ends it."""

    def __init__(self, access: Access | None = None) -> None:
        self.engine = ClickHouse()
        self.access = access or Access()
        self.seen = Seen()
        self._lock = Lock()  # held while the settings of one request are in force
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # head and body go apart, and the second would wait for an answer

            def do_GET(self) -> None:
                front._handle(self)

            def do_POST(self) -> None:
                front._handle(self)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def __enter__(self) -> ClickHouseHttp:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Where it answers, without a database."""
        return f"http://{LOOPBACK}:{self._server.server_address[1]}"

    def close(self) -> None:
        """End the front and the engine."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.engine.close()

    def _handle(self, request: BaseHTTPRequestHandler) -> None:
        body = _body(request)
        arguments = dict(parse_qsl(urlsplit(request.path).query, keep_blank_values=True))
        status, number, said = 200, "", b"Ok.\n"
        try:
            if urlsplit(request.path).path != "/ping":
                self._let_in(request.headers, arguments)
                said = self._answer(arguments, body)
        except (RuntimeError, RefusedError) as fault:
            code = _CODE(str(fault))
            number = code[1] if code else "1001"
            status, said = _STATUS.get(number, 500), f"{fault}\n".encode()
        _send(request, status, said, number)

    def _let_in(self, headers: Mapping[str, str], arguments: Mapping[str, str]) -> None:
        access = self.access
        if access.password is None:
            return
        kind, _, coded = headers.get("Authorization", "").partition(" ")
        given = base64.b64decode(coded).decode() if kind == "Basic" else ":"
        if given != f"{access.user}:{access.password}":
            name = given.partition(":")[0] or arguments.get("user", "default")
            raise RefusedError(
                f"Code: 516. DB::Exception: {name}: Authentication failed: password is incorrect, or there is no user "
                "with such name. (AUTHENTICATION_FAILED)"
            )

    def _answer(self, arguments: Mapping[str, str], body: bytes) -> bytes:
        if "query" in arguments:
            query, data = arguments["query"], body
        else:
            query, data = body.decode(), b""
        self.seen.queries.append(query)
        settings = {
            name: value
            for name, value in arguments.items()
            if name not in _OF_TRANSPORT and not name.startswith("param_")
        }
        self.seen.settings.append(settings | {k: v for k, v in arguments.items() if k == "readonly"})
        if arguments.get("readonly", "0") != "0" and not _READS(query):
            raise RefusedError("Code: 164. DB::Exception: Cannot execute query in readonly mode. (READONLY)")
        if self.access.forbidden and self.access.forbidden in query:
            raise RefusedError(
                f"Code: 497. DB::Exception: {self.access.user}: Not enough privileges. To execute this query, it's "
                f"necessary to have the grant SELECT on {self.access.forbidden}. (ACCESS_DENIED)"
            )
        parameters = {name[6:]: value for name, value in arguments.items() if name.startswith("param_")}
        with self._lock:
            self.engine.run(f"USE `{arguments.get('database') or 'default'}`")
            for name, value in settings.items():
                self.engine.run(f"SET {name} = '{value}'")
            try:
                return self._run(query, data, arguments, parameters)
            finally:
                for name in settings:
                    self.engine.run(f"SET {name} = DEFAULT")

    def _run(self, query: str, data: bytes, arguments: Mapping[str, str], parameters: Mapping[str, str]) -> bytes:
        if found := _INSERTS(query):
            with tempfile.NamedTemporaryFile() as file:
                Path(file.name).write_bytes(data)
                head = query[: found.start(1)].rstrip()[: -len("FORMAT")]
                self.engine.run(f"{head} FROM INFILE '{file.name}' FORMAT {found[1]}")
            return b""
        form = arguments.get("default_format", "TabSeparated")
        revision = int(arguments.get("client_protocol_version", "0"))
        if form == "Native" and revision and _READS(query) and "FORMAT" not in query:
            return _framed(self.engine.answer(query, "JSONCompactEachRowWithNamesAndTypes", parameters))
        return self.engine.answer(query, form, parameters)


def _framed(lines: bytes) -> bytes:
    """A Native block as of a revision that frames blocks and columns; of the few types that the exporter asks for."""
    names, types, *rows = (json.loads(line) for line in lines.splitlines())
    block = bytearray(_BLOCK_INFO + _number(len(names)) + _number(len(rows)))
    for at, (name, kind) in enumerate(zip(names, types, strict=True)):
        block += _text(name) + _text(kind) + b"\0"
        for row in rows:
            if kind == "String":
                block += _text(row[at])
            else:
                block += int(row[at]).to_bytes(int(kind.removeprefix("UInt")) // 8, "little")
    return bytes(block)


def _number(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _text(value: str) -> bytes:
    raw = value.encode()
    return _number(len(raw)) + raw


def _body(request: BaseHTTPRequestHandler) -> bytes:
    if request.headers.get("Transfer-Encoding", "").lower() != "chunked":
        return request.rfile.read(int(request.headers.get("Content-Length") or 0))
    found = bytearray()
    while size := int(request.rfile.readline().split(b";")[0], 16):
        found += request.rfile.read(size)
        request.rfile.readline()
    request.rfile.readline()
    return bytes(found)


def _send(request: BaseHTTPRequestHandler, status: int, body: bytes, code: str = "") -> None:
    request.send_response(status)
    if code:
        request.send_header("X-ClickHouse-Exception-Code", code)
    request.send_header("Content-Length", str(len(body)))
    with suppress(ConnectionError):  # a client that did not wait
        request.end_headers()
        request.wfile.write(body)
