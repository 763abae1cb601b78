"""A stream of spans into a collector that goes on until the test says so, and what arrived of it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf.message import Message
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.e2e.collector_traces import json_of
from tests.segments import Json
from tests.services.otlp_load import Load, SpanKey, Traffic
from tests.services.otlp_receiver import OtlpReceiver
from tests.services.otlp_sender import Sender, Sending, Sent
from tests.services.process import wait_until

CONNECTIONS = 2
PER_REQUEST = 200
_SPANS_PER_TRACE = 5


class Stream:
    """Our SDK's spans, at a steady rate over two connections; what is not taken is sent again until it is.

    A context manager that ends it. It may send so many spans that no test comes to their end.
    """

    def __init__(self, url: str, spans_per_s: float, *, seconds: float, spans_per_request: int = PER_REQUEST) -> None:
        self._enough = threading.Event()
        traces = int(spans_per_s * seconds / _SPANS_PER_TRACE)
        self.load = Load(Traffic(traces=traces, ratio=1.0, instances=2, spans_per_request=spans_per_request))
        sending = Sending(connections=CONNECTIONS, spans_per_s=spans_per_s, attempts=1_000_000, pause_s=0.05)
        self._sender = Sender(url, self.load.requests(), sending, stop=self._enough.is_set)
        self._thread = threading.Thread(target=self._sender.run, daemon=True)

    def __enter__(self) -> Stream:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def sent(self) -> Sent:
        """The book, as it stands."""
        return self._sender.sent

    def end(self) -> Sent:
        """Send nothing more, and wait for the answers that are due; the book."""
        self._enough.set()
        self._thread.join(60)
        assert not self._thread.is_alive(), "a request has had no answer for a minute"
        return self.sent

    def taken(self) -> set[SpanKey]:
        """The spans that were acknowledged."""
        return self.load.truth(self.sent.taken).all_spans

    def await_answers(self, number: int) -> None:
        """Return when so many more requests are taken; fails after half a minute."""
        before = len(self.sent.taken)
        assert wait_until(lambda: len(self.sent.taken) >= before + number, 30), "no request is taken"

    def unanswered(self) -> set[SpanKey]:
        """The spans of which nobody here knows how often they were taken: an attempt had no answer."""
        return self.load.truth({**self.sent.repeated, **self.sent.failed}).all_spans


@dataclass
class Filed:
    """All spans in the tier files: how often each is there, and the lines that cannot be read."""

    spans: Counter[SpanKey] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)


def filed(directory: Path) -> Filed:
    """Read every tier, line by line."""
    found = Filed()
    for path in sorted((directory / "spans").glob("*.jsonl")):
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    found.spans.update(keys(json_of(line)))
                except ValueError:
                    found.broken.append(f"{path.name}:{number}")
    return found


def keys(line: Json) -> Iterator[SpanKey]:
    """The spans of one line."""
    for resource in line["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                yield span["traceId"], span["spanId"]


class Backend(OtlpReceiver):
    """A receiver that keeps of each request only the ids of its spans, so that it is fast."""

    def line(self, body: bytes, wanted: type[Message], content_type: str) -> Json:
        """The ids of the spans of one request."""
        request = wanted.FromString(body)
        if not isinstance(request, ExportTraceServiceRequest):
            return {}
        scopes = (scope for resource in request.resource_spans for scope in resource.scope_spans)
        return {"ids": [(span.trace_id.hex(), span.span_id.hex()) for scope in scopes for span in scope.spans]}

    def times(self) -> Counter[SpanKey]:
        """How often each span has come."""
        return Counter(key for line in self.lines("spans") for key in line["ids"])
