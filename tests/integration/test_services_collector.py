"""The programs that the tests of the collector talk to: they start, answer, die, come back, and leave nothing."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from tests import segments
from tests.services.collector import Collector
from tests.services.jaeger import Jaeger
from tests.services.kafka import Kafka
from tests.services.kept import kept
from tests.services.ports import LOOPBACK, free_port
from tests.services.process import ServiceAbsent, ServiceFailed, wait_until
from tests.services.prometheus import Prometheus, promtool

TRACE_ID = "5b8efff798038103d269b633813fc60c"
SERVICE = "shop"


def document(**exporter: object) -> str:
    """A collector that writes what it gets to ``spans/out.jsonl``; *exporter* are options of the file exporter."""
    telemetry = {"pull": {"exporter": {"prometheus": {"host": LOOPBACK, "port": free_port()}}}}
    exporter = {"path": "spans/out.jsonl", "create_directory": True, **exporter}
    return json.dumps({
        "extensions": {"health_check": {"endpoint": f"{LOOPBACK}:{free_port()}"}},
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"{LOOPBACK}:{free_port()}"}}}},
        "exporters": {"file": exporter},
        "service": {
            "extensions": ["health_check"],
            "telemetry": {"metrics": {"readers": [telemetry]}},
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["file"]}},
        },
    })  # fmt: skip


def send(endpoint: str, *span_ids: str) -> None:
    """Send one trace with these spans; returns when they are acknowledged."""
    spans = [
        {"traceId": TRACE_ID, "spanId": one, "name": one, "startTimeUnixNano": "1000", "endTimeUnixNano": "2000"}
        for one in span_ids
    ]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": SERVICE}}]}
    body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}
    request = urllib.request.Request(
        f"http://{endpoint}/v1/traces", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert 200 == answer.status


def written(directory: Path) -> list[str]:
    """The names of the spans in the files under *directory*."""
    return [span["name"] for _, span in segments.spans(directory)]


def test_collector_flushes_when_it_is_stopped_and_not_when_it_is_killed() -> None:
    """SIGTERM writes what waits, SIGKILL loses it; both leave the directory, and it starts again in it."""
    with Collector(document(flush_interval="1h")) as collector:
        send(collector.http_endpoint, "00000000000000aa")
        assert 1 == collector.metric("otelcol_receiver_accepted_spans", receiver="otlp")
        collector.kill()
        assert [] == written(collector.directory)

        collector.start()
        send(collector.http_endpoint, "00000000000000bb", "00000000000000cc")
        assert 2 == collector.metric("otelcol_receiver_accepted_spans", receiver="otlp")
        collector.stop()
        assert ["00000000000000bb", "00000000000000cc"] == written(collector.directory)
        directory = collector.directory
    assert not directory.exists()


def test_collector_is_measured_from_outside() -> None:
    """Memory and processor time are those of the process, and grow with its work."""
    with Collector(document(), memory_mib=256, environment={"GOMAXPROCS": "1"}, under=("nice", "-n", "1")) as collector:
        before = collector.cpu_s()
        environment = Path(f"/proc/{collector.pid}/environ").read_bytes().split(b"\0")
        for number in range(200):
            send(collector.http_endpoint, f"{number + 1:016x}")

        assert before < collector.cpu_s() < 60
        assert 2**24 < collector.rss_bytes() <= collector.peak_rss_bytes() < 2**30
        assert {b"GOMEMLIMIT=256MiB", b"GOMAXPROCS=1"} <= set(environment)


@pytest.mark.parametrize(
    ("config", "gates", "reason"),
    [
        pytest.param(document(no_such_option=1), [], "no_such_option", id="configuration"),
        pytest.param(document(), ["no.such.gate"], 'no such feature gate "no.such.gate"', id="gate"),
    ],
)
def test_collector_that_refuses_says_why(config: str, gates: list[str], reason: str, tmp_path: Path) -> None:
    """What the collector refuses is an error with its log, and a directory that was given stays."""
    with pytest.raises(ServiceFailed, match=reason):
        Collector(config, gates=gates, directory=tmp_path)

    assert (tmp_path / "collector.yaml").exists()


def test_what_was_not_built_is_absent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where a program was not built, that is said with its cure, and nothing is built by the way."""
    monkeypatch.setenv("VEREIN_CACHE", str(tmp_path / "cache"))

    with pytest.raises(ServiceAbsent) as raised:
        kept.__wrapped__("fetch-kafka")
    assert "fetch-kafka: not there yet; run: scripts/fetch-kafka" == str(raised.value)
    assert not (tmp_path / "cache").exists()


