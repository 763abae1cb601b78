"""Every collector that can be asked for: its pipelines, its ways, and what is checked in."""

from __future__ import annotations

import importlib.util
import itertools
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from otel_verein.collector.plan import Backend, Tier, plan
from otel_verein.collector.render import Rendered, render
from otel_verein.config.schema import Backends, Collector, Config, Sampling, SamplingRule, Thresholds, Tiers

ROOT = Path(__file__).resolve().parents[2]
TOPOLOGIES = [("agent", ""), ("gateway", ""), ("kafka", "agent"), ("kafka", "gateway")]


def made(
    topology: str = "agent", role: str = "", backends: tuple[str, ...] = (), config: Config | None = None
) -> Rendered:
    """What is rendered."""
    return render(plan(topology, role, backends, config or Config()), "a test")


def document(*words: Any, **settings: Any) -> dict[str, Any]:
    """What the collector reads."""
    read: dict[str, Any] = yaml.safe_load(made(*words, **settings).text)
    return read


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script that writes what is checked in."""
    spec = importlib.util.spec_from_file_location(
        "render_collector_config", ROOT / "scripts/render_collector_config.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_checked_in_is_what_is_rendered(script: ModuleType) -> None:
    """`make docs` writes it again."""
    assert script.stale() == []


def test_nothing_else_is_checked_in(script: ModuleType) -> None:
    """What is no longer rendered is removed."""
    folders = ("topologies", "backends")
    there = {f"{folder}/{path.name}" for folder in folders for path in (script.FOLDER / folder).iterdir()}

    assert {name for name in script.FILES if name.partition("/")[0] in folders} == there


@pytest.mark.parametrize("backends", [*itertools.combinations([each.value for each in Backend], 2)], ids="+".join)
@pytest.mark.parametrize(("topology", "role"), TOPOLOGIES)
def test_every_component_has_a_place_and_every_place_a_component(
    topology: str, role: str, backends: tuple[str, ...]
) -> None:
    """Nothing is configured that no pipeline uses, and each connector has both its ends."""
    config = Config(backends=Backends(tempo_endpoint="127.0.0.1:15317", jaeger_endpoint="https://jaeger.example"))
    found = document(topology, role, backends, config)
    pipelines = found["service"]["pipelines"].values()
    used = {side: {name for each in pipelines for name in each.get(side, [])} for side in ("receivers", "exporters")}
    connectors = set(found.get("connectors", {}))

    assert set(found["processors"]) == {name for each in pipelines for name in each["processors"]}
    assert used["receivers"] == set(found["receivers"]) | connectors
    assert used["exporters"] == set(found["exporters"]) | connectors
    assert set(found["service"]["extensions"]) == set(found["extensions"])
    assert all(
        each["processors"][0] == "memory_limiter"
        for name, each in found["service"]["pipelines"].items()
        if name.endswith("/in")
    )


@pytest.mark.parametrize(("topology", "role"), TOPOLOGIES)
def test_figures_are_taken_before_anything_is_dropped(topology: str, role: str) -> None:
    """What counts spans gets them from a pipeline that no sampler stands before; Kafka's gateways count nothing."""
    pipelines = document(topology, role)["service"]["pipelines"]
    counting = [name for name, each in pipelines.items() if "span_metrics" in each["exporters"]]

    assert counting == ([] if role == "gateway" else ["traces/others"])
    assert all("sampl" not in name for each in counting for name in pipelines[each]["processors"])
    assert [name for name in pipelines if any("sampler" in each for each in pipelines[name]["processors"])] == (
        ["traces/short"] if "gateway" in (topology, role) else []
    )


def test_an_agent_waits_for_nothing() -> None:
    """No processor that holds spans: a sender is answered when they are in the file, or in the queue on disk."""
    waiting = ("batch", "tail_sampling", "groupbytrace")
    pipelines = document("agent", "", ("files", "otlp"))["service"]["pipelines"]

    assert [
        name
        for name, each in pipelines.items()
        if name.startswith("traces") and any(held.startswith(waiting) for held in each["processors"])
    ] == []


def test_each_tier_has_its_own_days_everywhere() -> None:
    """Files, ClickHouse, Tempo's tenants and Kafka's topics: one for each tier."""
    config = Config(tiers=Tiers(long_d=40, medium_d=20, short_d=2))
    exporters = document("agent", "", ("files", "clickhouse", "tempo", "kafka"), config)["exporters"]

    assert [exporters[f"file/{tier.value}"]["rotation"]["max_days"] for tier in Tier] == [40, 20, 2]
    assert [exporters[f"clickhouse/{tier.value}"]["ttl"] for tier in Tier] == ["960h", "480h", "48h"]
    assert [exporters[f"clickhouse/{tier.value}"]["traces_table_name"] for tier in Tier] == [
        "otel_traces_long",
        "otel_traces_medium",
        "otel_traces_short",
    ]
    assert [exporters[f"otlp_grpc/tempo-{tier.value}"]["headers"]["x-scope-orgid"] for tier in Tier] == [
        "verein-long",
        "verein-medium",
        "verein-short",
    ]
    assert [exporters[f"kafka/{tier.value}"]["traces"]["topic"] for tier in Tier] == [
        "verein-long",
        "verein-medium",
        "verein-short",
    ]


