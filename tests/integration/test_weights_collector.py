"""A real collector reads the weights of what is exported: its span_metrics count all operations, from the kept ones."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import NonRecordingSpan, SpanContext, StatusCode, TraceFlags, TraceState, set_span_in_context

from otel_verein.config.schema import Config, Export, Sampling, SamplingRule
from otel_verein.processors import VereinSampler, VereinSpanProcessor
from otel_verein.processors.sampling.tracestate import LOW_BITS, threshold_of
from tests.services.collector import Collector
from tests.services.ports import LOOPBACK, free_port
from tests.services.process import wait_until

Z = 3.2905  # two-sided 99.9 % of the normal distribution
N = 2000
RATIOS = {"whole": 1.0, "fraction": 0.4, "tenth": 0.1, "hundredth": 0.01}
EXTRAPOLATED, COUNTED = "extrapolated", "counted"


class Ids(IdGenerator):
    """The same random ids in each run."""

    def __init__(self) -> None:
        self._random = random.Random(20261127)

    def generate_trace_id(self) -> int:
        """128 random bits."""
        return self._random.getrandbits(128)

    def generate_span_id(self) -> int:
        """64 random bits."""
        return self._random.getrandbits(64)


class Kept(SpanExporter):
    """Sends on, and counts by name what it sent."""

    def __init__(self, endpoint: str) -> None:
        self._exporter = OTLPSpanExporter(endpoint)
        self.count: Counter[str] = Counter()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """As the exporter of OTLP over HTTP does."""
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self.count.update(span.name for span in spans)
        return result

    def shutdown(self) -> None:
        """Close the connection."""
        self._exporter.shutdown()


class Calls:
    """A collector that turns spans into calls."""

    def __init__(self) -> None:
        self.port = free_port()
        self.collector = Collector(json.dumps(self._config()))  # JSON is YAML
        self._metrics = self.collector.directory / "metrics.json"

    def _config(self) -> dict[str, object]:
        pipelines = {
            "traces": {"receivers": ["otlp"], "exporters": ["span_metrics"]},
            "metrics": {"receivers": ["span_metrics"], "exporters": ["file"]},
        }
        return {
            "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"{LOOPBACK}:{self.port}"}}}},
            "connectors": {"span_metrics": {"metrics_flush_interval": "200ms", "enable_metrics_sampling_method": True}},
            "exporters": {"file": {"path": "metrics.json", "flush_interval": "100ms"}},
            "service": {"telemetry": {"metrics": {"level": "none"}}, "pipelines": pipelines},
        }

    def flushes(self) -> list[str]:
        """What it has written so far, whole lines only; a line each 200 ms."""
        return self._metrics.read_text().split("\n")[:-1] if self._metrics.exists() else []

    def calls(self) -> dict[tuple[str, str], int]:
        """The last cumulative counts, by name and by whether they are extrapolated."""
        lines = self.flushes()
        found: dict[tuple[str, str], int] = {}
        for resource in json.loads(lines[-1])["resourceMetrics"] if lines else []:
            for metric in (metric for scope in resource["scopeMetrics"] for metric in scope["metrics"]):
                if metric["name"].endswith("calls"):
                    for point in metric["sum"]["dataPoints"]:
                        tags = {tag["key"]: tag["value"].get("stringValue", "") for tag in point["attributes"]}
                        key = (tags["span.name"], tags["sampling.method"])
                        found[key] = found.get(key, 0) + int(point["asInt"])
        return found


@pytest.fixture
def collector() -> Iterator[Calls]:
    """A collector of this test."""
    calls = Calls()
    with calls.collector:
        yield calls


def called_by(ids: Ids, ratio: float, *, tells: bool) -> tuple[Context, bool]:
    """The context of a caller that samples with *ratio*, and whether it did."""
    trace_id, threshold = ids.generate_trace_id(), threshold_of(ratio)
    sampled = trace_id & LOW_BITS >= threshold
    state = TraceState([("ot", f"th:{threshold:014x}")]) if sampled and tells else None
    parent = SpanContext(trace_id, ids.generate_span_id(), True, TraceFlags(2 | sampled), state)
    return set_span_in_context(NonRecordingSpan(parent), Context()), sampled


def test_span_metrics_of_a_collector_count_what_was_not_kept(collector: Calls) -> None:
    """The calls it derives from kept spans lie in the 99.9 % interval of all that ran; errors are exact.

    What came from a caller without threshold it counts as one each, apart from the rest.
    """
    rules = tuple(SamplingRule(name, ratio) for name, ratio in RATIOS.items())
    config = Config(sampling=Sampling(ratio=0.1, operations=rules), export=Export(queue_operations=50_000))
    ids, exporter = Ids(), Kept(f"http://{LOOPBACK}:{collector.port}/v1/traces")
    provider = TracerProvider(sampler=VereinSampler(config.sampling), id_generator=ids, shutdown_on_exit=False)
    provider.add_span_processor(VereinSpanProcessor(exporter, config))
    tracer = provider.get_tracer("weights")

    unknown = 0
    for _ in range(N):
        for name in RATIOS:
            tracer.start_span(name, Context()).end()
        failing = tracer.start_span("failing", Context())
        failing.set_status(StatusCode.ERROR)
        failing.end()
        tracer.start_span("called", called_by(ids, 0.2, tells=True)[0]).end()
        context, sampled = called_by(ids, 0.2, tells=False)
        tracer.start_span("called-unknown", context).end()
        unknown += sampled
    provider.shutdown()
    written = len(collector.flushes())
    assert wait_until(lambda: len(collector.flushes()) > written + 1, 20)

    calls = collector.calls()
    assert exporter.count["tenth"] < N / 5
    assert calls["failing", EXTRAPOLATED] == N
    assert calls["whole", EXTRAPOLATED] == N
    assert calls["called-unknown", COUNTED] == unknown == exporter.count["called-unknown"]
    for name, ratio in {**RATIOS, "called": 0.2}.items():
        sent, rounding = exporter.count[name], Z * (exporter.count[name] * (1 / ratio % 1) * (1 - 1 / ratio % 1)) ** 0.5
        assert abs(calls[name, EXTRAPOLATED] - sent / ratio) <= rounding + 0.01
        assert abs(calls[name, EXTRAPOLATED] - N) <= Z * (N * (1 - ratio) / ratio) ** 0.5 + rounding
    assert set(calls) == {
        *((name, EXTRAPOLATED) for name in (*RATIOS, "failing", "called")),
        ("called-unknown", COUNTED),
    }
