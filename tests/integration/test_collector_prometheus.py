"""A real application, a real collector, a real Prometheus: what it scrapes equals what was done, and alerts fire."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode

from otel_verein.collector.rules import rules_text
from otel_verein.config.schema import Config
from tests.conftest import absent
from tests.services import ServiceAbsent
from tests.services.collector import Collector
from tests.services.process import wait_until
from tests.services.prometheus import Prometheus
from tests.services.rendered import rendered

GOOD, BAD, LOOP = 20, 100, 10
QUERIES_OF_GOOD, QUERIES_OF_LOOP = 3, 12
LISTED, LISTED_BADLY, QUERIES_OF_LIST = 50, 5, 2
PATIENCE_S = 40

APPLICATION = f"""
import sqlite3
from opentelemetry import trace

tracer, database = trace.get_tracer("shop"), sqlite3.connect(":memory:")
for name, times, queries in (("GET /good", {GOOD}, {QUERIES_OF_GOOD}), ("GET /loop", {LOOP}, {QUERIES_OF_LOOP})):
    for _ in range(times):
        with tracer.start_as_current_span(name, kind=trace.SpanKind.SERVER):
            for number in range(queries):
                column = "one" if name == "GET /loop" else "abcdefgh"[number]
                database.execute(f"SELECT ? AS {{column}}", (number,)).fetchall()
for _ in range({BAD}):
    with tracer.start_as_current_span("GET /bad", kind=trace.SpanKind.SERVER) as span:
        span.set_status(trace.StatusCode.ERROR)
"""


@dataclass(frozen=True)
class Watched:
    """The collector that takes telemetry, the Prometheus that scrapes it, and the rules that it has."""

    collector: Collector
    prometheus: Prometheus


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Everything running, with rules whose minute is five seconds long; the application has run and ended."""
    directory = tmp_path_factory.mktemp("watched")
    made, config = rendered("agent", ["files"], directory)
    rules = directory / "rules.yaml"
    rules.write_text(rules_text(Config()).replace("interval: 1m", "interval: 5s").replace(" offset 1m", " offset 5s"))
    targets = {
        "otel-verein": [config.collector.prometheus_endpoint],
        "otel-verein-collector": [config.collector.telemetry_endpoint],
    }
    try:
        with (
            Collector(made.text, gates=made.gates, directory=directory) as collector,
            Prometheus(targets, [rules], honor_labels=True) as prometheus,
        ):
            _run_the_application(collector, directory)
            _list_without_our_sdk(collector)
            yield Watched(collector, prometheus)
    except ServiceAbsent as missing:
        absent(str(missing))


def _run_the_application(collector: Collector, directory: Path) -> None:
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "VEREIN_"))},
        "OTEL_SERVICE_NAME": "shop",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=qa",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{collector.http_endpoint}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    }
    script = directory / "shop.py"
    script.write_text(APPLICATION)
    command = [str(Path(sys.executable).parent / "otel-verein"), "run", "--", sys.executable, str(script)]
    done = subprocess.run(command, cwd=directory, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def _list_without_our_sdk(collector: Collector) -> None:
    provider = TracerProvider(resource=Resource({"service.name": "legacy"}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"http://{collector.http_endpoint}/v1/traces")))
    tracer = provider.get_tracer("legacy")
    for number in range(LISTED):
        with tracer.start_as_current_span("GET /list", kind=SpanKind.SERVER) as span:
            for _ in range(QUERIES_OF_LIST):
                tracer.start_span("SELECT", kind=SpanKind.CLIENT, attributes={"db.system.name": "sqlite"}).end()
            if number < LISTED_BADLY:
                span.set_status(StatusCode.ERROR)
    provider.shutdown()


def becomes(watched: Watched, promql: str, expected: float) -> float | None:
    """The value of *promql* once it is *expected*, or what it is after some patience."""
    wait_until(lambda: watched.prometheus.value(promql) == expected, PATIENCE_S, every=0.2)
    return watched.prometheus.value(promql)


