"""The way out: a bounded queue of whole operations, and two daemon threads, for spans and for metrics.

The application's threads only append. The threads start with the first operation of a process, never in a pre-fork
master that serves none, and anew in a forked child, whose queue is empty. They are two so that an end point for
traces that hangs does not keep back the metrics, which say what is lost.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from otel_verein import semconv
from otel_verein.clock import Clock
from otel_verein.config.schema import Export
from otel_verein.delivery import Outcome, Tells, delivery_of
from otel_verein.faults import FAULTS, Faults
from otel_verein.processors.metrics import Measures
from otel_verein.processors.outbox.outage import Outage
from otel_verein.processors.outbox.pause import Pause
from otel_verein.processors.outbox.queue import Queue, Waiting, estimated_bytes
from otel_verein.processors.outbox.sender import QUEUE_FULL, SHUTDOWN, Sender
from otel_verein.processors.outbox.worker import Worker

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

    from otel_verein.plain_metrics import AnyMetricExporter

_METRICS = "metrics"
_FOR_METRICS = 0.3
"""The share of the time at exit that is left for the last metrics when the spans do not get away."""


class Outbox:
    """Takes kept operations and the metrics of all, and brings both to their exporters."""

    def __init__(
        self,
        spans: SpanExporter | None,
        metrics: AnyMetricExporter | None,
        measures: Measures,
        resource: Callable[[], Resource],
        options: Export,
        faults: Faults = FAULTS,
        before_export: Callable[[], None] = lambda: None,
    ) -> None:
        self._before_export = before_export
        self._spans = spans
        self._metrics = metrics
        self._measures = measures
        self._resource = resource
        self._options = options
        self._faults = faults
        self._span_worker = Worker("export", self._span_turn, options.interval_s, faults)
        self._metric_worker = Worker(_METRICS, self._metric_turn, options.interval_s, faults)
        self._reset()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._closed = False
        self._outage = Outage()
        self._queue = Queue(self._options.queue_operations, self._options.queue_bytes)
        self._sender = Sender(
            self._spans, self._queue, _Books(self._measures), self._options, self._faults, self._outage
        )
        self._pause = Pause(self._options.retry_s, self._options.retry_longest_s)
        self._span_worker.forget()
        self._metric_worker.forget()

    def put(self, spans: Sequence[ReadableSpan], operations: int = 1) -> None:
        """Queue one whole operation, or drop and count it when the queue is full.

        *operations* is 0 for spans that come after their operation and do not count as one.
        """
        item = Waiting(spans, operations, sum(map(estimated_bytes, spans)))
        if self._closed:
            self._sender.lose(item, SHUTDOWN)
        elif not self._queue.put(item):
            self._sender.lose(item, QUEUE_FULL)
        elif self._shut():  # since a moment ago: nobody comes for it
            self._sender.give_up(SHUTDOWN)
        elif self._queue.half_full and not self._sender.pause_s:
            self._span_worker.wake()

    def _shut(self) -> bool:
        return self._closed

    def ensure_running(self) -> bool:
        """Start the export threads if this process has none; whether they are there, or needed no longer."""
        if self._closed:
            return True
        self._span_worker.ensure_running()
        self._metric_worker.ensure_running()
        return self._span_worker.running and self._metric_worker.running

    def flush(self, timeout_s: float) -> bool:
        """Export what waits, once; False if that was not possible in time."""
        deadline = Clock.seconds() + timeout_s
        self.ensure_running()
        sent = self._span_worker.ask(last=False, timeout_s=timeout_s)
        return self._metric_worker.ask(last=False, timeout_s=deadline - Clock.seconds()) and sent

    def close(self, timeout_s: float) -> bool:
        """Export what waits, then take no more; what is left after *timeout_s* is dropped and counted.

        The metrics go last, so that they tell of what was dropped. A thread that hangs in an exporter is left behind.
        A further call, as from a signal handler that interrupts the first one, waits for the same turns.
        """
        deadline = Clock.seconds() + timeout_s
        for_spans = timeout_s * (1 - _FOR_METRICS) if self._metrics is not None else timeout_s
        sent = self._span_worker.ask(last=True, timeout_s=for_spans)
        self._closed = True
        dropped = self._sender.give_up(SHUTDOWN)
        measured = self._metric_worker.ask(last=True, timeout_s=deadline - Clock.seconds())
        return sent and measured and not dropped

    def _span_turn(self, now: bool, last: bool) -> bool:
        with self._faults.guard("export.before"):
            self._before_export()
        sent = self._sender.send(now=now, last=last, until=lambda: self._closed)
        if last and self._spans is not None:
            with self._faults.guard("export.shutdown"):
                self._spans.shutdown()
        return sent

    def _metric_turn(self, now: bool, last: bool) -> bool:
        exporter = self._metrics
        if exporter is None:
            return True
        if self._pause.left_s and not (now or last):
            return False
        sent = self._export_metrics(exporter, now or last)
        if last:
            with self._faults.guard("export.shutdown"):
                exporter.shutdown(timeout_millis=self._options.shutdown_s * 1000)
        return sent

    def _export_metrics(self, exporter: AnyMetricExporter, asked: bool) -> bool:
        if isinstance(exporter, Tells):
            exporter.last = None
        sent = self._measures.export(exporter, self._resource(), asked=asked)
        if isinstance(exporter, Tells) and exporter.last is None:
            return sent  # there was nothing to export, so nothing is known
        delivery = delivery_of(exporter, sent)
        if delivery.outcome is Outcome.TAKEN:
            self._outage.ends(_METRICS)
            self._pause.succeeded()
        else:
            self._outage.begins(_METRICS, delivery.why)
            self._pause.failed(delivery.retry_after_s)
        return sent


class _Books:
    """Books what became of operations and spans with the metrics."""

    def __init__(self, measures: Measures) -> None:
        self.exported = measures.exported
        self.dropped = measures.dropped
        self._count = measures.count

    def spans_lost(self, reason: str, spans: int) -> None:
        """So many spans were lost alone."""
        self._count(semconv.METRIC_SPANS_LOST, spans, ((semconv.DROP_REASON, reason),))
