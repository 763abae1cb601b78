"""What is to be rendered, and whether it may be: topology, backends, and the listeners of the configuration."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from otel_verein.config.entries import hint_at
from otel_verein.config.layers import values_of
from otel_verein.config.schema import Config
from otel_verein.errors import ConfigError, Problem


class Topology(str, Enum):
    """Which collector it is: what it takes in, who decides, and where it hands on."""

    AGENT = "agent"
    GATEWAY = "gateway"
    KAFKA_AGENT = "kafka-agent"
    KAFKA_GATEWAY = "kafka-gateway"

    @property
    def decides(self) -> bool:
        """Whether it decides on traces, and not the processes that record them."""
        return self in (Topology.GATEWAY, Topology.KAFKA_GATEWAY)

    @property
    def takes_otlp(self) -> bool:
        """Whether applications, or other collectors, send to it."""
        return self is not Topology.KAFKA_GATEWAY

    @property
    def keeps_tiers(self) -> bool:
        """Whether traces leave it by tier."""
        return self is not Topology.KAFKA_AGENT


class Backend(str, Enum):
    """Where figures and traces go."""

    FILES = "files"
    OTLP = "otlp"
    JAEGER = "jaeger"
    TEMPO = "tempo"
    CLICKHOUSE = "clickhouse"
    KAFKA = "kafka"
    PROMETHEUS = "prometheus"


class Tier(str, Enum):
    """How long a trace is worth keeping."""

    LONG = "long"
    MEDIUM = "medium"
    SHORT = "short"


TRACES_OF: Mapping[Backend, tuple[Tier, ...]] = {
    Backend.FILES: tuple(Tier),
    Backend.OTLP: tuple(Tier),
    Backend.JAEGER: (Tier.LONG, Tier.MEDIUM),
    Backend.TEMPO: tuple(Tier),
    Backend.CLICKHOUSE: tuple(Tier),
    Backend.KAFKA: tuple(Tier),
    Backend.PROMETHEUS: (),
}
"""The tiers that a backend takes. A server of Jaeger has one time to live, so the sampled rest stays out of it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One collector to be rendered."""

    topology: Topology
    backends: tuple[Backend, ...]
    config: Config
    places: Mapping[str, str]

    def backends_of(self, tier: Tier) -> tuple[Backend, ...]:
        """Where the traces of *tier* go: to files if no backend takes them."""
        return tuple(each for each in self.backends if tier in TRACES_OF[each]) or (Backend.FILES,)


def plan(
    topology: str, role: str, backends: Sequence[str], config: Config, places: Mapping[str, str] | None = None
) -> Plan:
    """What the words of a command line ask for; *places* has where each option was given, by its key.

    Raises :class:`ConfigError` with every reason for which it must not be rendered: an unknown topology or backend, a
    listener that is open to the network, an address that is none.
    """
    problems: list[Problem] = []
    chosen = _topology(topology, role, problems)
    named = [found for name in backends or (Backend.FILES.value,) if (found := _backend(name, problems))]
    made = Plan(chosen or Topology.AGENT, tuple(dict.fromkeys(named)), config, places or {})
    problems += _addresses(made)
    if problems:
        raise ConfigError(problems)
    return made


def is_loopback(endpoint: str) -> bool:
    """Whether an address ``host:port`` or a URL is of this machine alone."""
    host = host_and_port(endpoint)[0]
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_and_port(endpoint: str) -> tuple[str, int]:
    """The parts of ``host:port`` or a URL; an empty host and 0 for what is neither."""
    try:
        parts = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}")
        return parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return "", 0


_PORTS = {"http": 80, "https": 443, "tcp": 9000}
_LISTENERS = ("grpc_endpoint", "http_endpoint", "prometheus_endpoint", "telemetry_endpoint", "health_endpoint")
_GUARDED = ("grpc_endpoint", "http_endpoint", "prometheus_endpoint")
_GUARDS = ("token_file", "tls_cert_file", "tls_key_file")
_OF_BACKEND = {
    Backend.OTLP: "otlp_endpoint",
    Backend.JAEGER: "jaeger_endpoint",
    Backend.TEMPO: "tempo_endpoint",
    Backend.CLICKHOUSE: "clickhouse_endpoint",
}


def _topology(name: str, role: str, problems: list[Problem]) -> Topology | None:
    words = {"agent", "gateway", "kafka"}
    if name == "kafka":
        if role not in ("agent", "gateway"):
            said = f"{role!r} is no role" if role else "is missing"
            problems.append(Problem("--role", f"{said}: --topology kafka is two collectors, agent and gateway"))
            return None
        return Topology(f"kafka-{role}")
    if name not in words:
        problems.append(Problem("--topology", f"{name!r} is no topology: one of agent, gateway, kafka"))
        return None
    if role:
        problems.append(Problem("--role", f"{role!r} is for --topology kafka alone"))
    return Topology(name)


def _backend(name: str, problems: list[Problem]) -> Backend | None:
    known = [each.value for each in Backend]
    if name in known:
        return Backend(name)
    problems.append(Problem("--backend", f"{name!r} is no backend: one of {', '.join(known)}{hint_at(name, known)}"))
    return None


def _addresses(plan: Plan) -> Iterator[Problem]:
    collector, taken = plan.config.collector, dict[int, str]()
    for name in _LISTENERS:
        key, endpoint = f"collector.{name}", getattr(collector, name)
        host, port = host_and_port(endpoint)
        if not host or not port or "://" in endpoint:
            yield _problem(plan, key, f"{endpoint!r} is no address such as 127.0.0.1:4317")
            continue
        if port in taken:
            yield _problem(plan, key, f"{endpoint} has the port of {taken[port]}")
        taken.setdefault(port, key)
        if not is_loopback(endpoint):
            yield from _open(plan, key, name, endpoint)
    yield from _halves(plan)
    for backend, name in _OF_BACKEND.items():
        if backend in plan.backends:
            yield from _target(plan, f"backends.{name}", getattr(plan.config.backends, name), taken)
    if Backend.KAFKA in plan.backends or plan.topology in (Topology.KAFKA_AGENT, Topology.KAFKA_GATEWAY):
        for broker in plan.config.backends.kafka_brokers:
            yield from _target(plan, "backends.kafka_brokers", broker, taken)
        if not plan.config.backends.kafka_brokers:
            yield _problem(plan, "backends.kafka_brokers", "is empty: name at least one broker, as host:port")


def _open(plan: Plan, key: str, name: str, endpoint: str) -> Iterator[Problem]:
    port = host_and_port(endpoint)[1]
    if name not in _GUARDED:
        yield _problem(plan, key, f"{endpoint} is open to the network, and has no guard: listen on 127.0.0.1:{port}")
        return
    missing = [f"collector.{each}" for each in _GUARDS if not getattr(plan.config.collector, each)]
    if missing:
        yield _problem(
            plan,
            key,
            f"{endpoint} is open to the network: give {', '.join(missing)}, or listen on 127.0.0.1:{port}",
        )


def _halves(plan: Plan) -> Iterator[Problem]:
    pairs = (("collector.tls_cert_file", "collector.tls_key_file"), ("backends.tls_cert_file", "backends.tls_key_file"))
    values = values_of(plan.config)
    for pair in pairs:
        given = [key for key in pair if values[key]]
        if len(given) == 1:
            other = next(key for key in pair if key not in given)
            yield _problem(plan, given[0], f"needs {other}, too")
    if plan.config.collector.tls_client_ca_file and not plan.config.collector.tls_cert_file:
        yield _problem(plan, "collector.tls_client_ca_file", "needs collector.tls_cert_file, too")


def _target(plan: Plan, key: str, endpoint: str, taken: Mapping[int, str]) -> Iterator[Problem]:
    host, port = host_and_port(endpoint)
    if not host or not port:
        yield _problem(plan, key, f"{endpoint!r} is no address such as tempo.example:4317")
    elif is_loopback(endpoint) and port in taken:
        yield _problem(plan, key, f"{endpoint} is {taken[port]} of this collector: it would send to itself")


def _problem(plan: Plan, key: str, what: str) -> Problem:
    return Problem(plan.places.get(key, "defaults"), f"{key}: {what}")
