"""`otel-verein serve` as a process: how it starts, goes on beside a bad source, and ends."""

from __future__ import annotations

import http.client
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.services.http_answers import AnsweringServer, Silence
from tests.services.process import wait_until
from tests.services.serving import COMMAND, Service, environ, store


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store."""
    return store(tmp_path_factory.mktemp("serve"))


@pytest.fixture(scope="module")
def service(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that only reads, in a directory of its own."""
    with Service(tmp_path_factory.mktemp("run"), ["--source", str(root), "--log-requests"]) as running:
        yield running


def test_a_source_that_cannot_be_read_is_502_with_what_to_check(tmp_path: Path) -> None:
    """The service itself goes on."""
    with Service(tmp_path, ["--source", str(tmp_path / "nothing")]) as service:
        answer, live = service.ask("/api/v1/health"), service.ask("/health/live")

    assert (answer.status, live.status) == (502, 200)
    assert str(tmp_path / "nothing") in answer.json["detail"]


def test_sigterm_ends_it_at_once(root: Path, tmp_path: Path) -> None:
    """Within 2 s and with status 0, also while connections are open and idle."""
    with Service(tmp_path, ["--source", str(root)]) as service:
        service.ask("/api/v1/report")
        begun = time.monotonic()
        status = service.stop()
        took_s = time.monotonic() - begun

    assert (status, took_s < 2) == (0, True)


def test_a_slow_backend_holds_neither_the_others_nor_the_end(tmp_path: Path) -> None:
    """While all threads wait for it, the service lives and is not ready; SIGTERM ends it with the questions in work."""
    options = {"VEREIN_SERVE_WORKERS": "1", "VEREIN_SOURCE_TIMEOUT_S": "20"}
    with ExitStack() as stack:
        backend = stack.enter_context(AnsweringServer(lambda _: Silence()))
        service = stack.enter_context(Service(tmp_path, ["--source", f"jaeger:{backend.url}"], options))
        asking = stack.enter_context(socket.create_connection(("127.0.0.1", service.port)))
        asking.sendall(b"GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert wait_until(lambda: backend.asked, 10)
        ready, live = service.ask("/health/ready"), service.ask("/health/live")
        begun = time.monotonic()
        status = service.stop()
        took_s = time.monotonic() - begun

    assert (ready.status, live.status, status, took_s < 2.5) == (503, 200, 0, True)


def test_it_speaks_tls_off_loopback_too(root: Path, tmp_path: Path) -> None:
    """With a certificate and a token it starts, and answers to the names that it was given."""
    token = "0123456789abcdef"
    (tmp_path / "token").write_text(token)
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,DNS:verein.example"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    subprocess.run([*made, "-out", str(cert), "-keyout", str(key)], check=True, capture_output=True)
    options = {
        "VEREIN_SERVE_TOKEN_FILE": str(tmp_path / "token"),
        "VEREIN_SERVE_TLS_CERT_FILE": str(cert),
        "VEREIN_SERVE_TLS_KEY_FILE": str(key),
        "VEREIN_SERVE_HOSTS": "verein.example",
    }
    context = ssl.create_default_context(cafile=str(cert))
    with Service(tmp_path, ["--source", str(root), "--host", "0.0.0.0"], options) as service:
        statuses = []
        for host in ("localhost", "verein.example", "evil.example"):
            connection = http.client.HTTPSConnection("localhost", service.port, timeout=30, context=context)
            connection.request("GET", "/api/v1/health", headers={"Host": host, "Authorization": f"Bearer {token}"})
            statuses.append(connection.getresponse().status)
            connection.close()

    assert (service.url.partition(":")[0], statuses) == ("https", [200, 200, 421])


def _refused(tmp_path: Path, *arguments: str) -> str:
    command = [*COMMAND, *arguments]
    found = subprocess.run(
        command, cwd=tmp_path, env=environ(), capture_output=True, text=True, timeout=30, check=False
    )
    assert found.returncode == 2
    return found.stderr


def test_a_port_that_is_taken_is_said(service: Service, tmp_path: Path) -> None:
    """A second service does not start, and says what to do."""
    said = _refused(tmp_path, "--port", str(service.port))

    assert said == (
        f"otel-verein serve: serve.port: 127.0.0.1:{service.port} cannot be listened on: Address already in use; say "
        "another --host or --port, 0 for one that is free\n"
    )


def test_off_loopback_it_takes_a_token_and_tls(tmp_path: Path) -> None:
    """All that is missing is said at once."""
    said = _refused(tmp_path, "--host", "0.0.0.0")

    assert [line.split(": ")[1] for line in said.splitlines()] == [
        "serve.token_file",
        "serve.tls_cert_file",
        "serve.tls_key_file",
    ]
