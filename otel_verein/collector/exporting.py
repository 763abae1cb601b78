"""What goes out: one exporter, with a queue of its own on disk, for each backend and tier.

A backend that is down, or a flood of one tier, holds up nothing else. Files are written at once, without a queue: a
sender is answered when its spans are with the operating system.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from otel_verein.collector.document import Env, From, Node, Noted
from otel_verein.collector.kafka import METRICS, SPANS, client, tls
from otel_verein.collector.plan import Backend, Plan, Tier, is_loopback
from otel_verein.collector.receiving import BACKENDS

STORAGE = "file_storage/queues"

_DAY_H = 24
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Requests:
    """How large requests to a backend are, in bytes, and why."""

    least: int
    most: int
    why: str


_OTLP_REQUESTS = _Requests(1_000_000, 3_500_000, "A receiver of OTLP over gRPC takes 4 MiB unless told otherwise.")
_KAFKA_REQUESTS = _Requests(
    400_000, 900_000, "A broker takes 1 MiB unless told otherwise, and what is larger is lost: raise both together."
)
_CLICKHOUSE_REQUESTS = _Requests(4_000_000, 16_000_000, "Few large inserts: each makes a part that has to be merged.")
_KAFKA_RECORDS = 1_000_000


def directory(plan: Plan, *parts: str) -> str:
    """A place in the collector's directory."""
    return str(PurePosixPath(plan.config.collector.directory, *parts))


def storage(plan: Plan) -> Node:
    """Where queues survive the process."""
    return Noted(
        {
            "directory": From(directory(plan, "queues"), "collector.directory"),
            "create_directory": True,
            "directory_permissions": "0700",
            "compaction": {
                "directory": From(directory(plan, "queues"), "collector.directory"),
                "on_start": True,
                "on_rebound": True,
                "cleanup_on_start": True,
            },
        },
        "Queues of the exporters: what a backend has not taken yet survives the end of this process.",
    )


def traces(plan: Plan, backend: Backend, tier: Tier) -> tuple[str, Node]:
    """The name and settings of the exporter of *tier* to *backend*."""
    if backend is Backend.FILES:
        return f"file/{tier.value}", _file(plan, "spans", tier.value, days(plan, tier))
    if backend is Backend.CLICKHOUSE:
        return f"clickhouse/{tier.value}", _clickhouse_traces(plan, tier)
    if backend is Backend.KAFKA:
        return f"kafka/{tier.value}", _kafka(plan, {"traces": _topic(plan, tier.value)})
    return _otlp(plan, backend, tier.value)


def metrics(plan: Plan, backend: Backend) -> tuple[str, Node] | None:
    """The exporter of figures to *backend*; None for one that takes none, or has them scraped."""
    if backend is Backend.FILES:
        hourly = From(plan.config.retention.hourly_d, "retention.hourly_d")
        return "file/metrics", _file(plan, "metrics", "metrics", hourly)
    if backend is Backend.CLICKHOUSE:
        return "clickhouse/metrics", _clickhouse_metrics(plan)
    if backend is Backend.KAFKA:
        return "kafka/metrics", _kafka(plan, {"metrics": _topic(plan, METRICS)})
    return _otlp(plan, backend, "metrics") if backend is Backend.OTLP else None


def to_gateways(plan: Plan) -> tuple[str, Node]:
    """The exporter of agents to Kafka: the spans of a trace in one partition, so that one gateway gets them all."""
    exporter = _kafka(plan, {"traces": _topic(plan, SPANS), "partition_traces_by_id": True})
    return f"kafka/{SPANS}", Noted(exporter, "The spans of a trace go to one partition, so one gateway sees them all.")


def days(plan: Plan, tier: Tier) -> From:
    """How long *tier* is kept."""
    return From(getattr(plan.config.tiers, f"{tier.value}_d"), f"tiers.{tier.value}_d")


