"""What protects the collector from too much, and people from being in the telemetry."""

from __future__ import annotations

from otel_verein import semconv
from otel_verein.collector.document import Node, Noted
from otel_verein.collector.plan import Plan

MEMORY = "memory_limiter"
REDACTION = "redaction"
STATUS = "transform/status"
SQL = "redaction/sql"

# Of collector.memory_mib: in a flood the process takes about twice the heap at which it refuses, since requests are
# read and decoded before they are refused, and garbage waits to be collected (`make bench-collector`).
_HARD_SHARE = 0.55
_SPIKE_SHARE = 0.15


def memory_limiter(plan: Plan) -> Node:
    """Refuses what arrives before memory runs out; a sender tries again."""
    hard = int(plan.config.collector.memory_mib * _HARD_SHARE)
    return Noted(
        {
            "check_interval": "200ms",
            "limit_mib": hard,
            "spike_limit_mib": int(plan.config.collector.memory_mib * _SPIKE_SHARE),
        },
        f"Part of collector.memory_mib ({plan.config.collector.memory_mib}): this is the heap, and in a flood the "
        "process takes more than that. What is refused is counted, and the sender is told to come again.",
    )


def heap_goal_mib(plan: Plan) -> int:
    """What GOMEMLIMIT should be: the collector then tidies up harder before it refuses anything."""
    return int(plan.config.collector.memory_mib * (_HARD_SHARE - _SPIKE_SHARE / 2))


_NO_SECRETS = (
    *(each.name for each in semconv.TABLE if each.where.endswith(" span") and each.name not in semconv.ENTITY),
    *semconv.AGGREGATION,
    "client.address",
    semconv.CODE_FILE_PATH,
    semconv.CODE_FUNCTION_NAME,
    semconv.CODE_LINE_NUMBER,
    semconv.DB_COLLECTION_NAME,
    semconv.DB_NAMESPACE,
    semconv.DB_OPERATION_NAME,
    semconv.DB_QUERY_SUMMARY,
    semconv.DB_SYSTEM_NAME,
    "db.name",
    "db.system",
    semconv.ENVIRONMENT,
    "http.method",
    "http.request.method",
    "http.response.status_code",
    "http.route",
    "http.scheme",
    "http.status_code",
    "net.peer.name",
    "net.peer.port",
    "network.protocol.version",
    "process.pid",
    semconv.SERVER_ADDRESS,
    semconv.SERVER_PORT,
    "service.instance.id",
    "service.name",
    "service.namespace",
    "service.version",
    "telemetry.distro.name",
    "telemetry.distro.version",
    "telemetry.sdk.language",
    "telemetry.sdk.name",
    "telemetry.sdk.version",
    "url.scheme",
)
"""Attributes whose values are numbers, or names of a few: to look through them for secrets costs most of all."""


_PERSONS_AND_KEYS = (
    r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+\.[A-Za-z]{2,}",
    r"Bearer +[A-Za-z0-9._~+/=-]{8,}",
    r"bearer +[A-Za-z0-9._~+/=-]{8,}",
    r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
    r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b",
    r"\b(?:4[0-9]{3}|5[1-5][0-9]{2})(?:[ -]?[0-9]{4}){3}\b",
)
"""What e-mail addresses, bearer and web tokens, account and card numbers look like. A pattern that begins with fixed
letters costs a hundredth of one that does not: so two for bearer."""


def redaction() -> Node:
    """The second line of defence: credentials and persons that got past the first."""
    return Noted(
        {
            "allow_all_keys": True,
            "ignored_keys": Noted(
                sorted(_NO_SECRETS),
                "Numbers, and names of a few: looking through them would double the cost of a span.",
            ),
            "blocked_key_patterns": [
                "(?i)(password|passwd|secret|authorization|cookie|api[_.-]?key|access[_.-]?token)"
            ],
            "blocked_values": list(_PERSONS_AND_KEYS),
            "summary": "silent",
        },
        "The second line of defence: credentials by the name of the attribute; e-mail addresses, bearer and web "
        "tokens, account and card numbers by what they look like. The first line is what applications do not send.",
    )


def status_redaction() -> Node:
    """The same for the status of a span, into which SDKs write the message of an exception; no attribute, so apart."""
    patterns = [each.replace("\\", "\\\\") for each in _PERSONS_AND_KEYS]
    statements = [
        f'replace_pattern(span.status.message, "{each}", "****") where span.status.code == STATUS_CODE_ERROR'
        for each in patterns
    ]
    return {"error_mode": "propagate", "trace_statements": [{"context": "span", "statements": statements}]}


def sql_sanitizer() -> Node:
    """Takes literals out of SQL that others have written."""
    attributes = ["db.statement", "db.query.text"]
    return Noted(
        {
            "allow_all_keys": True,
            "db_sanitizer": {"sql": {"enabled": True, "attributes": attributes}},
            "summary": "silent",
        },
        "otel-verein sends SQL without literals; other instrumentation often does not.",
    )
