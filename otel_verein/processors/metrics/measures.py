"""Histograms and counters of every operation, sampled or not.

The end of an operation appends one tuple; no lock, no SDK instrument. The export thread adds the tuples up and
hands the sums out as OTLP metrics. A failed export gives its sums back, so nothing is lost while a disk is full
or an endpoint is down; what grows is bounded by the number of operation names.
"""

from __future__ import annotations

import os
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from otel_verein import semconv
from otel_verein.clock import Clock
from otel_verein.delivery import TAKEN, Delivery, Outcome, delivery_of
from otel_verein.faults import FAULTS, Faults
from otel_verein.forks import GATE
from otel_verein.ledger import UNATTRIBUTED
from otel_verein.plain_metrics import AnyMetricExporter, PlainMetricExporter
from otel_verein.processors.metrics.names import OperationNames
from otel_verein.processors.metrics.sums import Attributes, Measurement, Sums, Window

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource

_T = TypeVar("_T")

_PENDING = 10_000
_RELIEF = 128
"""Tuples that an application thread adds up when ten thousand wait: about a tenth of a millisecond."""

_AT_ONCE = 2_000
_SERIES_PER_PAYLOAD = 500
"""Measured with 2 to 170 operations in each, a series is 2.0 to 3.6 kB as OTLP JSON, and a third of it in protobuf."""

_IDLE_NS = 60_000_000_000
_INTERRUPTED_S = 1.0


