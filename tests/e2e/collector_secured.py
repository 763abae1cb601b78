"""An authority, a certificate for loopback and a token, and clients that show them or do not."""

from __future__ import annotations

import http.client
import secrets
import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.services.ports import LOOPBACK
from tests.services.process import ServiceAbsent

_DAYS = "2"


@dataclass(frozen=True)
class Papers:
    """What a guarded collector needs, as files."""

    ca: Path
    certificate: Path
    key: Path
    token_file: Path

    @property
    def token(self) -> str:
        """What a client has to show."""
        return self.token_file.read_text()

    @property
    def options(self) -> dict[str, Any]:
        """The options of the collector."""
        return {
            "collector.token_file": str(self.token_file),
            "collector.tls_cert_file": str(self.certificate),
            "collector.tls_key_file": str(self.key),
        }


def papers(directory: Path) -> Papers:
    """Make them in *directory*; raises :class:`ServiceAbsent` without openssl."""
    if shutil.which("openssl") is None:
        raise ServiceAbsent("openssl is not installed")
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "names").write_text(f"subjectAltName=IP:{LOOPBACK}\nauthorityKeyIdentifier=keyid\n")
    (directory / "token").write_text(secrets.token_hex(16))
    made = ("-newkey", "rsa:2048", "-nodes")
    _openssl(
        directory, "req", "-x509", *made, "-days", _DAYS, "-subj", "/CN=authority of a test", "-keyout", "ca.key",
        "-out", "ca.pem", "-addext", "keyUsage=critical,keyCertSign",
    )  # fmt: skip
    _openssl(directory, "req", *made, "-subj", "/CN=collector", "-keyout", "key.pem", "-out", "wanted.pem")
    _openssl(
        directory, "x509", "-req", "-in", "wanted.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
        "-days", _DAYS, "-extfile", "names", "-out", "certificate.pem",
    )  # fmt: skip
    names = ("ca.pem", "certificate.pem", "key.pem", "token")
    return Papers(*(directory / name for name in names))


def posted(endpoint: str, path: str, body: bytes, *, ca: Path | None, token: str | None, method: str = "POST") -> int:
    """The status of one request to ``host:port``, by TLS if *ca* is given."""
    headers = {"Content-Type": "application/x-protobuf"} | ({"Authorization": f"Bearer {token}"} if token else {})
    trusted = ssl.create_default_context(cafile=str(ca)) if ca else None
    connection = (
        http.client.HTTPSConnection(endpoint, timeout=10, context=trusted)
        if trusted
        else http.client.HTTPConnection(endpoint, timeout=10)
    )
    try:
        connection.request(method, path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def _openssl(directory: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=directory, check=True, capture_output=True, timeout=60)
