"""Who is compared: each variant sets up its own process and says afterwards what it really did."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workload import run_queries

NAME = "GET /items/{id}"
ATTRIBUTES = {"http.request.method": "GET", "http.route": "/items/{id}", "url.scheme": "http"}


@dataclass(frozen=True)
class Endpoints:
    """Where the sink of a variant listens."""

    http: str
    scout: str


class Variant:
    """The bare driver: no OpenTelemetry in the process."""

    def open_operation(self) -> Any:
        return nullcontext()

    def run(self, connection: Any, statements: Sequence[str]) -> None:
        """The body of an operation; those without a hook for the driver do here what their users do by hand."""
        run_queries(connection, statements)

    def flush(self) -> None:
        """Do the work that was put off; it belongs to the operations that caused it."""

    def finish(self) -> dict[str, int]:
        """What this process knows of its work, beside what its sink has received."""
        return {}


class _Traced(Variant):
    def __init__(self, provider: Any) -> None:
        from opentelemetry.trace import SpanKind

        self._provider = provider
        self._tracer = provider.get_tracer("bench")
        self._kind = SpanKind.SERVER

    def open_operation(self) -> Any:
        return self._tracer.start_as_current_span(NAME, kind=self._kind, attributes=ATTRIBUTES)

    def flush(self) -> None:
        self._provider.force_flush()

    def finish(self) -> dict[str, int]:
        self._provider.shutdown()
        return {}


class AlwaysOff(_Traced):
    """The SDK with nothing sampled, behind the stock sqlite3 instrumentation."""

    def __init__(self, endpoints: Endpoints) -> None:
        from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

        super().__init__(TracerProvider(sampler=ALWAYS_OFF))
        SQLite3Instrumentor().instrument(tracer_provider=self._provider)


class AlwaysOn(_Traced):
    """The SDK with everything sampled and sent in batches over OTLP/HTTP."""

    def __init__(self, endpoints: Endpoints) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON

        super().__init__(TracerProvider(sampler=ALWAYS_ON))
        exporter = OTLPSpanExporter(endpoint=f"{endpoints.http}/v1/traces")
        # The stock queue of 2048 would drop spans here, and dropping is cheaper than sending.
        self._provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=200_000))
        SQLite3Instrumentor().instrument(tracer_provider=self._provider)


class _ToFiles(_Traced):
    """Writes files, with a sampling ratio of 0: what has no finding is counted and not kept."""

    def __init__(self) -> None:
        self._written = tempfile.TemporaryDirectory(prefix="verein-bench-")
        super().__init__(self._set_up(Path(self._written.name)))

    def _set_up(self, directory: Path) -> Any:
        raise NotImplementedError

    def finish(self) -> dict[str, int]:
        self._provider.shutdown()
        with self._written as directory:
            return written(Path(directory))


class Verein(_ToFiles):
    """otel-verein as its distro sets it up."""

    def __init__(self, endpoints: Endpoints) -> None:
        super().__init__()

    def _set_up(self, directory: Path) -> Any:
        from otel_verein.distro import set_up

        return set_up({"VEREIN_EXPORT_DIRECTORY": str(directory), "VEREIN_SAMPLING_RATIO": "0"})


class VereinOnSdk(Verein):
    """otel-verein set up by hand on the SDK's own provider."""

    def _set_up(self, directory: Path) -> Any:
        from opentelemetry.sdk.trace import TracerProvider

        from otel_verein.config import Config
        from otel_verein.config.schema import Sampling
        from otel_verein.exporters import file_exporters
        from otel_verein.instrumentation import instrument
        from otel_verein.processors import VereinSampler, VereinSpanProcessor

        config = Config(sampling=Sampling(ratio=0.0))
        spans, metrics = file_exporters(directory, config.export)
        provider = TracerProvider(sampler=VereinSampler(config.sampling))
        provider.add_span_processor(VereinSpanProcessor(spans, config, metric_exporter=metrics))
        instrument()
        return provider


class VereinToOtlp(_Traced):
    """otel-verein as its distro sets it up for an OTLP endpoint, over HTTP as always_on."""

    def __init__(self, endpoints: Endpoints) -> None:
        from otel_verein.distro import set_up

        otlp = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoints.http, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
        os.environ.update(otlp)  # where OpenTelemetry's exporters look
        super().__init__(set_up({**otlp, "VEREIN_SAMPLING_RATIO": "0"}))


def written(directory: Path) -> dict[str, int]:
    """What otel-verein's files hold: operations kept, operations counted, queries counted."""
    from otel_verein.semconv import METRIC_DURATION, METRIC_QUERIES

    kept = sum("parentSpanId" not in span for span in _of(directory, "spans", "spans"))
    counted = queries = 0.0
    for metric in _of(directory, "metrics", "metrics"):
        points = metric.get("exponentialHistogram", {}).get("dataPoints", ())
        if metric["name"] == METRIC_QUERIES:
            queries += sum(point.get("sum", 0.0) for point in points)
        elif metric["name"] == METRIC_DURATION:
            counted += sum(int(point["count"]) for point in points)
    return {"operations": kept, "operations_counted": int(counted), "queries_counted": int(queries)}


def _of(directory: Path, signal: str, things: str) -> Iterator[dict[str, Any]]:
    """Every span or metric of the lines under *directory*."""
    for path in directory.glob(f"{signal}/*.jsonl*"):
        for line in path.read_text(encoding="utf-8").splitlines():
            for part in json.loads(line)[f"resource{signal.title()}"]:
                for scope in part[f"scope{signal.title()}"]:
                    yield from scope[things]


def create(name: str, endpoints: Endpoints) -> Variant:
    """The variant called *name*, set up in this process."""
    basics = {
        "bare": lambda _: Variant(),
        "verein": Verein,
        "verein_otlp": VereinToOtlp,
        "verein_sdk": VereinOnSdk,
        "always_off": AlwaysOff,
        "always_on": AlwaysOn,
    }
    if name in basics:
        return basics[name](endpoints)
    from agent_variants import AGENTS

    agent = AGENTS[name]
    return agent.make(endpoints, agent.keep)


LABELS = {
    "bare": "bare sqlite3",
    "verein": "otel-verein",
    "verein_otlp": "otel-verein, to OTLP",
    "verein_sdk": "otel-verein on the SDK's provider",
    "always_off": "OTel SDK, always_off",
    "always_on": "OTel SDK, always_on, batch OTLP",
}
