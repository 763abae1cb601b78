"""Kafka between agents and gateways, and as a backend: topics, client, TLS and user."""

from __future__ import annotations

from otel_verein.collector.document import Env, From, Node
from otel_verein.collector.plan import Plan, is_loopback

SPANS = "spans"
METRICS = "metrics"


def client(plan: Plan) -> dict[str, Node]:
    """What a receiver and an exporter have in common."""
    backends = plan.config.backends
    found: dict[str, Node] = {"brokers": From(list(backends.kafka_brokers), "backends.kafka_brokers")}
    if not all(map(is_loopback, backends.kafka_brokers)):
        found["tls"] = tls(plan)
    if backends.kafka_user:
        sasl = {
            "mechanism": "SCRAM-SHA-512",
            "username": From(backends.kafka_user, "backends.kafka_user"),
            "password": Env("KAFKA_PASSWORD"),
        }
        found["auth"] = {"sasl": sasl}
    return found


def tls(plan: Plan) -> dict[str, Node]:
    """TLS to a backend on another host; on by itself, with the authorities and certificate that are configured."""
    backends, found = plan.config.backends, dict[str, Node]()
    if backends.tls_ca_file:
        found["ca_file"] = From(backends.tls_ca_file, "backends.tls_ca_file")
    if backends.tls_cert_file:
        found["cert_file"] = From(backends.tls_cert_file, "backends.tls_cert_file")
        found["key_file"] = From(backends.tls_key_file, "backends.tls_key_file")
    return {**found, "min_version": "1.2"}
