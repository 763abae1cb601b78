"""A script that gets SIGTERM while it is exporting its last metrics, as a worker does whose pool is taken down.

``robust_interrupted_exit.py OPERATIONS``; the exporter sends the signal itself and then takes its time.
"""

from __future__ import annotations

import signal
import sqlite3
import sys
import threading
import time
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData

from otel_verein.config.schema import Config, Export, Sampling
from otel_verein.distro import flush_on_sigterm
from otel_verein.exporters import FileMetricExporter, FileSpanExporter
from otel_verein.instrumentation import instrument
from otel_verein.processors import VereinSpanProcessor
from otel_verein.tracing import VereinTracerProvider

TAKES_S = 0.5
_tracer = trace.get_tracer("interrupted")
_ending = threading.Event()


class Interrupted(MetricExporter):
    """Exports with *inner*, half a second after a SIGTERM to its own process."""

    def __init__(self, inner: MetricExporter) -> None:
        super().__init__()
        self._inner = inner

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        """Send the signal and wait, if this is the end; export."""
        if _ending.is_set():
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)  # which one from outside reaches
            time.sleep(TAKES_S)
        return self._inner.export(metrics_data, timeout_millis, **kwargs)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Nothing waits here."""
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Close the files."""
        self._inner.shutdown(timeout_millis, **kwargs)


def main(operations: int) -> None:
    """Run the operations, then end."""
    config = Config(sampling=Sampling(ratio=1.0), export=Export(interval_s=60))
    spans = FileSpanExporter(".verein/otlp", config.export)
    metrics = Interrupted(FileMetricExporter(".verein/otlp", config.export))
    provider = VereinTracerProvider(VereinSpanProcessor(spans, config, metrics))
    trace.set_tracer_provider(provider)
    instrument()
    flush_on_sigterm(provider.shutdown)
    for _ in range(operations):
        with _tracer.start_as_current_span("interrupted"):
            connection = sqlite3.connect(":memory:")
            connection.execute("select 1").fetchall()
            connection.close()
    _ending.set()
    provider.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]))
