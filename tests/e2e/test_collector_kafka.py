"""The topology ``kafka`` while nothing fails, and Kafka as a backend; with a real broker and real collectors."""

from __future__ import annotations

import base64
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.e2e.collector_agent import Agent, agent
from tests.e2e.collector_gateway_run import expected
from tests.e2e.collector_kafka_fleet import Stream, broker, fleet, merged
from tests.e2e.collector_kafka_records import records, spans
from tests.services.kafka import Kafka
from tests.services.otlp_found import Found
from tests.services.otlp_load import Load, Request, Traffic, resource
from tests.services.otlp_metric_load import MetricLoad
from tests.services.otlp_sender import Sender
from tests.services.otlp_wire import attributes
from tests.services.process import wait_until

RATIO = 0.1
WAITS = {"collector.decision_wait_s": 3, "collector.decision_wait_after_root_s": 2, "sampling.ratio": RATIO}


@pytest.fixture(scope="module")
def kafka() -> Iterator[Kafka]:
    """A broker of this module."""
    with broker() as server:
        yield server


@pytest.mark.parametrize(
    ("traces", "spans_per_s"),
    [pytest.param(600, 2000), pytest.param(20_000, 6000, marks=pytest.mark.soak)],
    ids=["short", "long"],
)
def test_every_trace_is_decided_once_and_whole(kafka: Kafka, tmp_path: Path, traces: int, spans_per_s: float) -> None:
    """The spans of a trace meet in one gateway, whichever agents they came through; none is lost, none is twice.

    Every error and N+1 is in its tier; of the rest those whose id passes the threshold, and their weights say so.
    """
    load = Load(Traffic(traces, services=2, collector_decides=True, ratio=RATIO, spread=60, spans_per_request=60))
    with fleet(kafka, tmp_path, WAITS) as running:
        with Stream(running.agents, load, spans_per_s) as stream:
            sent = stream.sent()
        running.await_decisions()
        decided = sum(gateway.decided() for gateway in running.gateways)
        late = sum(gateway.late_spans() for gateway in running.gateways)
        running.stop_gateways()
        apart = [gateway.found() for gateway in running.gateways]
        found = merged(apart)
    right = expected(load, RATIO)
    kept = {tier: len({trace for trace, _ in keys}) for tier, keys in right.tiers.items()}

    assert stream.spans == sum(each.acknowledged_spans for each in sent)
    assert right.tiers == {tier: found.ids(tier) for tier in right.tiers}
    assert found.repeated == 0
    assert (traces, 0) == (decided, late)
    assert set() == _traces(apart[0]) & _traces(apart[1])
    assert all(len(_traces(each)) > len(_traces(found)) / 4 for each in apart)
    assert {"long": kept["long"], "medium": kept["medium"], "short": kept["short"] / RATIO} == pytest.approx(
        found.weights, rel=1e-9
    )


def _traces(found: Found) -> set[str]:
    return {trace for trace, _ in found.spans}


def test_a_backend_has_a_topic_for_each_tier_and_one_for_figures(kafka: Kafka, tmp_path: Path) -> None:
    """An agent whose backend is Kafka writes each span to the topic of its tier once, and figures as they came."""
    load = Load(Traffic(600, ratio=RATIO))
    figures = MetricLoad(load, reports=2)
    options = {"backends.kafka_brokers": (kafka.broker,), "backends.kafka_topic": "tiers"}
    with agent(tmp_path, ["kafka"], options) as running:
        sent = Sender(running.url, load.requests()).run()
        reported = Sender(running.url, figures.requests(), path="/v1/metrics").run()
        _await_sent(running, "spans", sent.spans)
        _await_sent(running, "metric_points", reported.spans, exporter="kafka/metrics")
    truth = load.truth()

    assert (sent.spans, reported.spans) == (sent.acknowledged_spans, reported.acknowledged_spans)
    assert {tier: Counter(keys) for tier, keys in truth.spans.items()} == {
        tier: Counter(spans(records(kafka, f"tiers-{tier}"))) for tier in truth.spans
    }
    assert _points(request.body for request in figures.requests()) == _points(
        message.value() for message in kafka.messages("tiers-metrics")
    )


def test_spans_that_do_not_fit_into_one_message_go_in_several(kafka: Kafka, tmp_path: Path) -> None:
    """Requests larger than what a broker takes at a time, which no compression makes smaller, arrive whole."""
    bodies = [(_large(1000, 2000), 1000), (_large(200, 10_000), 200)]
    options = {"backends.kafka_brokers": (kafka.broker,), "backends.kafka_topic": "large"}
    with agent(tmp_path, ["kafka"], options) as running:
        sent = Sender(running.url, [Request(number, *body) for number, body in enumerate(bodies)]).run()
        _await_sent(running, "spans", sent.spans)
    found = records(kafka, "large-long")

    assert 1200 == sent.acknowledged_spans == len(spans(found)) == len(set(spans(found)))
    assert len(found) > len(bodies)


def _await_sent(running: Agent, what: str, count: int, **labels: str) -> None:
    def sent() -> float:
        return running.collector.metric(f"otelcol_exporter_sent_{what}", absent=0, **labels)

    assert wait_until(lambda: sent() >= count, 30, every=0.1), f"{sent():.0f} of {count} {what} are sent"


def _points(requests: Iterable[bytes]) -> Counter[tuple[object, ...]]:
    """How often each point is in *requests*: metric, who reported it, attributes, and what it says."""
    found: Counter[tuple[object, ...]] = Counter()
    for request in requests:
        for whole in ExportMetricsServiceRequest.FromString(request).resource_metrics:
            reporter = str(whole.resource)
            for metric in (metric for scope in whole.scope_metrics for metric in scope.metrics):
                for count in metric.sum.data_points:
                    figures = (count.time_unix_nano, count.as_int)
                    found[metric.name, reporter, str(count.attributes), figures] += 1
                for point in metric.exponential_histogram.data_points:
                    buckets = (point.scale, point.positive.offset, tuple(point.positive.bucket_counts))
                    figures = (point.time_unix_nano, point.count, point.sum, buckets)
                    found[metric.name, reporter, str(point.attributes), figures] += 1
    return found


def _large(count: int, size: int) -> bytes:
    """A request of *count* spans of the long tier, each with about *size* random bytes of text."""
    chance = random.Random(f"large {count}")
    request = ExportTraceServiceRequest()
    whole = request.resource_spans.add(resource=resource(0, 0, ours=True))
    scope = whole.scope_spans.add()
    for _ in range(count):
        note = base64.b64encode(chance.randbytes(size * 3 // 4)).decode()
        scope.spans.add(
            trace_id=chance.randbytes(16),
            span_id=chance.randbytes(8),
            name="import",
            start_time_unix_nano=1,
            end_time_unix_nano=2,
            attributes=attributes({"verein.tier": "long", "note": note}),
        )
    return request.SerializeToString()
