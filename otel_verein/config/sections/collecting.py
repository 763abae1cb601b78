"""What the collector's configuration is rendered from: where it listens, what bounds it, where it exports to."""

from __future__ import annotations

from dataclasses import dataclass

from otel_verein.config.options import option


@dataclass(frozen=True, slots=True)
class Collector:
    """Where a collector listens, and what bounds it."""

    grpc_endpoint: str = option(
        "127.0.0.1:4317", at_start=True, help="Where it takes OTLP over gRPC; off loopback it needs token and TLS."
    )
    http_endpoint: str = option(
        "127.0.0.1:4318", at_start=True, help="Where it takes OTLP over HTTP; off loopback it needs token and TLS."
    )
    token_file: str = option(
        "", at_start=True, help="File with the bearer token that clients of the OTLP endpoints have to send."
    )
    tls_cert_file: str = option("", at_start=True, help="Certificate of the OTLP endpoints, as PEM.")
    tls_key_file: str = option("", at_start=True, help="Key of that certificate, as PEM.")
    tls_client_ca_file: str = option(
        "", at_start=True, help="Authorities whose client certificates are taken; given, each client needs one."
    )
    prometheus_endpoint: str = option(
        "127.0.0.1:9464",
        at_start=True,
        help="Where Prometheus scrapes the figures of operations; off loopback it needs token and TLS.",
    )
    telemetry_endpoint: str = option(
        "127.0.0.1:8888", at_start=True, help="Where Prometheus scrapes the collector's own figures; loopback only."
    )
    health_endpoint: str = option(
        "127.0.0.1:13133", at_start=True, help="Where it answers whether it runs; loopback only."
    )
    directory: str = option(
        ".verein/collector", at_start=True, help="Where it keeps tiers as files, and the queues of its exporters."
    )
    memory_mib: int = option(
        512,
        unit="MiBy",
        at_least=64,
        at_start=True,
        help="Memory it may take; as it comes near, it refuses what arrives, counted, and senders try again.",
    )
    queue_mib: int = option(
        1024,
        unit="MiBy",
        at_least=16,
        at_start=True,
        help="What may wait on disk for one backend and tier while the backend is down; beyond, it is refused.",
    )
    file_mib: int = option(
        64, unit="MiBy", at_least=1, at_start=True, help="Size at which a file of a tier is closed and the next begun."
    )
    decision_wait_s: int = option(
        30,
        unit="s",
        at_least=2,
        at_start=True,
        help="Longest time from the first span of a trace to the decision on it, where the collector decides.",
    )
    decision_wait_after_root_s: int = option(
        6,
        unit="s",
        at_least=1,
        at_start=True,
        help="Time from the arrival of the root span to the decision, a second more at most; what comes later follows.",
    )
    traces: int = option(
        50_000,
        unit="{trace}",
        at_least=100,
        at_start=True,
        help="Traces that may wait for a decision; beyond, what arrives waits, too, and nothing is given up undecided.",
    )
    remembered_traces: int = option(
        500_000, unit="{trace}", at_least=100, at_start=True, help="Traces whose decision it remembers for late spans."
    )
    record_policy: bool = option(
        True,
        at_start=True,
        help="Read the tier of a trace from the policy that kept it: one buffer, and a feature gate of the collector, "
        "`processor.tailsamplingprocessor.recordpolicy`. Without, a buffer for each tier, and twice the memory.",
    )
    series: int = option(
        10_000,
        unit="{series}",
        at_least=10,
        at_start=True,
        help="Series that it makes from spans, per metric and service; beyond, they are one series of overflow.",
    )
    series_idle_s: int = option(
        300, unit="s", at_least=120, at_start=True, help="Time without news after which a series is forgotten."
    )


@dataclass(frozen=True, slots=True)
class Backends:
    """Where a collector exports to; plaintext only on loopback, TLS to every other host."""

    otlp_endpoint: str = option(
        "127.0.0.1:14317",
        at_start=True,
        help="The backend `otlp`: `host:port` for OTLP over gRPC, a URL for OTLP over HTTP.",
    )
    jaeger_endpoint: str = option(
        "127.0.0.1:14317", at_start=True, help="The backend `jaeger`, as `backends.otlp_endpoint`."
    )
    tempo_endpoint: str = option(
        "127.0.0.1:14317", at_start=True, help="The backend `tempo`, as `backends.otlp_endpoint`."
    )
    token_file: str = option(
        "", at_start=True, help="File with the bearer token for the backends `otlp`, `jaeger` and `tempo`."
    )
    tls_ca_file: str = option(
        "", at_start=True, help="Authorities for the certificates of backends; else the system's."
    )
    tls_cert_file: str = option("", at_start=True, help="Client certificate for backends that ask for one, as PEM.")
    tls_key_file: str = option("", at_start=True, help="Key of that certificate, as PEM.")
    clickhouse_endpoint: str = option(
        "tcp://127.0.0.1:9000",
        at_start=True,
        help="The backend `clickhouse`; user and password come from CLICKHOUSE_USERNAME and CLICKHOUSE_PASSWORD.",
    )
    clickhouse_database: str = option("otel", at_start=True, help="Its database, which is created if it is not there.")
    kafka_brokers: tuple[str, ...] = option(
        ("127.0.0.1:9092",), at_start=True, help="The brokers of Kafka, as `host:port`."
    )
    kafka_topic: str = option(
        "verein",
        at_start=True,
        help="What topics begin with: `-spans` between agents and gateways; `-long`, `-medium`, `-short` and "
        "`-metrics` of the backend `kafka`.",
    )
    kafka_user: str = option(
        "", at_start=True, help="User for SASL (SCRAM-SHA-512); the password comes from KAFKA_PASSWORD."
    )
    kafka_group: str = option("verein-gateways", at_start=True, help="The consumer group of the gateways.")
    kafka_session_s: int = option(
        45,
        unit="s",
        at_least=6,
        at_start=True,
        help="Time after which the partitions of a gateway that is gone go to the others; one that is back before it "
        "goes on where it was.",
    )
    kafka_commit_s: int = option(
        300,
        unit="s",
        at_least=1,
        at_start=True,
        help="Time between two commits of what a gateway has read; the longer, the less a crash can lose, and the more "
        "it repeats.",
    )


@dataclass(frozen=True, slots=True)
class Tiers:
    """How long each tier of traces is kept, in every backend."""

    long_d: int = option(90, unit="d", at_least=1, help="Days for traces with an error, and critical ones.")
    medium_d: int = option(30, unit="d", at_least=1, help="Days for traces past a budget or with an N+1.")
    short_d: int = option(7, unit="d", at_least=1, help="Days for the sampled rest.")
