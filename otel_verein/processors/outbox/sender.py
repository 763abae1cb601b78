"""Brings what waits to the span exporter: in requests, in smaller ones if it must be, later if it cannot be now.

Every operation that left the queue is booked once: as exported when all its spans were taken, else as dropped with
the reason. A span that is lost alone, since it is too large or the other side does not want it, is counted as a
span; its operation is exported with what is left of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from otel_verein.clock import Clock
from otel_verein.config.schema import Export
from otel_verein.delivery import Delivery, Outcome, delivery_of
from otel_verein.faults import Faults
from otel_verein.processors.outbox.outage import Outage
from otel_verein.processors.outbox.pause import Pause
from otel_verein.processors.outbox.queue import Queue, Waiting

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

EXPORT_FAILED, QUEUE_FULL, SHUTDOWN, TOO_LARGE, REJECTED = (
    "export_failed", "queue_full", "shutdown", "too_large", "rejected",
)  # fmt: skip
"""Why an operation, or a span of one, was dropped."""

WAY = "spans"


class Books(Protocol):
    """Where it is counted what became of operations and spans."""

    def exported(self, operations: int) -> None:
        """So many operations left."""

    def dropped(self, reason: str, operations: int = 1) -> None:
        """So many kept operations were lost."""

    def spans_lost(self, reason: str, spans: int) -> None:
        """So many spans were lost alone."""


class Parcel:
    """What goes in one request: for each operation the spans of it, all or a part."""

    __slots__ = ("pieces", "spans")

    def __init__(self, pieces: Sequence[tuple[Waiting, Sequence[ReadableSpan]]]) -> None:
        self.pieces = pieces
        self.spans = [span for _, spans in pieces for span in spans]

    def halves(self) -> tuple[Parcel, Parcel] | None:
        """Two smaller parcels: between operations, else through the only one; None for a single span."""
        if len(self.pieces) > 1:
            middle = len(self.pieces) // 2
            return Parcel(self.pieces[:middle]), Parcel(self.pieces[middle:])
        item, spans = self.pieces[0]
        if len(spans) < 2:
            return None
        item.parts += 1
        middle = len(spans) // 2
        return Parcel([(item, spans[:middle])]), Parcel([(item, spans[middle:])])


class Sender:
    """Empties *queue* into *exporter*; used by one thread at a time, but for :meth:`give_up`."""

    def __init__(
        self,
        exporter: SpanExporter | None,
        queue: Queue,
        books: Books,
        options: Export,
        faults: Faults,
        outage: Outage,
        clock: Callable[[], float] = Clock.seconds,
    ) -> None:
        self._exporter = exporter
        self._queue = queue
        self._books = books
        self._options = options
        self._faults = faults
        self._outage = outage
        self._pause = Pause(options.retry_s, options.retry_longest_s, clock)
        self._parcels: list[Parcel] = []  # the next one last

    @property
    def pause_s(self) -> float:
        """Seconds until what failed is due again; 0 when nothing failed."""
        return self._pause.left_s if self._parcels else 0.0

    def send(self, *, now: bool = False, last: bool = False, until: Callable[[], bool] = lambda: False) -> bool:
        """Export what waits; False if some of it still does.

        *now* does not wait for the end of a pause; *last* tries everything once and drops what fails. Between two
        requests it asks *until* whether to stop.
        """
        if self._pause.left_s and not (now or last):
            return False
        while not until():
            if not self._parcels:
                chosen = self._queue.next_request(self._options.request_bytes)
                if not chosen:
                    return True
                self._parcels.append(Parcel([(item, item.spans) for item in chosen]))
                self._queue.remove(chosen)
            if not self._send_next() and not last:
                return False
            if last and self._pause.left_s:  # one attempt after the application's end, not one for each request
                self.give_up(EXPORT_FAILED)
                return False
        return False

    def give_up(self, reason: str) -> int:
        """Drop and book what waits and what is on its way; any thread. How many operations that were."""
        dropped = 0
        for parcel in tuple(self._parcels):
            for item, _ in parcel.pieces:
                dropped += self._drop(item, reason)
        while (waiting := self._queue.take()) is not None:
            dropped += self._drop(waiting, reason)
        return dropped

    def lose(self, item: Waiting, reason: str) -> None:
        """Drop and book an operation that never got into the queue."""
        self._drop(item, reason)

    def _send_next(self) -> bool:
        """One request; False if it has to be made again later."""
        parcel = self._parcels[-1]
        delivery = self._deliver(parcel.spans)
        if delivery.outcome is Outcome.LATER:
            self._outage.begins(WAY, delivery.why)
            self._pause.failed(delivery.retry_after_s)
            return False
        self._parcels.pop()
        self._pause.succeeded()
        if delivery.outcome is Outcome.TOO_LARGE:
            self._split(parcel)
        elif delivery.outcome is Outcome.REFUSED:
            if delivery.why:
                self._outage.begins(WAY, delivery.why)
            self._settle(parcel, EXPORT_FAILED)
        else:
            self._outage.ends(WAY)
            self._take_rejected(parcel, delivery.rejected)
        return True

    def _deliver(self, spans: list[ReadableSpan]) -> Delivery:
        exporter = self._exporter
        if exporter is None:
            return Delivery(Outcome.TAKEN)
        try:
            succeeded = exporter.export(spans) is SpanExportResult.SUCCESS
        except Exception as fault:  # noqa: BLE001 - reported; what it was given is dropped and counted
            self._faults.report("export.spans", fault)
            return Delivery(Outcome.REFUSED)
        return delivery_of(exporter, succeeded)

    def _split(self, parcel: Parcel) -> None:
        halves = parcel.halves()
        if halves is not None:
            self._parcels.extend(reversed(halves))
            return
        ((item, spans),) = parcel.pieces
        item.spans_lost += len(spans)
        self._book_spans(TOO_LARGE, len(spans))
        self._part_is_done(item, None if item.spans_lost < len(item.spans) else TOO_LARGE)

    def _take_rejected(self, parcel: Parcel, rejected: int) -> None:
        if rejected:
            self._book_spans(REJECTED, min(rejected, len(parcel.spans)))
        # Which spans they are is not said, so only all of them are certain to be whole operations.
        self._settle(parcel, REJECTED if rejected >= len(parcel.spans) > 0 else None)

    def _settle(self, parcel: Parcel, reason: str | None) -> None:
        for item, _ in parcel.pieces:
            self._part_is_done(item, reason)

    def _part_is_done(self, item: Waiting, reason: str | None) -> None:
        item.parts -= 1
        item.reason = item.reason or reason
        if item.parts:
            return
        if item.reason:
            self._drop(item, item.reason)
        elif item.settle() and item.operations:
            self._books.exported(item.operations)

    def _drop(self, item: Waiting, reason: str) -> int:
        if not item.settle():
            return 0
        if item.operations:
            self._books.dropped(reason, item.operations)
            self._outage.dropped(item.operations)
        elif reason not in (TOO_LARGE, REJECTED):  # those were counted by span
            self._book_spans(reason, len(item.spans))
        return item.operations

    def _book_spans(self, reason: str, spans: int) -> None:
        self._books.spans_lost(reason, spans)
