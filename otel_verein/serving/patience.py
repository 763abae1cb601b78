"""HTTP/1.1 as uvicorn speaks it, with an end to waiting for requests that do not come, and to open connections."""

from __future__ import annotations

from asyncio import TimerHandle, Transport
from typing import ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from otel_verein.serving.problems import MEDIA_TYPE, Problem


class PatientProtocol(H11Protocol):
    """A connection that is closed when the head of a request is not there after ``head_s``.

    uvicorn itself waits for one as long as the client likes, so that idle ones could take every open file. A connection
    beyond ``most`` is closed at once.
    """

    head_s: ClassVar[float] = 10.0
    most: ClassVar[int] = 512

    _timer: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        if len(self.connections) > self.most:
            transport.abort()
        else:
            self._wait()

    def data_received(self, data: bytes) -> None:
        """Read on; wait no more once there is a request, and anew where a part of the next one came."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._wait_no_more()
        elif self._timer is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._wait_no_more()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Say that it is no request, as all else is said."""
        body = Problem(400, msg).body()
        headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"connection", b"close"),
        ]
        for event in (h11.Response(status_code=400, headers=headers), h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _wait(self) -> None:
        self._timer = self.loop.call_later(self.head_s, self.transport.close)

    def _wait_no_more(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