@pytest.fixture(scope="module")
def jaeger() -> Iterator[Jaeger]:
    """A Jaeger of this module."""
    with Jaeger() as running:
        yield running


def test_jaeger_shows_what_it_was_sent_also_after_a_crash(jaeger: Jaeger) -> None:
    """A trace is found by service and by id; SIGKILL and a new start on the same ports lose nothing of it."""
    assert jaeger.trace(TRACE_ID) is None

    send(jaeger.http_endpoint, "00000000000000aa", "00000000000000bb")

    assert wait_until(lambda: SERVICE in jaeger.services(), 10)
    jaeger.kill()
    jaeger.start()
    found = jaeger.trace(TRACE_ID)
    assert found is not None
    assert [TRACE_ID] == [trace["traceID"] for trace in jaeger.traces(SERVICE)]
    assert ["00000000000000aa", "00000000000000bb"] == sorted(span["operationName"] for span in found["spans"])
    assert [] == jaeger.traces("none")


@pytest.fixture(scope="module")
def kafka() -> Iterator[Kafka]:
    """A broker of this module."""
    with Kafka() as running:
        yield running


def test_kafka_keeps_messages_through_a_crash(kafka: Kafka) -> None:
    """What was acknowledged is read back by partition and offset after SIGKILL; a group that read nothing lags."""
    topic = kafka.topic("kept", partitions=2)
    producer = Producer({"bootstrap.servers": kafka.broker, "acks": "all"})
    for number in range(6):
        producer.produce(topic, str(number), partition=number % 2)
    assert 0 == producer.flush(20)
    del producer  # it would complain about the crash

    kafka.kill()
    kafka.start()

    assert {topic: 2} == kafka.topics()
    found = [(message.partition(), message.offset(), message.value()) for message in kafka.messages(topic)]
    assert [(0, 0, b"0"), (0, 1, b"2"), (0, 2, b"4"), (1, 0, b"1"), (1, 1, b"3"), (1, 2, b"5")] == found
    assert ({}, 6) == (kafka.committed("readers", topic), kafka.lag("readers", topic))


RULES = """
groups:
  - name: test
    rules:
      - {alert: Spans, expr: otelcol_receiver_accepted_spans > 2, labels: {severity: warning}}
      - {alert: Silent, expr: otelcol_receiver_accepted_spans > 3}
"""


def test_prometheus_scrapes_and_alerts(tmp_path: Path) -> None:
    """What a target serves is there by its job, and a rule about it fires; its silent twin does not."""
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    subprocess.run([promtool(), "check", "rules", rules], check=True, capture_output=True)
    config = document()
    telemetry = json.loads(config)["service"]["telemetry"]["metrics"]["readers"][0]["pull"]["exporter"]["prometheus"]
    target = f"{telemetry['host']}:{telemetry['port']}"

    with Collector(config) as collector, Prometheus({"collector": [target]}, [rules], every_s=0.2) as prometheus:
        send(collector.http_endpoint, "0000000000000001", "0000000000000002", "0000000000000003")

        assert wait_until(prometheus.alerts, 20)
        assert [("Spans", "warning", "firing")] == [
            (one["labels"]["alertname"], one["labels"]["severity"], one["state"]) for one in prometheus.alerts()
        ]
        assert 3 == prometheus.value('otelcol_receiver_accepted_spans{job="collector"}')
        assert {f"http://{target}/metrics": "up"} == prometheus.targets()
        assert prometheus.value("no_such_series") is None
        with pytest.raises(ValueError, match="parse error"):
            prometheus.query("1 +")
