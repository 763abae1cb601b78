"""A Redis server, empty and without persistence: the broker of job systems."""

from __future__ import annotations

import shutil

from tests.services.ports import LOOPBACK, accepts, free_port
from tests.services.process import ServerProcess, ServiceAbsent, account


class Redis:
    """A running server; a context manager that ends it."""

    def __init__(self) -> None:
        binary = shutil.which("redis-server", path="/usr/bin:/usr/sbin:/usr/local/bin")
        if not binary:
            raise ServiceAbsent("Redis is not installed; run scripts/install-services")
        self.port = free_port()
        self._server = ServerProcess("redis", account("redis"))
        self._server.start([
            binary, "--bind", LOOPBACK, "--port", str(self.port), "--save", "", "--appendonly", "no",
            "--dir", str(self._server.directory),
        ], self._ready)  # fmt: skip

    def __enter__(self) -> Redis:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the server and remove its directory."""
        self._server.stop()

    @property
    def url(self) -> str:
        """Where clients connect; the first database."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    def _ready(self) -> bool:
        return self._server.said("Ready to accept connections") and accepts(self.port)
