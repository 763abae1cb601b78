"""A steady stream of traces to a gateway that ends and comes back, with the time at which each request was taken."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic
from types import TracebackType

from tests.e2e.collector_gateway_run import Gateway
from tests.services.otlp_found import Found
from tests.services.otlp_load import Load, Request, SpanKey
from tests.services.otlp_sender import Sender, Sending, Sent
from tests.services.process import wait_until

_ATTEMPTS = 10_000
_LONGEST_S = 120.0


class Steady:
    """Sends *load* over one connection, each request again until it is taken; a context manager.

    When its block ends without a fault, all of it has been sent; otherwise no more is sent.
    """

    def __init__(self, running: Gateway, load: Load, spans_per_s: float) -> None:
        self.load = load
        self._rate = spans_per_s
        self._taken_s: list[float] = []
        self._ended = threading.Event()
        sending = Sending(connections=1, attempts=_ATTEMPTS, pause_s=0.05)
        self._sender = Sender(running.url, self._timed(load.requests()), sending, stop=self._ended.is_set)
        self._thread = threading.Thread(target=self._sender.run)

    def __enter__(self) -> Steady:
        self._thread.start()
        return self

    def __exit__(self, fault: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        if fault is not None:
            self._ended.set()
        self._thread.join(_LONGEST_S)
        self._ended.set()
        assert not self._thread.is_alive(), "the load is not through"

    @property
    def sent(self) -> Sent:
        """The book of it."""
        return self._sender.sent

    def await_taken(self, requests: int) -> None:
        """Wait until this many requests were taken."""
        assert wait_until(lambda: len(self._taken_s) >= requests or not self._thread.is_alive(), _LONGEST_S, every=0.01)

    def taken_s(self) -> dict[SpanKey, float]:
        """When the request was answered that each span was in, by the monotonic clock."""
        found = {}
        for taken_s, (_, pieces) in zip(self._taken_s, self.load.batches(), strict=False):
            found.update({key: taken_s for trace, part in pieces for key in trace.keys(part)})
        return found

    def _timed(self, requests: Iterator[Request]) -> Iterator[Request]:
        """With one connection, whoever asks for the next request has the answer to the one before.

        What could not be sent while the gateway was away is not made up for by a higher rate.
        """
        due_s = monotonic()
        for request in requests:
            self._ended.wait(max(0.0, due_s - monotonic()))
            due_s = max(due_s, monotonic()) + request.spans / self._rate
            yield request
            self._taken_s.append(monotonic())


@dataclass(frozen=True)
class Lost:
    """What was taken and is not there."""

    spans: int
    traces: int
    oldest_s: float
    """The time from the answer to the end of the gateway, of the oldest lost span."""

    @classmethod
    def of(cls, steady: Steady, found: Found, ended_s: list[float]) -> list[Lost]:
        """What each end of the gateway lost."""
        missing: list[dict[SpanKey, float]] = [{} for _ in ended_s]
        there = found.spans
        for key, taken_s in steady.taken_s().items():
            if key not in there:
                ends = [end for end, at_s in enumerate(ended_s) if at_s >= taken_s]
                assert ends, f"{key} was taken after the last end, and is not there"
                missing[ends[0]][key] = ended_s[ends[0]] - taken_s
        return [cls(len(keys), len({trace for trace, _ in keys}), max(keys.values(), default=0.0)) for keys in missing]
