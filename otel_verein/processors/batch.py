"""The way out: a bounded queue of whole operations, written by one daemon thread, flushed at exit.

The application's threads only append. The thread starts with the first operation of a process, never in a
pre-fork master that serves none, and anew in a forked child, whose queue is empty.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from otel_verein.config.schema import Export
from otel_verein.faults import FAULTS, Faults
from otel_verein.processors.metrics import Measures

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan

_SPANS_PER_CALL = 512


class _Signals:
    """How the threads of one process tell each other."""

    def __init__(self) -> None:
        self.wake = threading.Event()
        self.drained = threading.Event()
        self.exporting = threading.Lock()  # held while an exporter runs; an application thread takes it to flush only


class Outbox:
    """Takes kept operations and the metrics of all, and brings both to their exporters."""

    def __init__(
        self,
        spans: SpanExporter | None,
        metrics: MetricExporter | None,
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
        self._reset()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._queue: deque[tuple[Sequence[ReadableSpan], int]] = deque()
        self._thread: threading.Thread | None = None
        self._closing = self._closed = False
        self._starting = threading.Lock()  # guards _thread; held while the thread is started
        self._signals_made: _Signals | None = None

    @property
    def _signals(self) -> _Signals:
        """Made when they are first needed, not with the process: gevent may patch in between."""
        made = self._signals_made
        if made is None:
            made = self._signals_made = _Signals()
        return made

    def put(self, spans: Sequence[ReadableSpan], operations: int = 1) -> None:
        """Queue one whole operation, or drop and count it when the queue is full.

        *operations* is 0 for spans that come after their operation and do not count as one.
        """
        if self._closed:
            self._measures.dropped("shutdown", operations)
        elif len(self._queue) >= self._options.queue_operations:
            self._measures.dropped("queue_full", operations)
            self._signals.wake.set()
        else:
            self._queue.append((spans, operations))

    def ensure_running(self) -> None:
        """Start the export thread if this process has none."""
        if self._thread is not None or self._closed:
            return
        # Whoever finds it taken goes on: another is starting the thread. Under gevent, whose patches may come after
        # this lock was made, starting switches to other greenlets, and one that waited would stop them all.
        if not self._starting.acquire(blocking=False):
            return
        try:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="otel-verein-export", daemon=True)
                with contextlib.suppress(RuntimeError):  # the interpreter is going, and exports on its way out
                    thread.start()
                    self._thread = thread
        finally:
            self._starting.release()

    def flush(self, timeout_s: float) -> bool:
        """Export what waits, on the calling thread; False if that was not possible in time."""
        deadline = monotonic() + timeout_s
        if not self._signals.exporting.acquire(timeout=max(0.0, timeout_s)):
            return False
        try:
            while self._queue and monotonic() < deadline:
                self._export_some()
            return self._export_metrics() and not self._queue
        finally:
            self._signals.exporting.release()

    def close(self, timeout_s: float) -> bool:
        """Flush, then take no more; what is left after *timeout_s* is dropped and counted."""
        if self._closed:
            return True
        deadline = monotonic() + timeout_s
        self._closing = True
        thread = self._thread
        if thread is not None and thread.is_alive() and thread is not threading.current_thread():
            # On the export thread, which may be left behind: an exporter that retries does not look at our deadline.
            self._signals.wake.set()
            flushed = self._signals.drained.wait(timeout_s) and not self._queue
        else:
            flushed = self.flush(timeout_s)
        self._closed = True
        if self._queue:
            self._measures.dropped("shutdown", sum(operations for _, operations in self._queue))
            self._queue.clear()
        if self._signals.exporting.acquire(
            timeout=max(0.0, deadline - monotonic())
        ):  # an exporter may hang in its last call
            try:
                self._shut_down_exporters(max(0.0, deadline - monotonic()))
            finally:
                self._signals.exporting.release()
        return flushed

    def _shut_down_exporters(self, timeout_s: float) -> None:
        with self._faults.guard("export.shutdown"):
            if self._spans is not None:
                self._spans.shutdown()
        with self._faults.guard("export.shutdown"):
            if self._metrics is not None:
                self._metrics.shutdown(timeout_millis=timeout_s * 1000)

    def _run(self) -> None:
        wake, drained = self._signals.wake, self._signals.drained
        while not self._closed:
            wake.wait(self._options.interval_s)
            wake.clear()
            last = self._closing
            with self._faults.guard("export.run"):
                self._before_export()
                self.flush(self._options.shutdown_s)
            if last:
                drained.set()
                return

    def _export_some(self) -> None:
        taken: list[ReadableSpan] = []
        operations = 0
        while self._queue and len(taken) < _SPANS_PER_CALL:
            spans, counted = self._queue.popleft()
            taken.extend(spans)
            operations += counted
        result = SpanExportResult.FAILURE
        with self._faults.guard("export.spans"):
            result = SpanExportResult.SUCCESS if self._spans is None else self._spans.export(taken)
        if result is not SpanExportResult.SUCCESS:
            self._measures.dropped("export_failed", operations)

    def _export_metrics(self) -> bool:
        return self._metrics is None or self._measures.export(self._metrics, self._resource())
