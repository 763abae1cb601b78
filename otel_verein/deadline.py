"""HTTP connections whose answer has to be whole within the timeout, however slowly its bytes come.

The timeout of a socket is for each read, so a server that sends a byte a second holds a client for ever.
"""

from __future__ import annotations

import io
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from otel_verein.clock import Clock

if TYPE_CHECKING:
    import socket

    from urllib3 import PoolManager


class _Reader(io.RawIOBase):
    """Reads from *sock* until its timeout has passed since now."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)  # keeps the socket open until the answer is read
        timeout = sock.gettimeout()
        self._deadline = None if timeout is None else Clock.seconds() + timeout

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read some bytes; TimeoutError past the deadline."""
        if self._deadline is not None:
            left = self._deadline - Clock.seconds()
            if left <= 0:
                raise TimeoutError("timed out")
            self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Let the socket go."""
        if not self.closed:
            self._raw.close()
        super().close()


class _Files:
    """Stands for a socket where only its ``makefile`` is asked for."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, mode: str) -> io.BufferedReader:
        """The file that an answer is read from."""
        return io.BufferedReader(_Reader(self._sock))


class _Answer(HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(_Files(sock), *args, **kwargs)  # type: ignore[arg-type]


class _Connection(HTTPConnection):
    response_class = _Answer


class _SecureConnection(HTTPSConnection):
    response_class = _Answer


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class DeadlineAdapter(HTTPAdapter):
    """For ``requests.Session.mount``: the adapter of requests, but for the above."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """As requests does it, with our connections."""
        super().init_poolmanager(*args, **kwargs)
        bound(self.poolmanager)


def bound(manager: PoolManager) -> None:
    """Let the connections that *manager* makes from now on be ours."""
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
