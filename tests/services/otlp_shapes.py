"""What an operation of each kind looks like: the spans that our SDK exports of it, and a service without our SDK.

A fault of a trace lies in its last process, so that only who sees the whole trace knows about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.services.otlp_wire import Block, Draft, block

SERVER, CLIENT = Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT
MS = 1_000_000
PLAIN = "plain"
TIERS = {"error": "long", "critical": "long", "warning": "medium", "n_plus_one": "medium", PLAIN: "short"}
"""The tier of each kind of operation, as ``processors/export_form.py`` gives it."""
REASONS = {"error": "error", "critical": "breach", "warning": "breach", "n_plus_one": "n_plus_one", PLAIN: "sampled"}
BREACHES = {"error": ["error"], "critical": ["duration"], "warning": ["queries"], "n_plus_one": ["n_plus_one"]}
REPEATS = {"n_plus_one": 40, "warning": 80}
"""Queries of one statement that our SDK makes one summary span of, but for the slowest."""
FOREIGN_REPEATS = {"n_plus_one": 12, "warning": 30}
DURATION_MS = {"error": 60, "critical": 3000, "warning": 400, "n_plus_one": 250, PLAIN: 40}
TABLES = ("book", "author", "publisher", "customer")

_CODE = {"code.file.path": "/srv/shop/views.py", "code.line.number": 88, "code.function.name": "book"}


@dataclass(frozen=True, slots=True)
class Style:
    """How the spans of a shape are made: by whose SDK, and with which weights."""

    services: int = 1
    ours: bool = True
    collector_decides: bool = False
    threshold: str = "0"
    """``th`` of what was kept by the coin."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one process has of a trace: one operation."""

    service: int
    kind: str
    blocks: tuple[Block, ...]
    numbers: tuple[int, ...]
    """The spans, by their number in the trace, in the order they are sent."""
    queries: int
    duration_ms: int

    @property
    def tier(self) -> str:
        """The tier that the process gives it."""
        return TIERS[self.kind]


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of trace, by process."""

    kind: str
    parts: tuple[Part, ...]
    spans: int

    @property
    def queries(self) -> int:
        """The queries of all processes."""
        return sum(part.queries for part in self.parts)


def shape(kind: str, style: Style) -> Shape:
    """The spans of one trace of *kind*."""
    drafts: list[Draft] = []
    ran = [_process(drafts, service, kind, style) for service in range(style.services)]
    parts = tuple(_part(drafts, service, kind, style, queries) for service, queries in enumerate(ran))
    return Shape(kind, parts, len(drafts))


def operation(service: int, kind: str) -> str:
    """The name of the operation of *kind* in a service."""
    return f"GET {_route(service, kind)}"


def _route(service: int, kind: str) -> str:
    return f"/service-{service}/{kind}/{{id}}"


def _kind_in(service: int, kind: str, style: Style) -> str:
    return kind if service == style.services - 1 else PLAIN


def _process(drafts: list[Draft], service: int, of_trace: str, style: Style) -> int:
    """Add the spans of one process to *drafts*; returns how many queries it ran."""
    kind, number = _kind_in(service, of_trace, style), len(drafts)
    begin, end = service * MS, (DURATION_MS[of_trace] - service) * MS
    parent = next((n for n, span in enumerate(drafts) if span.service == service - 1 and span.name == "GET"), None)
    name, scope = operation(service, kind), "opentelemetry.instrumentation.django"
    root = Draft(service, scope, name, SERVER, parent, begin, end, _http(service, kind))
    drafts.append(root)
    if service + 1 < style.services:
        call = {"http.request.method": "GET", "server.address": f"service-{service + 1}", "server.port": 8000}
        scope = "opentelemetry.instrumentation.requests"
        drafts.append(Draft(service, scope, "GET", CLIENT, number, begin + MS // 2, end - MS // 2, call))
    if kind == "error":
        root.failed = True
        stack = "Traceback (most recent call last):\n" + '  File "/srv/shop/views.py", line 88, in book\n' * 8
        said = {"exception.type": "ValueError", "exception.message": "no such book", "exception.stacktrace": stack}
        root.events.append(("exception", said))
    if not style.ours:
        return _foreign_queries(drafts, number, kind)
    queries = _our_queries(drafts, number, kind)
    root.attributes |= _tags(kind, queries, style)
    for draft in drafts[number:]:
        draft.attributes["verein.tier"] = TIERS[kind]
    return queries


def _http(service: int, kind: str) -> dict[str, Any]:
    return {
        "http.request.method": "GET",
        "http.route": _route(service, kind),
        "http.response.status_code": 500 if kind == "error" else 200,
        "url.scheme": "https",
        "url.path": _route(service, kind).format(id=4711),
        "network.protocol.version": "1.1",
        "client.address": "192.0.2.7",
        "user_agent.original": "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
    }


def _our_queries(drafts: list[Draft], number: int, kind: str) -> int:
    """Add query spans as ``processors/compression.py`` makes them, and the finding to the root."""
    root, repeats = drafts[number], REPEATS.get(kind, 0)

    def add(table: str, begin: int, end: int, **more: Any) -> None:
        attributes = _query(table) | more
        drafts.append(Draft(root.service, "otel_verein", f"SELECT {table}", CLIENT, number, begin, end, attributes))

    for at, table in enumerate(TABLES, 1):
        add(table, root.begin_ns + at * MS, root.begin_ns + (at + 1) * MS)
    if repeats:
        begin = root.begin_ns + 8 * MS
        add("review", begin, begin + 3 * MS, **_CODE)
        add("review", begin, root.end_ns - 2 * MS, **_CODE, **_summary(repeats - 1))
    if kind == "n_plus_one":
        root.events.append(("verein.finding", _finding(repeats)))
    return len(TABLES) + repeats


def _query(table: str) -> dict[str, Any]:
    columns = ", ".join(f'"{table}"."{column}"' for column in ("id", "title", "price"))
    return {
        "db.system.name": "postgresql",
        "db.namespace": "shop",
        "db.query.text": f'SELECT {columns} FROM "{table}" WHERE "{table}"."id" = %s',
        "db.query.summary": f"SELECT {table}",
        "verein.db.fingerprint": _fingerprint(table),
        "db.operation.name": "SELECT",
        "db.collection.name": table,
        "server.address": "db.internal",
        "server.port": 5432,
    }


def _fingerprint(table: str) -> str:
    return (table.encode().hex() * 8)[:16]


def _summary(count: int) -> dict[str, Any]:
    return {
        "aggregation.is_summary": True,
        "aggregation.span_count": count,
        "aggregation.duration_min_ns": MS,
        "aggregation.duration_max_ns": 3 * MS,
        "aggregation.duration_avg_ns": 2 * MS,
        "aggregation.duration_total_ns": 2 * MS * count,
        "aggregation.duration_median_ns": 2 * MS,
        "aggregation.histogram_bucket_bounds_s": [0.0001, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0],
        "aggregation.histogram_bucket_counts": [0, 0, *[count] * 9],
    }


def _finding(repeats: int) -> dict[str, Any]:
    return {
        "verein.finding.kind": "n_plus_one",
        "verein.finding.fingerprint": _fingerprint("review"),
        "verein.finding.repeats": repeats,
        "verein.finding.queries": repeats,
        "verein.finding.statements": 1,
        "verein.finding.total_ms": 2.0 * repeats,
        "verein.finding.parameters": repeats,
        "verein.finding.write": False,
        "verein.finding.concurrent": False,
        "verein.finding.stack": ["/srv/shop/views.py:88 in book"],
        **{key: value for key, value in _query("review").items() if key.startswith("db.")},
        **_CODE,
    }


def _tags(kind: str, queries: int, style: Style) -> dict[str, Any]:
    repeats, finding = REPEATS.get(kind, 0), kind == "n_plus_one"
    found = {
        "verein.severity": {"long": "critical", "medium": "warning", "short": "ok"}[TIERS[kind]],
        "verein.db.query_count": queries,
        "verein.db.error_count": 0,
        "verein.db.duration_ms": db_duration_ms(kind),
        "verein.n_plus_one.count": int(finding),
        "verein.n_plus_one.max_repeats": repeats if finding else 0,
        "verein.db.distinct_count": len(TABLES) + bool(repeats),
        "verein.spans.merged": max(0, repeats - 1),
        "verein.spans.dropped": 0,
        "verein.keep_reason": "collector" if style.collector_decides else REASONS[kind],
    }
    if style.collector_decides:
        found["verein.sampling.would"] = REASONS[kind]
    return found | ({"verein.breach": BREACHES[kind]} if kind in BREACHES else {})


def db_duration_ms(kind: str) -> float:
    """The time that an operation of *kind* spends in the database, with our SDK."""
    return 1.0 * len(TABLES) + 2.0 * REPEATS.get(kind, 0)


def _foreign_queries(drafts: list[Draft], number: int, kind: str) -> int:
    """Add query spans with the older names, and with literals in their statements; each query has its own."""
    root = drafts[number]
    tables = [*TABLES, *["review"] * FOREIGN_REPEATS.get(kind, 0)]
    for nth, table in enumerate(tables):
        begin = root.begin_ns + MS + nth * MS // 4
        attributes = {
            "db.system": "postgresql",
            "db.name": "shop",
            "db.user": "shop",
            "db.statement": f"SELECT id, title FROM {table} WHERE owner = 'ann@example.org' AND id = {4000 + nth}",
            "net.peer.name": "db.internal",
            "net.peer.port": 5432,
        }
        scope, end = "opentelemetry.instrumentation.psycopg2", begin + MS // 5
        drafts.append(Draft(root.service, scope, "SELECT", CLIENT, number, begin, end, attributes))
    return len(tables)


def _part(drafts: Sequence[Draft], service: int, of_trace: str, style: Style, queries: int) -> Part:
    kind = _kind_in(service, of_trace, style)
    by_scope: dict[str, list[int]] = {}
    for number, draft in enumerate(drafts):
        if draft.service == service:
            by_scope.setdefault(draft.scope, []).append(number)
    by_coin = not style.ours or (kind == PLAIN and not style.collector_decides)
    state = f"ot=th:{style.threshold if by_coin else '0'}"
    blocks = tuple(block(drafts, numbers, state) for numbers in by_scope.values())
    ordered = tuple(number for numbers in by_scope.values() for number in numbers)
    return Part(service, kind, blocks, ordered, queries, DURATION_MS[of_trace] - 2 * service)