class Measures:
    """The metrics of this process; fork-safe: a child starts with none.

    Deltas unless *cumulative*. *every_s* is the least time between two exports that nobody asked for. *clock* gives
    wall time in nanoseconds; a step back does not make windows overlap.
    """

    def __init__(
        self,
        operation_names: int,
        *,
        cumulative: bool = False,
        every_s: float = 0.0,
        faults: Faults = FAULTS,
        clock: Callable[[], int] = Clock.wall_ns,
    ) -> None:
        self._operation_names = operation_names
        self._cumulative = cumulative
        self._every_ns = int(every_s * 1e9)
        self._faults = faults
        self._clock = clock
        self._facts: dict[str, Attributes] = {}
        self._reset()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._pending: deque[Measurement] = deque()
        self._counted: deque[tuple[str, Attributes, int]] = deque()
        self._names = OperationNames(self._operation_names, forgetting=not self._cumulative)
        self._sums = Sums()
        self._total = Sums()
        self._total_sent = True
        self._told = True
        self._faults_told = Counter(self._faults.counts)
        self._started_ns = self._until_ns = self._sent_ns = self._clock()
        self._tried_ns = 0
        self._ticks_ns = Clock.ticks_ns()
        # guards _sums and _names; held while sums are added up; reentrant, since a signal handler may flush
        self._lock = threading.RLock()

    def add(self, measured: Measurement) -> None:
        """Book one operation; lock-free unless ten thousand wait, when the caller adds some of them up itself."""
        pending = self._pending
        pending.append(measured)
        if len(pending) > _PENDING:
            self._relieve()

    def count(self, name: str, number: int = 1, attributes: Attributes = ()) -> None:
        """Add *number* to the counter *name* of ``semconv.TABLE``; lock-free, from any thread."""
        if number:
            self._counted.append((name, attributes, number))
            if len(self._counted) > _PENDING:
                self._relieve()

    def tell(self, name: str, attributes: Attributes, *, at_once: bool) -> None:
        """Say on the gauge *name* what holds now: with the next figures, or *at_once* if there are none, too."""
        self._facts = {**self._facts, name: attributes}
        self._told = self._told and not at_once

    def dropped(self, reason: str, operations: int = 1) -> None:
        """Book kept operations that were lost on the way out."""
        self.count(semconv.METRIC_EXPORT_DROPPED, operations, ((semconv.DROP_REASON, reason),))

    def exported(self, operations: int = 1) -> None:
        """Book kept operations that an exporter took."""
        self.count(semconv.METRIC_EXPORTED, operations)

    def export(self, exporter: AnyMetricExporter, resource: Resource, *, asked: bool = True) -> bool:
        """Hand out what was counted since the last success; on failure it is kept for the next call.

        Without being *asked*, only add up if the last export is less than ``every_s`` ago.

        Deltas of a time in which nothing happened are not sent, and the next window begins where the last one that
        was sent had ended. Cumulative sums go out complete when one has changed, and once a minute when none has.
        """
        with self._held():
            self._add_up()
            until = self._until()
            if not asked and until - self._tried_ns < self._every_ns:
                return True
            self._tried_ns = until
            taken, self._sums = self._sums, Sums()
            if taken or not self._told:
                taken.facts, self._told = self._facts, True
        return (self._export_total if self._cumulative else self._export_delta)(taken, exporter, resource, until)

    def _export_delta(self, taken: Sums, exporter: AnyMetricExporter, resource: Resource, until: int) -> bool:
        if not taken:
            return True
        window = Window(self._started_ns, until, cumulative=False)
        self._started_ns = until
        unsent = self._hand_over(taken, exporter, resource, window)
        for part in unsent:
            part.not_before(window.start_ns)
            with self._held():
                self._sums.merge(part)
        return not unsent

    def _export_total(self, taken: Sums, exporter: AnyMetricExporter, resource: Resource, until: int) -> bool:
        if taken:
            self._total.forget_examples()
            self._total.merge(taken)
            self._total_sent = False
        if self._total_sent and (not self._total or until - self._sent_ns < _IDLE_NS):
            return True
        window = Window(self._started_ns, until, cumulative=True)
        self._total_sent = not self._hand_over(self._total, exporter, resource, window)
        if self._total_sent:
            self._sent_ns = until
        return self._total_sent

    def _hand_over(self, sums: Sums, exporter: AnyMetricExporter, resource: Resource, window: Window) -> list[Sums]:
        """Export *sums* in parts; those that were not taken. After a failure the rest is not tried.

        What is too large goes out in halves; a single series that still is would be so for ever, and is let go.
        """
        parts = deque(sums.parts(_SERIES_PER_PAYLOAD))
        while parts:
            delivery = self._deliver(parts[0], exporter, resource, window)
            if delivery.outcome is Outcome.TAKEN:
                self._lost("rejected", delivery.rejected)
            elif delivery.outcome is not Outcome.TOO_LARGE:
                break
            elif halves := parts[0].halves():
                parts.extend(halves)
            else:
                self._lost("too_large", parts[0].points)
            parts.popleft()
        return list(parts)

    def _deliver(self, part: Sums, exporter: AnyMetricExporter, resource: Resource, window: Window) -> Delivery:
        try:
            taken = _export(part, exporter, resource, window)
        except Exception as fault:  # noqa: BLE001 - reported; the sums are kept
            self._faults.report("export.metrics", fault)
            return Delivery(Outcome.LATER)
        if taken:
            # What it tells beside may be of a rest that it has taken on and sends later.
            return TAKEN._replace(rejected=delivery_of(exporter, True).rejected)
        return delivery_of(exporter, False)

    def _lost(self, reason: str, points: int) -> None:
        self.count(semconv.METRIC_POINTS_LOST, points, ((semconv.DROP_REASON, reason),))

    def _until(self) -> int:
        """Now, and later than what it said last, also when the wall clock is set back."""
        ticks = Clock.ticks_ns()
        self._until_ns = max(self._clock(), self._until_ns + ticks - self._ticks_ns)
        self._ticks_ns = ticks
        return self._until_ns

    def _relieve(self) -> None:
        """Add up some of what waits, unless somebody else is at it."""
        if self._lock.acquire(blocking=False):
            try:
                with self._faults.guard("metrics.add"):
                    self._book(_RELIEF)
            finally:
                self._lock.release()

    def _add_up(self) -> None:
        """Add up all that waits."""
        while self._pending or self._counted:
            with self._faults.guard("metrics.add"):
                self._book(_AT_ONCE)
        for role, number in UNATTRIBUTED.take().items():
            self._sums.count(semconv.METRIC_UNATTRIBUTED, ((semconv.THREAD_ROLE, role),), number)
        faults = Counter(self._faults.counts)
        for site, number in (faults - self._faults_told).items():
            self._sums.count(semconv.METRIC_INTERNAL_ERRORS, ((semconv.ERROR_SITE, site),), number)
        self._faults_told = faults

    def _book(self, most: int) -> None:
        for name, attributes, number in _taken(self._counted, most):
            self._sums.count(name, attributes, number)
        self._sums.add(_taken(self._pending, most), self._names, Clock.ticks_ns())

    @contextmanager
    def _held(self) -> Iterator[None]:
        """The lock; after a second without it, if need be: then its holder is a frame that a signal interrupted."""
        held = self._lock.acquire(timeout=_INTERRUPTED_S)
        try:
            yield
        finally:
            if held:
                self._lock.release()


def _taken(waiting: deque[_T], most: int) -> list[_T]:
    """Up to *most* of what waits, oldest first; other threads may add and take meanwhile."""
    taken: list[_T] = []
    with suppress(IndexError):
        for _ in range(min(most, len(waiting))):
            taken.append(waiting.popleft())
    return taken


def _export(part: Sums, exporter: AnyMetricExporter, resource: Resource, window: Window) -> bool:
    """Whether *exporter* took *part*, in the shapes that it wants."""
    with GATE.closed():
        from otel_verein.processors.metrics.points import as_data

        if isinstance(exporter, PlainMetricExporter):
            from otel_verein import plain_metrics as shapes
        else:
            from otel_verein.processors.metrics import sdk_shapes as shapes  # type: ignore[no-redef]
    data = as_data(part, resource, window, shapes)
    if isinstance(exporter, PlainMetricExporter):
        return exporter.export_plain(data)
    return exporter.export(data).name == "SUCCESS"
