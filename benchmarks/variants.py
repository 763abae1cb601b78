"""Who is compared: each variant sets up its own process and says afterwards what it really did."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

ATTRIBUTES = {"http.request.method": "GET", "http.route": "/items/{id}", "url.scheme": "http"}


class Variant:
    """The bare driver: no OpenTelemetry in the process."""

    def open_operation(self) -> Any:
        return nullcontext()

    def flush(self) -> None:
        """Do the work that was put off; it belongs to the operations that caused it."""

    def finish(self) -> dict[str, int]:
        """Numbers that prove the work was done: what was exported and counted."""
        return {}


class _Traced(Variant):
    def __init__(self, provider: Any) -> None:
        from opentelemetry.trace import SpanKind

        self._provider = provider
        self._tracer = provider.get_tracer("bench")
        self._kind = SpanKind.SERVER

    def open_operation(self) -> Any:
        return self._tracer.start_as_current_span("GET /items/{id}", kind=self._kind, attributes=ATTRIBUTES)

    def flush(self) -> None:
        self._provider.force_flush()


class AlwaysOff(_Traced):
    """The SDK with nothing sampled, behind the stock sqlite3 instrumentation."""

    def __init__(self) -> None:
        from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

        super().__init__(TracerProvider(sampler=ALWAYS_OFF))
        SQLite3Instrumentor().instrument(tracer_provider=self._provider)


class AlwaysOn(_Traced):
    """The SDK with everything sampled and sent in batches over OTLP/HTTP."""

    def __init__(self, endpoint: str) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON

        super().__init__(TracerProvider(sampler=ALWAYS_ON))
        self._exporter = counting(OTLPSpanExporter)(endpoint=f"{endpoint}/v1/traces")
        # The stock queue of 2048 would drop spans here, and dropping is cheaper than sending.
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter, max_queue_size=200_000))
        SQLite3Instrumentor().instrument(tracer_provider=self._provider)

    def finish(self) -> dict[str, int]:
        self._provider.shutdown()
        return {"spans_exported": self._exporter.accepted}


class Verein(_Traced):
    """otel-verein writing files, with a sampling ratio of 0: what has no finding is counted and not kept."""

    def __init__(self) -> None:
        from opentelemetry.sdk.trace import TracerProvider

        from otel_verein.config import Config
        from otel_verein.config.schema import Sampling
        from otel_verein.exporters.otlp_file import FileMetricExporter, FileSpanExporter
        from otel_verein.instrumentation import instrument
        from otel_verein.processors import VereinSpanProcessor
        from otel_verein.processors.sampling import VereinSampler

        config = Config(sampling=Sampling(ratio=0.0))
        self._directory = tempfile.TemporaryDirectory(prefix="verein-bench-")
        self._exporter = counting(FileSpanExporter)(Path(self._directory.name), config.export)
        metrics = FileMetricExporter(Path(self._directory.name), config.export)
        super().__init__(TracerProvider(sampler=VereinSampler(config.sampling)))
        self._provider.add_span_processor(VereinSpanProcessor(self._exporter, config, metric_exporter=metrics))
        instrument()

    def finish(self) -> dict[str, int]:
        self._provider.shutdown()
        counted = int(sum(_query_sums(Path(self._directory.name))))
        self._directory.cleanup()
        return {"operations_exported": self._exporter.accepted_roots, "queries_counted": counted}


def counting(exporter: type[Any]) -> type[Any]:
    """*exporter* with a count of the spans, and of the roots among them, that it took with success."""

    class Counting(exporter):  # type: ignore[misc]
        accepted = 0
        accepted_roots = 0

        def export(self, spans: Any) -> Any:
            from opentelemetry.sdk.trace.export import SpanExportResult

            result = super().export(spans)
            if result is SpanExportResult.SUCCESS:
                self.accepted += len(spans)
                self.accepted_roots += sum(span.parent is None for span in spans)
            return result

    return Counting


def _query_sums(directory: Path) -> Iterator[float]:
    from otel_verein.semconv import METRIC_QUERIES

    for path in directory.glob("metrics/*.jsonl*"):
        for line in path.read_text(encoding="utf-8").splitlines():
            scopes = [scope for part in json.loads(line)["resourceMetrics"] for scope in part["scopeMetrics"]]
            for metric in (metric for scope in scopes for metric in scope["metrics"]):
                if metric["name"] == METRIC_QUERIES:
                    points = metric["exponentialHistogram"]["dataPoints"]
                    yield from (point.get("sum", 0.0) for point in points)


def create(name: str, endpoint: str) -> Variant:
    """The variant called *name*, set up in this process."""
    makers: dict[str, Callable[[], Variant]] = {
        "bare": Variant,
        "verein": Verein,
        "always_off": AlwaysOff,
        "always_on": lambda: AlwaysOn(endpoint),
    }
    return makers[name]()


LABELS = {
    "bare": "bare sqlite3",
    "verein": "otel-verein",
    "always_off": "OTel SDK, always_off",
    "always_on": "OTel SDK, always_on, batch OTLP",
}
