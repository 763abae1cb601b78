"""What must not be rendered is refused, with the place, the reason and the cure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from otel_verein.collector.plan import Backend, Tier, Topology, is_loopback, plan
from otel_verein.config.schema import Backends, Collector, Config
from otel_verein.errors import ConfigError

GUARDS = {"token_file": "token", "tls_cert_file": "cert.pem", "tls_key_file": "key.pem"}


def refused(topology: str = "agent", role: str = "", backends: tuple[str, ...] = (), **collector: Any) -> list[str]:
    """What is wrong with such a collector."""
    with pytest.raises(ConfigError) as fault:
        plan(topology, role, backends, Config(collector=replace(Collector(), **collector)))
    return [str(each) for each in fault.value.problems]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("agnt",), "--topology: 'agnt' is no topology: one of agent, gateway, kafka"),
        (("kafka",), "--role: is missing: --topology kafka is two collectors, agent and gateway"),
        (("kafka", "broker"), "--role: 'broker' is no role: --topology kafka is two collectors, agent and gateway"),
        (("agent", "gateway"), "--role: 'gateway' is for --topology kafka alone"),
        (
            ("agent", "", ("jeager",)),
            "--backend: 'jeager' is no backend: one of files, otlp, jaeger, tempo, clickhouse, kafka, prometheus; "
            "did you mean 'jaeger'?",
        ),
    ],
)
def test_words_that_name_nothing_are_refused(words: tuple[Any, ...], problem: str) -> None:
    """An unknown topology, role or backend, with what there is."""
    assert refused(*words) == [problem]


@pytest.mark.parametrize("name", ["grpc_endpoint", "http_endpoint", "prometheus_endpoint"])
def test_an_open_listener_needs_token_and_tls(name: str) -> None:
    """Off loopback, both; what is missing is named. With both it is rendered."""
    assert refused(**{name: "0.0.0.0:5555", "token_file": "token"}) == [
        f"defaults: collector.{name}: 0.0.0.0:5555 is open to the network: "
        "give collector.tls_cert_file, collector.tls_key_file, or listen on 127.0.0.1:5555"
    ]
    assert plan("agent", "", (), Config(collector=Collector(**{name: "0.0.0.0:5555"}, **GUARDS)))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["telemetry_endpoint", "health_endpoint"])
def test_a_listener_without_guard_stays_on_loopback(name: str) -> None:
    """Neither token nor TLS guards the collector's own figures and its health."""
    assert refused(**{name: "[::]:5555"}, **GUARDS) == [
        f"defaults: collector.{name}: [::]:5555 is open to the network, and has no guard: listen on 127.0.0.1:5555"
    ]


@pytest.mark.parametrize(
    "address", ["4317", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:99999", "http://a:1", ":1"]
)
def test_a_listener_needs_host_and_port(address: str) -> None:
    """Anything else is no address; ``:4317`` would listen everywhere."""
    assert refused(grpc_endpoint=address) == [
        f"defaults: collector.grpc_endpoint: {address!r} is no address such as 127.0.0.1:4317"
    ]


def test_two_listeners_do_not_share_a_port() -> None:
    """The second of two with the same port could not start."""
    assert refused(http_endpoint="127.0.0.1:4317") == [
        "defaults: collector.http_endpoint: 127.0.0.1:4317 has the port of collector.grpc_endpoint"
    ]


def test_a_collector_does_not_send_to_itself() -> None:
    """A backend on the port of a listener would be a loop."""
    config = Config(backends=Backends(jaeger_endpoint="localhost:4317"))

    with pytest.raises(ConfigError) as fault:
        plan("agent", "", ("jaeger",), config, {"backends.jaeger_endpoint": "verein.yaml:3"})

    assert str(fault.value) == (
        "verein.yaml:3: backends.jaeger_endpoint: localhost:4317 is collector.grpc_endpoint of this collector: "
        "it would send to itself"
    )


def test_half_of_a_certificate_is_refused() -> None:
    """A certificate has a key, and authorities of clients a certificate to speak TLS with."""
    assert refused(tls_cert_file="cert.pem") == ["defaults: collector.tls_cert_file: needs collector.tls_key_file, too"]
    assert refused(tls_client_ca_file="ca.pem") == [
        "defaults: collector.tls_client_ca_file: needs collector.tls_cert_file, too"
    ]


def test_all_problems_are_told_at_once() -> None:
    """Whoever repairs one does not meet the next."""
    assert len(refused("agnt", "", ("jeager", "zipkin"), grpc_endpoint="0.0.0.0:4317")) == 4


@pytest.mark.parametrize(
    ("endpoint", "loopback"),
    [
        ("127.0.0.1:1", True),
        ("127.8.9.1:1", True),
        ("[::1]:1", True),
        ("localhost:1", True),
        ("http://localhost:1/v1", True),
        ("0.0.0.0:1", False),
        ("[::]:1", False),
        ("localhost.example:1", False),
        ("10.0.0.1:1", False),
        ("https://tempo.example", False),
    ],
)
def test_loopback_is_this_machine_alone(endpoint: str, loopback: bool) -> None:
    """Names are not looked up: one that is not ``localhost`` is another machine."""
    assert is_loopback(endpoint) is loopback


def test_what_no_backend_takes_stays_in_files() -> None:
    """Jaeger has one time to live, so the sampled rest is kept apart; Prometheus takes no traces at all."""
    jaeger = plan("agent", "", ("jaeger",), Config())
    scraped = plan("agent", "", ("prometheus",), Config())

    assert [jaeger.backends_of(tier) for tier in Tier] == [(Backend.JAEGER,), (Backend.JAEGER,), (Backend.FILES,)]
    assert [scraped.backends_of(tier) for tier in Tier] == [(Backend.FILES,)] * 3


def test_the_topologies_are_four_collectors() -> None:
    """kafka is two of them."""
    words = (("agent", ""), ("gateway", ""), ("kafka", "agent"), ("kafka", "gateway"))

    assert list(Topology) == [plan(*each, (), Config()).topology for each in words]
