"""What comes in: OTLP from applications and other collectors, or spans from Kafka; who may send."""

from __future__ import annotations

from otel_verein.collector.document import Env, From, Node, Noted
from otel_verein.collector.kafka import SPANS, client
from otel_verein.collector.plan import Plan

CLIENTS = "bearertokenauth/clients"
BACKENDS = "bearertokenauth/backends"
HEALTH = "health_check"

_MOST_RECEIVED_MIB = 16


def receivers(plan: Plan) -> dict[str, Node]:
    """The one receiver that *plan* has."""
    return {"otlp": _otlp(plan)} if plan.topology.takes_otlp else {"kafka": _kafka(plan)}


def extensions(plan: Plan) -> dict[str, Node]:
    """Health, and the tokens of those who send and of where it sends to."""
    found: dict[str, Node] = {
        HEALTH: Noted(
            {"endpoint": From(plan.config.collector.health_endpoint, "collector.health_endpoint")},
            "Answers 200 while the collector runs.",
        )
    }
    if plan.topology.takes_otlp and plan.config.collector.token_file:
        found[CLIENTS] = Noted(
            {"filename": From(plan.config.collector.token_file, "collector.token_file")},
            "Who sends has to show this token; the file is read again when it changes.",
        )
    if plan.config.backends.token_file:
        found[BACKENDS] = Noted(
            {"filename": From(plan.config.backends.token_file, "backends.token_file")},
            "The token that backends are shown.",
        )
    return found


def guarded(plan: Plan) -> dict[str, Node]:
    """TLS and token of a listener, as far as they are configured."""
    collector, found = plan.config.collector, dict[str, Node]()
    if collector.tls_cert_file:
        tls: dict[str, Node] = {
            "cert_file": From(collector.tls_cert_file, "collector.tls_cert_file"),
            "key_file": From(collector.tls_key_file, "collector.tls_key_file"),
            "min_version": "1.2",
            "reload_interval": "1h",
        }
        if collector.tls_client_ca_file:
            tls["client_ca_file"] = From(collector.tls_client_ca_file, "collector.tls_client_ca_file")
        found["tls"] = tls
    if collector.token_file:
        found["auth"] = {"authenticator": CLIENTS}
    return found


def _otlp(plan: Plan) -> Node:
    collector = plan.config.collector
    return {
        "protocols": {
            "grpc": {
                "endpoint": From(collector.grpc_endpoint, "collector.grpc_endpoint"),
                "max_recv_msg_size_mib": _MOST_RECEIVED_MIB,
                **guarded(plan),
            },
            "http": {"endpoint": From(collector.http_endpoint, "collector.http_endpoint"), **guarded(plan)},
        }
    }


def _kafka(plan: Plan) -> Node:
    backends = plan.config.backends
    return {
        **client(plan),
        "traces": {"topics": [f"{backends.kafka_topic}-{SPANS}"], "encoding": "otlp_proto"},
        "group_id": From(backends.kafka_group, "backends.kafka_group"),
        "group_instance_id": Noted(
            Env("COLLECTOR_INSTANCE", "gateway-1"),
            "Another one for each gateway. With it, a gateway that comes back within the session time has its "
            "partitions at once, and nobody else decides on half of its traces meanwhile.",
        ),
        "session_timeout": From(f"{backends.kafka_session_s}s", "backends.kafka_session_s"),
        "initial_offset": "earliest",
        "autocommit": Noted(
            {"enable": True, "interval": From(f"{backends.kafka_commit_s}s", "backends.kafka_commit_s")},
            "What waits for a decision is in memory, and counts as read. After a crash the gateway reads again what it "
            "read since the last commit, so the time between two is much longer than the wait for a decision: "
            "repeats, which the store removes by trace and span id, instead of losses.",
        ),
        "message_marking": {"after": True, "on_error": False},
        "error_backoff": Noted(
            {"enabled": True, "initial_interval": "200ms", "max_interval": "5s", "max_elapsed_time": "0s"},
            "What is refused, for want of memory, is tried again and again; without, it would be skipped.",
        ),
    }
