"""Sends OTLP requests over several connections, and books what became of each of them."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tests.services.otlp_load import Request

RETRYABLE = frozenset({429, 502, 503, 504})
"""Answers after which a client may send again, by the OTLP specification."""


@dataclass(frozen=True)
class Sending:
    """How requests are sent."""

    connections: int = 2
    spans_per_s: float | None = None
    """The rate, kept whatever the answers are as long as a connection is free; None: as fast as answers come."""
    attempts: int = 1
    """Times that a request is sent at most, while answers allow another."""
    pause_s: float = 0.1
    """Time before it is sent again."""
    timeout_s: float = 30.0
    headers: tuple[tuple[str, str], ...] = ()


@dataclass
class Sent:
    """The book of one sending: requests by number, and spans by what became of them."""

    requests: int = 0
    spans: int = 0
    taken: dict[int, int] = field(default_factory=dict)
    """Requests that were answered with 200, each with its spans less those the answer says were rejected."""
    rejected_spans: int = 0
    """Spans that an answer of 200 says were not taken."""
    refused: dict[int, int] = field(default_factory=dict)
    """Requests whose last answer was another, with their spans."""
    failed: dict[int, int] = field(default_factory=dict)
    """Requests without an answer to the last attempt, with their spans: nobody here knows whether they were taken."""
    repeated: dict[int, int] = field(default_factory=dict)
    """Requests taken after an attempt without an answer, with their spans: they may be there twice."""
    answers: Counter[int] = field(default_factory=Counter)
    """Attempts by status; 0: no answer."""
    answered_spans: Counter[int] = field(default_factory=Counter)
    """The spans of those attempts."""
    seconds: float = 0.0
    late_s: float = 0.0
    """How far the rate lagged behind what was asked for, at most."""

    @property
    def acknowledged_spans(self) -> int:
        """Spans that were taken."""
        return sum(self.taken.values())

    @property
    def spans_per_s(self) -> float:
        """Spans that were offered, repetitions apart."""
        return self.spans / self.seconds if self.seconds else 0.0


class Sender:
    """Sends the *requests* of a load to the OTLP/HTTP endpoint *url*; :meth:`run` returns when all are through.

    *stop*, asked before each request, ends it early. Attempts without an answer count, and are made again like those
    answered with 429, 502, 503 or 504.
    """

    def __init__(
        self,
        url: str,
        requests: Iterable[Request],
        sending: Sending = Sending(),
        *,
        path: str = "/v1/traces",
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._address, self._path, self._sending, self._stop = urlsplit(url).netloc, path, sending, stop
        self._left = iter(requests)
        self._lock = threading.Lock()  # guards _left, _due_s and sent
        self._begun_s = self._due_s = time.monotonic()
        self._fault: BaseException | None = None
        self.sent = Sent()

    def run(self) -> Sent:
        """Send everything; raises what making a request raised."""
        self._begun_s = self._due_s = time.monotonic()
        threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(self._sending.connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.sent.seconds = time.monotonic() - self._begun_s
        if self._fault is not None:
            raise self._fault
        return self.sent

    def _serve(self) -> None:
        connection = _Connection(self._address, self._path, self._sending)
        try:
            for request in self._mine():
                self._through(connection, request)
        except BaseException as fault:  # raised by run()
            self._fault = fault
        finally:
            connection.close()

    def _mine(self) -> Iterator[Request]:
        """What is left, each when it is due."""
        while not self._stop():
            with self._lock:
                request = next(self._left, None)
                if request is None:
                    return
                due = self._due_s
                if self._sending.spans_per_s is not None:
                    self._due_s += request.spans / self._sending.spans_per_s
                self.sent.requests += 1
                self.sent.spans += request.spans
            wait = due - time.monotonic()
            if self._sending.spans_per_s is not None and wait > 0:
                time.sleep(wait)
            elif self._sending.spans_per_s is not None:
                self.sent.late_s = max(self.sent.late_s, -wait)
            yield request

    def _through(self, connection: _Connection, request: Request) -> None:
        """Send one request until it is taken, refused for good, or out of attempts."""
        unanswered = False
        for attempt in range(1, self._sending.attempts + 1):
            status, rejected = connection.post(request.body)
            with self._lock:
                self.sent.answers[status] += 1
                self.sent.answered_spans[status] += request.spans
                if status == 200:
                    self.sent.taken[request.number] = request.spans - rejected
                    self.sent.rejected_spans += rejected
                    if unanswered:
                        self.sent.repeated[request.number] = request.spans
                    return
                last = attempt == self._sending.attempts or self._stop() or (status and status not in RETRYABLE)
                if last:
                    (self.sent.refused if status else self.sent.failed)[request.number] = request.spans
                    return
            unanswered |= not status
            time.sleep(self._sending.pause_s)


class _Connection:
    """One connection, opened anew when it breaks."""

    def __init__(self, address: str, path: str, sending: Sending) -> None:
        self._path = path
        self._headers = {"Content-Type": "application/x-protobuf"} | dict(sending.headers)
        self._connection = http.client.HTTPConnection(address, timeout=sending.timeout_s)

    def post(self, body: bytes) -> tuple[int, int]:
        """The status of the answer, and how many spans it says were rejected; status 0 if there was no answer."""
        try:
            self._connection.request("POST", self._path, body, self._headers)
            answer = self._connection.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return 0, 0
        if answer.status != 200 or not said:
            return answer.status, 0
        return 200, ExportTraceServiceResponse.FromString(said).partial_success.rejected_spans

    def close(self) -> None:
        """Close it."""
        self._connection.close()