def test_every_backend_has_a_queue_on_disk_and_tries_for_ever() -> None:
    """Whatever goes over the network waits on disk while it is not taken."""
    names = tuple(each.value for each in Backend if each is not Backend.FILES)
    exporters = document("agent", "", names, Config(backends=Backends(tempo_endpoint="https://tempo.example")))[
        "exporters"
    ]
    sending = {name: each for name, each in exporters.items() if not name.startswith(("file/", "prometheus"))}

    assert {"otlp_grpc/otlp-long", "otlp_http/tempo-long", "clickhouse/long", "kafka/long"} < set(sending)
    assert {each["sending_queue"]["storage"] for each in sending.values()} == {"file_storage/queues"}
    assert {each["retry_on_failure"]["max_elapsed_time"] for each in sending.values()} == {"0s"}


def test_plaintext_is_for_loopback() -> None:
    """To any other host it is TLS, with the authorities that are configured."""
    config = Config(backends=Backends(otlp_endpoint="otel.example:4317", tls_ca_file="ca.pem"))
    exporters = document("agent", "", ("otlp", "jaeger"), config)["exporters"]

    assert exporters["otlp_grpc/otlp-long"]["tls"] == {"ca_file": "ca.pem", "min_version": "1.2"}
    assert exporters["otlp_grpc/jaeger-long"]["tls"] == {"insecure": True}


def test_budgets_are_those_of_the_configuration() -> None:
    """Where the collector judges spans that nobody judged, and cuts histograms, it is by the budgets in force."""
    config = Config(thresholds=Thresholds(queries=7, queries_critical=70, duration_s=0.75, duration_critical_s=7.5))
    text = made("gateway", config=config).text

    assert 'span.attributes["verein.db.query_count"] > 7\'  # from thresholds.queries\n' in text
    assert "> 750000000'  # from thresholds.duration_s x 1000000000\n" in text
    assert "> 7500000000'  # from thresholds.duration_critical_s x 1000000000\n" in text
    assert "0.5, 0.75, 1.0," in text


def test_one_buffer_needs_the_gate_and_three_do_not() -> None:
    """The tier by policy name is behind a feature gate; without it each tier has a buffer, and drops what is longer."""
    free = Config(collector=Collector(record_policy=False))
    processors = document("gateway", config=free)["processors"]

    assert made("gateway").gates == ("processor.tailsamplingprocessor.recordpolicy",)
    assert (made("gateway", config=free).gates, made("agent").gates) == ((), ())
    assert {
        name: [each["name"] for each in processors[name]["policies"]] for name in processors if "tail_" in name
    } == {
        "tail_sampling/long": ["long"],
        "tail_sampling/medium": ["not-long", "medium"],
        "tail_sampling/short": ["not-long", "not-medium", "short"],
    }


def test_three_buffers_decide_one_after_the_other() -> None:
    """The shortest tier first: what it gives up for a longer one, the longer one has seen when it decides."""
    free = Config(collector=Collector(record_policy=False, decision_wait_s=10, decision_wait_after_root_s=2))
    processors = document("gateway", config=free)["processors"]
    keys = ("decision_wait", "decision_wait_after_root_received")

    assert [[processors[f"tail_sampling/{tier.value}"][key] for key in keys] for tier in reversed(Tier)] == [
        ["10s", "2s"],
        ["11s", "3s"],
        ["12s", "4s"],
    ]


def test_the_sampled_rest_is_thinned_by_the_ratio_in_force() -> None:
    """In per cent, and with a note where a process would have other ratios by name."""
    rule = SamplingRule(operation="GET /health*", ratio=0.01)
    sampling = Sampling(ratio=0.025, operations=(rule,), decide="collector")
    gateway = made("gateway", config=Config(sampling=sampling))

    assert "sampling_percentage: 2.5  # from sampling.ratio x 100\n" in gateway.text
    assert gateway.notes == (
        "sampling.operations holds where processes decide; this collector thins all of the sampled rest by "
        "sampling.ratio (0.025)",
    )


@pytest.mark.parametrize(
    ("words", "decide", "notes"),
    [
        (
            ("gateway",),
            "process",
            ["sampling.decide is process: gateways get only what processes keep; set it to collector"],
        ),
        (("gateway",), "collector", []),
        (
            ("kafka", "agent"),
            "process",
            ["sampling.decide is process: gateways get only what processes keep; set it to collector"],
        ),
        (("agent",), "process", []),
        (("agent",), "collector", ["sampling.decide is collector, and an agent decides nothing: every trace is kept"]),
        (("agent", "", ("otlp",)), "collector", []),
    ],
    ids=str,
)
def test_who_decides_is_told_where_it_does_not_fit(words: tuple[Any, ...], decide: str, notes: list[str]) -> None:
    """A gateway of processes that decide decides nothing; an agent of processes that do not keeps all."""
    assert list(made(*words, config=Config(sampling=Sampling(decide=decide))).notes) == notes


def test_guards_stand_at_every_listener_of_others() -> None:
    """Token and TLS, once configured, also on loopback."""
    collector = replace(
        Collector(), token_file="token", tls_cert_file="c.pem", tls_key_file="k.pem", tls_client_ca_file="ca.pem"
    )
    found = document(config=Config(collector=collector))
    listeners = [*found["receivers"]["otlp"]["protocols"].values(), found["exporters"]["prometheus"]]

    assert [each["auth"] for each in listeners] == [{"authenticator": "bearertokenauth/clients"}] * 3
    assert {each["tls"]["client_ca_file"] for each in listeners} == {"ca.pem"}
    assert found["extensions"]["bearertokenauth/clients"] == {"filename": "token"}