OF_GOOD = 'job="shop",deployment_environment_name="qa",verein_operation_name="GET /good",verein_operation_kind="server"'
FIGURES = {
    "operations": (f"verein_operation_duration_seconds_count{{{OF_GOOD}}}", GOOD),
    "queries": (f"verein_operation_db_queries_sum{{{OF_GOOD}}}", GOOD * QUERIES_OF_GOOD),
    "errors": ('verein_operation_duration_seconds_count{job="shop",verein_operation_status="error"}', BAD),
    "bad ones": ('sum(verein_operation_breaches_total{job="shop",verein_breach="any"})', BAD),
    "N+1": ('sum(verein_findings_total{job="shop",verein_operation_name="GET /loop"})', LOOP),
    "all": ('sum(verein_operation_duration_seconds_count{job="shop"})', GOOD + BAD + LOOP),
    "no query too many": (f'verein_operation_db_queries_bucket{{{OF_GOOD},le="2.5"}}', 0),
    "no query too few": (f'verein_operation_db_queries_bucket{{{OF_GOOD},le="5.5"}}', GOOD),
    "no query at all": (
        'sum(verein_operation_db_queries_bucket{job="shop",verein_operation_name="GET /bad",le="0.5"})', BAD
    ),
    "within the longest bound": (f'verein_operation_duration_seconds_bucket{{{OF_GOOD},le="10.0"}}', GOOD),
    "configurations": ('sum(verein_config_info{job="shop",verein_config_state="in_force"})', 1),
    "calls without our SDK": (
        'sum(traces_span_metrics_calls_total{job="legacy",span_name="GET /list",span_kind="SPAN_KIND_SERVER"})', LISTED
    ),
    "their queries": ('sum(verein_db_queries_total{job="legacy"})', LISTED * QUERIES_OF_LIST),
}  # fmt: skip


@pytest.mark.parametrize(("promql", "expected"), FIGURES.values(), ids=FIGURES)
def test_what_is_scraped_equals_what_was_done(watched: Watched, promql: str, expected: float) -> None:
    """Counts are exact, whatever was sampled, and buckets hold what they say."""
    assert expected == becomes(watched, promql, expected)


RECORDED = {
    "operations of a process that was gone before its second scrape": (
        'sum(sum_over_time(verein:operations:increase1m{job="shop"}[1h]))', GOOD + BAD + LOOP
    ),
    "its bad ones": ('sum(sum_over_time(verein:operations_bad:increase1m{job="shop"}[1h]))', BAD),
    "its queries": (
        'sum(sum_over_time(verein:queries:increase1m{job="shop"}[1h]))', GOOD * QUERIES_OF_GOOD + LOOP * QUERIES_OF_LOOP
    ),
    "failures without our SDK": ('sum(verein:foreign_errors:sum1h{job="legacy"})', LISTED_BADLY),
    "queries per call without our SDK": ('verein:foreign:queries_per_call15m{job="legacy"}', QUERIES_OF_LIST),
}  # fmt: skip


@pytest.mark.parametrize(("promql", "expected"), RECORDED.values(), ids=RECORDED)
def test_recorded_series_add_up_to_what_was_done(watched: Watched, promql: str, expected: float) -> None:
    """Also what a series holds at its first scrape is counted, which Prometheus' own increase() leaves out."""
    assert expected == becomes(watched, promql, expected)


def test_a_service_that_fails_fires_its_alert_and_the_one_that_does_not_is_left_alone(watched: Watched) -> None:
    """Most operations of the shop failed; of the other service a tenth of the calls, and both are told."""

    def firing() -> set[tuple[str, str]]:
        return {
            (alert["labels"]["alertname"], alert["labels"]["job"])
            for alert in watched.prometheus.alerts()
            if alert["state"] == "firing"
        }

    expected = {("VereinBurnsFast", "shop"), ("VereinBurnsSlow", "shop"), ("VereinBurnsLasting", "shop")}

    assert wait_until(lambda: firing() >= expected, PATIENCE_S, every=0.2)
    assert expected == firing()
    told = next(a for a in watched.prometheus.alerts() if a["labels"]["alertname"] == "VereinBurnsFast")
    assert f"Within 1h, of {GOOD + BAD + LOOP} operations {BAD} failed" in told["annotations"]["description"]


def test_the_collector_has_every_series_that_the_rules_ask_it_for_from_its_start(watched: Watched) -> None:
    """Its own figures are called as the rules call them; counters that have not counted have no series."""
    names = ("process_runtime_total_sys_memory_bytes", "process_uptime", "receiver_refused_spans")
    for name in (f"otelcol_{each}" for each in names):
        assert watched.prometheus.value(f'count({name}{{job="otel-verein-collector"}})') == 1
    assert watched.prometheus.query('up{job=~"otel-verein.*"} == 0') == []


def test_percentiles_are_read_from_the_buckets(watched: Watched) -> None:
    """The median of three queries is within their bucket."""
    promql = f"histogram_quantile(0.5, verein_operation_db_queries_bucket{{{OF_GOOD}}})"

    assert math.isclose(4.0, becomes(watched, promql, 4.0) or 0.0)