def _file(plan: Plan, folder: str, name: str, kept: From) -> Node:
    return {
        "path": From(directory(plan, "otlp", folder, f"{name}.jsonl"), "collector.directory"),
        "create_directory": True,
        "directory_permissions": "0700",
        "rotation": {
            "max_megabytes": From(plan.config.collector.file_mib, "collector.file_mib"),
            "max_days": kept,
            "max_backups": Noted(0, "As many as there are; days decide."),
        },
    }


def _otlp(plan: Plan, backend: Backend, signal: str) -> tuple[str, Node]:
    option = f"backends.{backend.value}_endpoint"
    endpoint: str = getattr(plan.config.backends, f"{backend.value}_endpoint")
    kind = "otlp_http" if "://" in endpoint else "otlp_grpc"
    settings: dict[str, Node] = {"endpoint": From(endpoint, option)}
    if is_loopback(endpoint):
        settings["tls"] = Noted({"insecure": True}, "Loopback only; to any other host it is TLS.")
    else:
        settings["tls"] = tls(plan)
    if plan.config.backends.token_file:
        settings["auth"] = {"authenticator": BACKENDS}
    if backend is Backend.TEMPO:
        settings["headers"] = Noted(
            {"x-scope-orgid": f"verein-{signal}"}, "A tenant for each tier: its retention is set in Tempo's overrides."
        )
    return f"{kind}/{backend.value}-{signal}", {**settings, "compression": "gzip", **_delivery(plan, _OTLP_REQUESTS)}


def _kafka(plan: Plan, topic: Mapping[str, Node]) -> Node:
    return {
        **client(plan),
        **topic,
        "producer": {"required_acks": "all", "compression": "zstd", "max_message_bytes": _KAFKA_RECORDS},
        **_delivery(plan, _KAFKA_REQUESTS),
    }


def _topic(plan: Plan, name: str) -> Node:
    return {
        "topic": From(f"{plan.config.backends.kafka_topic}-{name}", "backends.kafka_topic"),
        "encoding": "otlp_proto",
    }


def _clickhouse(plan: Plan, ttl: From) -> dict[str, Node]:
    backends = plan.config.backends
    secured = {} if is_loopback(backends.clickhouse_endpoint) else {"tls": tls(plan)}
    return {
        "endpoint": From(backends.clickhouse_endpoint, "backends.clickhouse_endpoint"),
        **secured,
        "database": From(backends.clickhouse_database, "backends.clickhouse_database"),
        "username": Env("CLICKHOUSE_USERNAME", "default"),
        "password": Env("CLICKHOUSE_PASSWORD"),
        "create_schema": True,
        "ttl": Noted(ttl, "Of tables it creates; for one that is there: ALTER TABLE ... MODIFY TTL."),
    }


def _clickhouse_traces(plan: Plan, tier: Tier) -> Node:
    kept = days(plan, tier)
    ttl = From(f"{kept.value * _DAY_H}h", kept.option, _DAY_H)
    return {
        **_clickhouse(plan, ttl),
        "traces_table_name": f"otel_traces_{tier.value}",
        **_delivery(plan, _CLICKHOUSE_REQUESTS),
    }


def _clickhouse_metrics(plan: Plan) -> Node:
    ttl = From(f"{plan.config.retention.hourly_d * _DAY_H}h", "retention.hourly_d", _DAY_H)
    return {**_clickhouse(plan, ttl), **_delivery(plan, _CLICKHOUSE_REQUESTS)}


def _delivery(plan: Plan, requests: _Requests) -> dict[str, Node]:
    """A queue on disk and tries without end: what a backend does not take waits, and what does not fit is refused."""
    size = From(plan.config.collector.queue_mib * _MIB, "collector.queue_mib", _MIB)
    return {
        "sending_queue": {
            "storage": STORAGE,
            "sizer": "bytes",
            "queue_size": size,
            "num_consumers": 4,
            "batch": Noted(
                {
                    "sizer": "bytes",
                    "flush_timeout": "200ms",
                    "min_size": requests.least,
                    "max_size": requests.most,
                },
                requests.why,
            ),
        },
        "retry_on_failure": {"initial_interval": "1s", "max_interval": "30s", "max_elapsed_time": "0s"},
    }
