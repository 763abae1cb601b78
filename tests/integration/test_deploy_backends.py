"""The settings of backends in deploy/, as the backends themselves take them."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from otel_verein.config.schema import Config
from tests.docs.deployed import DEPLOY
from tests.services.kept import kept
from tests.services.ports import LOOPBACK, accepts, free_port
from tests.services.process import ServerProcess, wait_until
from tests.services.prometheus import promtool

ANSWER_S = 20
DAY_MS = 86_400_000


@pytest.mark.parametrize("name", ["prometheus.yml", "prometheus-kafka.yml"])
def test_prometheus_takes_its_settings(name: str, tmp_path: Path):
    """promtool finds nothing in the file, nor in the rules that it names."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "otel-verein.yaml").write_text(
        (DEPLOY.parent / "collector-config/prometheus/rules.yaml").read_text()
    )
    (tmp_path / name).write_text((DEPLOY / "prometheus" / name).read_text())

    checked = subprocess.run(
        [promtool(), "check", "config", tmp_path / name], capture_output=True, text=True, timeout=60, check=False
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "1 rule files found" in checked.stdout


def on_free_ports(text: str) -> tuple[str, dict[str, int]]:
    """Settings with another port for each of their loopback ports, and which became which."""
    port = re.compile(r"(?<=127\.0\.0\.1:)\d+|(?<=port: )\d+")
    moved = {number: free_port() for number in sorted(set(port.findall(text)))}
    return port.sub(lambda found: str(moved[found[0]]), text), moved


@pytest.fixture(scope="module")
def jaeger() -> Iterator[dict[str, int]]:
    """A real Jaeger with our settings, on free ports; which port became which."""
    program, server = kept("build-jaeger"), ServerProcess("jaeger", None)
    text, moved = on_free_ports((DEPLOY / "jaeger" / "jaeger.yaml").read_text())
    settings = server.directory / "jaeger.yaml"
    settings.write_text(text)
    server.start(
        ["env", f"JAEGER_DATA={server.directory}/data", str(program), "--config", str(settings)],
        lambda: accepts(moved["14317"]) and accepts(moved["16686"]),
    )
    yield moved
    server.stop()


def test_jaeger_keeps_and_shows_what_it_is_sent(jaeger: dict[str, int]):
    """With our settings it takes OTLP over gRPC, answers its health check, and its query API has the span."""
    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
    exporter = OTLPSpanExporter(f"http://{LOOPBACK}:{jaeger['14317']}", insecure=True)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.get_tracer("test").start_span("GET /").end()
    provider.shutdown()

    health = json.loads(page(jaeger["13143"], "/status"))

    assert wait_until(lambda: ["shop"] == json.loads(page(jaeger["16686"], "/api/services"))["data"], ANSWER_S)
    assert "StatusOK" == health["status"]
    assert "otelcol_process_uptime" in page(jaeger["18888"], "/metrics")


def page(port: int, path: str) -> str:
    """What a server on loopback answers."""
    with urllib.request.urlopen(f"http://{LOOPBACK}:{port}{path}", timeout=ANSWER_S) as answer:
        text: str = answer.read().decode()
    return text


def test_tempo_has_a_whole_tenant_for_each_tier():
    """Each tier's tenant has its retention and every limit: one that is left out is 0 there, and refuses all."""
    tenants = yaml.safe_load((DEPLOY / "tempo" / "overrides.yaml").read_text())["overrides"]
    tiers = Config().tiers

    assert {f"verein-{tier}": f"{getattr(tiers, f'{tier}_d') * 24}h" for tier in ("long", "medium", "short")} == {
        tenant: limits["compaction"]["block_retention"] for tenant, limits in tenants.items()
    }
    for limits in tenants.values():
        assert {"rate_strategy", "rate_limit_bytes", "burst_size_bytes", "max_traces_per_user"} == set(
            limits["ingestion"]
        )
        assert {"max_bytes_per_trace"} == set(limits["global"])


def topics() -> dict[str, tuple[int, dict[str, str]]]:
    """Partitions and settings of the topics in topics.conf."""
    lines = [line.split("#")[0].split() for line in (DEPLOY / "kafka" / "topics.conf").read_text().splitlines()]
    return {words[0]: (int(words[1]), dict(word.split("=") for word in words[2:])) for words in lines if words}


@pytest.fixture(scope="module")
def kafka() -> Iterator[AdminClient]:
    """A real broker with our settings, on free ports and in a directory of its own."""
    jars, server = kept("fetch-kafka"), ServerProcess("kafka", None)
    text, moved = on_free_ports((DEPLOY / "kafka" / "server.properties").read_text())
    settings = server.directory / "server.properties"
    settings.write_text(text.replace("/var/lib/kafka/data", str(server.directory / "data")))
    java = ["java", "-Xms128m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{jars}/*"]
    cluster = yaml.safe_load((DEPLOY / "compose/kafka/compose.yaml").read_text())["services"]["kafka"]["environment"]
    server.run(
        [*java, "kafka.tools.StorageTool", "format", f"--cluster-id={cluster['CLUSTER_ID']}", "-c", str(settings)]
    )
    server.start([*java, "kafka.Kafka", str(settings)], lambda: accepts(moved["9092"]))
    yield AdminClient({"bootstrap.servers": f"{LOOPBACK}:{moved['9092']}", "log_level": 0})
    server.stop()


def test_kafka_takes_its_settings_and_topics(kafka: AdminClient):
    """The broker starts with the compose file's cluster id, and has each topic with its partitions and retention."""
    wanted = [
        NewTopic(topic, partitions, 1, config={**settings, "max.message.bytes": "10485760"})
        for topic, (partitions, settings) in topics().items()
    ]
    for made in kafka.create_topics(wanted, operation_timeout=ANSWER_S, request_timeout=ANSWER_S).values():
        made.result(ANSWER_S)
    resources = [ConfigResource(ResourceType.TOPIC, each.topic) for each in wanted]
    settings = {
        resource.name: future.result(ANSWER_S)["retention.ms"].value
        for resource, future in kafka.describe_configs(resources, request_timeout=ANSWER_S).items()
    }

    assert {
        "verein-spans": str(DAY_MS),
        **{
            f"verein-{tier}": str(getattr(Config().tiers, f"{tier}_d") * DAY_MS) for tier in ("long", "medium", "short")
        },
        "verein-metrics": str(Config().retention.hourly_d * DAY_MS),
    } == settings


def test_a_topic_that_nobody_made_is_an_error(kafka: AdminClient):
    """A misspelt topic is no new one without retention."""
    kafka.list_topics("verein-logn", timeout=ANSWER_S)

    assert "verein-logn" not in kafka.list_topics(timeout=ANSWER_S).topics


def test_topics_are_made_with_what_stands_in_their_file(tmp_path: Path):
    """topics.sh hands each line to Kafka's tools: name, partitions, replicas and retention, for old topics too."""
    for tool in ("kafka-topics.sh", "kafka-configs.sh"):
        (tmp_path / tool).write_text(f'#!/bin/sh\necho "{tool} $*" >> "$(dirname "$0")/called"\n')
        (tmp_path / tool).chmod(0o755)

    subprocess.run(
        ["sh", DEPLOY / "kafka" / "topics.sh", "broker:9092", "3"],
        env={"KAFKA_TOOLS": str(tmp_path), "PATH": "/usr/bin:/bin"},
        check=True,
        timeout=60,
    )
    called = (tmp_path / "called").read_text().splitlines()

    assert 2 * len(topics()) == len(called)
    for topic, (partitions, settings) in topics().items():
        [retention] = (f"{key}={value}" for key, value in settings.items())
        assert (
            f"kafka-topics.sh --bootstrap-server broker:9092 --create --if-not-exists --topic {topic} "
            f"--partitions {partitions} --replication-factor 3 "
            f"--config {retention} --config max.message.bytes=10485760 --config compression.type=producer"
        ) in called
        assert (
            f"kafka-configs.sh --bootstrap-server broker:9092 --alter --entity-type topics --entity-name {topic} "
            f"--add-config {retention}"
        ) in called
