"""Web applications on real servers, and what the segments say about each of their operations."""

from __future__ import annotations

import http.client
import socket
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests import segments
from tests.e2e.launch import Server
from tests.services.ports import LOOPBACK

RUN = ("otel-verein", "run", "--")
KEEP_ALL = {"VEREIN_SAMPLING_RATIO": "1"}


class Seen(NamedTuple):
    """All operations of one name: how many, their queries, and how many of them failed."""

    operations: int
    queries: int
    errors: int = 0


def gunicorn(application: str, *options: str) -> Callable[[int], Sequence[str]]:
    """The command line of gunicorn with *application*."""
    return lambda port: [
        *RUN, "gunicorn", "--bind", f"{LOOPBACK}:{port}", "--log-level", "critical", *options, application,
    ]  # fmt: skip


def uvicorn(application: str, *options: str) -> Callable[[int], Sequence[str]]:
    """The command line of uvicorn with *application*."""
    return lambda port: [
        *RUN, "uvicorn", "--port", str(port), "--log-level", "critical", *options, application,
    ]  # fmt: skip


def ask(server: Server, path: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    """Status and body of one request on a connection of its own; status 0 if the answer broke off."""
    connection = http.client.HTTPConnection(LOOPBACK, server.port, timeout=10)
    try:
        connection.request(method, path, headers=dict(headers or {}))
        response = connection.getresponse()
        return response.status, response.read()
    except (http.client.HTTPException, ConnectionError):
        return 0, b""
    finally:
        connection.close()


@contextmanager
def leaving(server: Server, path: str) -> Iterator[socket.socket]:
    """A request whose client breaks the connection off at the end of the block."""
    with socket.create_connection((LOOPBACK, server.port), timeout=10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {LOOPBACK}\r\n\r\n".encode())
        yield connection


def ask_and_leave(server: Server, path: str, after: int) -> None:
    """Read *after* bytes of the answer, then break the connection off."""
    with leaving(server, path) as connection:
        received = 0
        while received < after:
            part = connection.recv(4096)
            assert part, "the server has closed the connection"
            received += len(part)


def complaints(output: str) -> list[str]:
    """Lines in which we or OpenTelemetry report that something went wrong on our side."""
    ours = (
        "fault in",
        "detach",
        "was created in a different Context",
        "ended span",
        "already instrumented",
        "missing at",
    )
    return [line for line in output.splitlines() if any(word in line for word in ours)]


def operations(directory: Path) -> dict[str, Seen]:
    """What the metrics say about each operation, by name."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for point in segments.points(directory / ".verein/otlp"):
        name = point.attributes.get("verein.operation.name", "")
        if point.metric == "verein.operation.duration":
            count = int(point.data["count"])
            sums[name][0] += count
            sums[name][2] += count if point.attributes.get("verein.operation.status") == "error" else 0
        elif point.metric == "verein.operation.db.queries":
            sums[name][1] += round(float(point.data.get("sum", 0)))
    return {name: Seen(*values) for name, values in sorted(sums.items())}


def unattributed(directory: Path) -> int:
    """Queries that belong to no operation."""
    return segments.counter(directory / ".verein/otlp", "verein.db.queries.unattributed")


def roots(directory: Path, name: str) -> list[segments.Json]:
    """The exported root spans of the operations called *name*."""
    spans = [span for _, span in segments.spans(directory / ".verein/otlp") if not span.get("parentSpanId")]
    return [span for span in spans if span["name"] == name]


def duration_s(span: segments.Json) -> float:
    """The duration of a span in seconds."""
    return (int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"])) / 1e9
