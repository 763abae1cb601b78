"""What the operations of a shop look like as spans: routes and jobs, their statements, their faults.

The texts come from the encoders of our SDK, with places for what differs from one operation to the next, so that a
span costs a format and no more.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final

from otel_verein import semconv
from otel_verein.exporters.otlp_json import attributes_field
from otel_verein.ledger.spread import BOUNDS_S

MS: Final = 1_000_000
DRAWS: Final = 512
SERVICES: Final = ("shop", "payments", "worker")
_TABLES: Final = ("book", "author", "publisher", "customer", "basket", "basket_line", "voucher", "invoice",
                  "review", "warehouse", "stock_record", "shipment", "category", "price", "session",
                  "payment_attempt")  # fmt: skip
_COLUMNS: Final = ("id", "title", "slug", "created_at", "updated_at", "owner_id", "price", "currency", "status",
                   "description", "is_public", "priority", "rating", "parent_id", "code", "weight")  # fmt: skip
_ROUTES: Final = ("/", "/books/", "/books/{slug}", "/authors/{id}", "/basket/", "/basket/add", "/checkout/pay",
                  "/account/orders/{number}", "/search", "/reviews/{id}/vote")  # fmt: skip
_JOBS: Final = ("send_invoice", "sync_stock", "charge", "refund", "expire_sessions", "rebuild_index", "mail_digest",
                "export_orders", "recount_ratings", "ship")  # fmt: skip
_STACK: Final = "Traceback (most recent call last):\n" + "".join(
    f'  File "/srv/shop/{name}.py", line {line}, in {name}\n    return self.{name}(*arguments, **options)\n'
    for name, line in (("handler", 197), ("views", 88), ("baskets", 412), ("prices", 33), ("gateways", 251))
)
_TEXT, _WHOLE, _REAL = "@text@", 4242424242420, 4141414141.5


@dataclass(frozen=True, eq=False)
class Statement:
    """One sanitised statement, and how long it takes."""

    summary: str
    fingerprint: str
    attributes: dict[str, Any]
    draws_ns: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Site:
    """Where a shape has its N+1: a statement, ran in a loop in a share of its operations."""

    statement: Statement
    kind: str
    share: float
    file: str
    line: int
    function: str


@dataclass(frozen=True, eq=False)
class Shape:
    """A kind of operation: its name, how often it comes, and the statements that it runs, in one of several ways."""

    number: int
    service: str
    operation: str
    kind: str
    weight: float
    own_ns: tuple[int, ...]
    ways: tuple[tuple[Statement, ...], ...]
    errors: float
    entity: str
    site: Site | None

    @cached_property
    def http(self) -> bool:
        """Whether it is a request; a job of a queue otherwise."""
        return self.kind == "server"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided about an operation, as its root says it."""

    failed: bool
    breaches: tuple[str, ...]
    severity: str
    reason: str
    tier: str
    threshold: str
    finding: bool


@cache
def shapes(services: int, operations: int) -> tuple[Shape, ...]:
    """*operations* shapes for each of as many services, up to three; the same on every call."""
    rng = random.Random(8)
    made: list[Shape] = []
    for service in SERVICES[:services]:
        statements = tuple(_statement(rng, service, number) for number in range(48))
        for number in range(operations):
            made.append(_shape(rng, len(made), service, number, statements))
    return tuple(made)


def _shape(rng: random.Random, at: int, service: str, number: int, statements: tuple[Statement, ...]) -> Shape:
    job = service == "worker"
    round_, place = divmod(number, 10)
    version = f"/v{round_}" if round_ else ""
    name = f"{_JOBS[place]}{'_' + str(round_) if round_ else ''}" if job else f"GET {version}{_ROUTES[place]}"
    most = 0 if number == 0 else rng.choice((3, 5, 8, 12, 20, 30))
    ways = [tuple(rng.choices(statements, k=rng.randint((most + 1) // 2, most))) for _ in range(6)]
    site = None
    if number % 5 == 2:
        where = f"/srv/{service}/{'jobs' if job else 'views'}.py"
        kind = "duplicate" if number % 10 == 7 else "n_plus_one"
        site = Site(rng.choice(statements), kind, 0.27, where, rng.randint(20, 900), f"{service}_{place}")
    own_ns = _lognormal(rng, rng.choice((4, 12, 30, 80, 200)) * (5 if job else 1), 0.7)
    entity = ("", "order", "member")[number % 3]
    errors = rng.choice((0.002, 0.005, 0.01, 0.03))
    weight = 1.0 / (1 + number) ** 0.6
    return Shape(at, service, name, "consumer" if job else "server", weight, own_ns, tuple(ways), errors, entity, site)


def _statement(rng: random.Random, service: str, number: int) -> Statement:
    table, other = rng.sample(_TABLES, 2)
    columns = ", ".join(f'"{table}"."{column}"' for column in rng.sample(_COLUMNS, rng.randint(2, 14)))
    where = " AND ".join(f'"{table}"."{column}" = %s' for column in rng.sample(_COLUMNS, rng.randint(1, 3)))
    verb = ("SELECT", "SELECT", "SELECT", "SELECT", "UPDATE", "INSERT")[number % 6]
    summary, text = f"{verb} {table}", f'UPDATE "{table}" SET "status" = %s, "updated_at" = %s WHERE {where}'
    if verb == "INSERT":
        text = f'INSERT INTO "{table}" ({columns}) VALUES (%s, %s, %s) RETURNING "{table}"."id"'
    elif verb == "SELECT":
        join = f' INNER JOIN "{other}" ON ("{table}"."owner_id" = "{other}"."id")' if number % 3 == 0 else ""
        summary += f" {other}" if join else ""
        text = f'SELECT {columns} FROM "{table}"{join} WHERE ({where}) ORDER BY "{table}"."id" ASC LIMIT 21'
    fingerprint = f"{rng.getrandbits(64):016x}"
    described = {
        semconv.DB_SYSTEM_NAME: "postgresql",
        semconv.DB_QUERY_TEXT: text,
        semconv.DB_QUERY_SUMMARY: summary,
        semconv.DB_FINGERPRINT: fingerprint,
        semconv.DB_OPERATION_NAME: verb,
        semconv.DB_COLLECTION_NAME: table,
        semconv.DB_NAMESPACE: service,
        semconv.SERVER_ADDRESS: "db.internal",
        semconv.SERVER_PORT: 5432,
    }
    return Statement(summary, fingerprint, described, _lognormal(rng, rng.choice((0.3, 0.8, 1.5, 4.0)), 0.8))


def _lognormal(rng: random.Random, median_ms: float, sigma: float) -> tuple[int, ...]:
    return tuple(int(rng.lognormvariate(math.log(median_ms * MS), sigma)) for _ in range(DRAWS))


@cache
def query_format(statements: tuple[Statement, ...], threshold: str, tier: str) -> str:
    """Spans of *statements*; for each trace id, own id, id of the root, start and end."""
    return ",".join(_span_of(one, threshold, tier, {}) for one in statements)


@cache
def repeats_format(site: Site, threshold: str, tier: str) -> str:
    """The slowest query of a loop, and the summary span of the others, whose figures :func:`figures` gives."""
    where = _code(site)
    count = _WHOLE
    summary = {
        semconv.AGG_IS_SUMMARY: True,
        semconv.AGG_SPAN_COUNT: count,
        semconv.AGG_DURATION_MIN_NS: count,
        semconv.AGG_DURATION_MAX_NS: count,
        semconv.AGG_DURATION_AVG_NS: count,
        semconv.AGG_DURATION_TOTAL_NS: count,
        semconv.AGG_DURATION_MEDIAN_NS: count,
        semconv.AGG_BUCKET_BOUNDS_S: BOUNDS_S,
        semconv.AGG_BUCKET_COUNTS: [count] * (len(BOUNDS_S) + 1),
    }
    return ",".join((_span_of(site.statement, threshold, tier, where),
                     _span_of(site.statement, threshold, tier, where | summary)))  # fmt: skip


def figures(count: int, each_ns: int) -> tuple[int, ...]:
    """What :func:`repeats_format` says of the others: count, least, most, mean, sum, median and counts by bound."""
    under = [count if each_ns <= bound * 1e9 else 0 for bound in BOUNDS_S]
    return (count, each_ns, each_ns, each_ns, each_ns * count, each_ns, *under, count)


def _span_of(statement: Statement, threshold: str, tier: str, more: dict[str, Any]) -> str:
    attributes = _format(attributes_field(statement.attributes | more | {semconv.TIER: tier}))
    name = statement.summary.replace("%", "%%")
    return (
        f'{{"traceId":"%s","spanId":"%s","traceState":"ot=th:{threshold}","parentSpanId":"%s","flags":256,'
        f'"name":"{name}","kind":3,"startTimeUnixNano":"%d","endTimeUnixNano":"%d",{attributes},"status":{{}}}}'
    )


@cache
def root_format(shape: Shape, verdict: Verdict) -> str:
    """The root span: ids, start and end, what :func:`root_values` of the shape is about, and the verdict's figures.

    In order: trace id, span id, start, end; number of the thing and port of the peer; queries, milliseconds in the
    database, repeats of the finding, distinct statements, spans merged; number of the entity if the shape has one;
    then for an error the end again, and for a finding the end, repeats, queries, milliseconds and parameters.
    """
    said = _requested(shape, verdict.failed) if shape.http else _taken(shape)
    said |= {
        semconv.SEVERITY: verdict.severity,
        semconv.DB_QUERY_COUNT: _WHOLE,
        semconv.DB_ERROR_COUNT: 0,
        semconv.DB_DURATION_MS: _REAL,
        semconv.N_PLUS_ONE_COUNT: int(verdict.finding),
        semconv.N_PLUS_ONE_MAX_REPEATS: _WHOLE,
        semconv.DB_DISTINCT_COUNT: _WHOLE,
        **({semconv.BREACH: verdict.breaches} if verdict.breaches else {}),
        semconv.SPANS_MERGED: _WHOLE,
        semconv.SPANS_DROPPED: 0,
        semconv.KEEP_REASON: verdict.reason,
        **({semconv.ENTITY_TYPE: shape.entity, semconv.ENTITY_ID: _TEXT} if shape.entity else {}),
        semconv.TIER: verdict.tier,
    }
    events = _events(shape, verdict)
    status = '{"message":"ValueError: out of stock","code":2}' if verdict.failed else "{}"
    return (
        f'{{"traceId":"%s","spanId":"%s","traceState":"ot=th:{verdict.threshold}","flags":256,'
        f'"name":"{shape.operation}","kind":{2 if shape.http else 5},"startTimeUnixNano":"%d","endTimeUnixNano":"%d",'
        f'{_format(attributes_field(said))}{events},"status":{status}}}'
    )


def _requested(shape: Shape, failed: bool) -> dict[str, Any]:
    route = shape.operation.removeprefix("GET ")
    return {
        "http.request.method": "GET",
        "http.route": route,
        "http.response.status_code": 500 if failed else 200,
        "url.scheme": "https",
        "url.path": route.split("{")[0] + _TEXT,
        "network.protocol.version": "1.1",
        "server.address": f"{shape.service}.example.org",
        "network.peer.port": _WHOLE,
        "user_agent.original": "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
    }


def _taken(shape: Shape) -> dict[str, Any]:
    return {
        semconv.MESSAGING_SYSTEM: "celery",
        semconv.MESSAGING_OPERATION_TYPE: "process",
        semconv.MESSAGING_DESTINATION_NAME: "default",
        semconv.MESSAGING_MESSAGE_ID: _TEXT,
        semconv.CELERY_RETRIES: _WHOLE,
    }


def _events(shape: Shape, verdict: Verdict) -> str:
    found = []
    if verdict.failed:
        said = {"exception.type": "ValueError", "exception.message": "out of stock", "exception.stacktrace": _STACK}
        found.append(f'{{"timeUnixNano":"%d","name":"exception",{_format(attributes_field(said))}}}')
    if verdict.finding and shape.site is not None:
        described = _format(attributes_field(_finding(shape.site)))
        found.append(f'{{"timeUnixNano":"%d","name":"{semconv.FINDING_EVENT}",{described}}}')
    return f',"events":[{",".join(found)}]' if found else ""


def _finding(site: Site) -> dict[str, Any]:
    said = (semconv.DB_SYSTEM_NAME, semconv.DB_QUERY_SUMMARY, semconv.DB_QUERY_TEXT, semconv.DB_OPERATION_NAME)
    return {
        semconv.FINDING_KIND: site.kind,
        semconv.FINDING_FINGERPRINT: site.statement.fingerprint,
        semconv.FINDING_REPEATS: _WHOLE,
        semconv.FINDING_QUERIES: _WHOLE,
        semconv.FINDING_STATEMENTS: 1,
        semconv.FINDING_TOTAL_MS: _REAL,
        semconv.FINDING_PARAMETERS: _WHOLE,
        semconv.FINDING_WRITE: False,
        semconv.FINDING_CONCURRENT: False,
        **{key: site.statement.attributes[key] for key in said},
        **_code(site),
        semconv.FINDING_STACK: (f"{site.file}:{site.line} in {site.function}", "/srv/shop/handler.py:197 in handler"),
    }


def _code(site: Site) -> dict[str, Any]:
    return {
        semconv.CODE_FILE_PATH: site.file,
        semconv.CODE_LINE_NUMBER: site.line,
        semconv.CODE_FUNCTION_NAME: site.function,
    }


def _format(encoded: str) -> str:
    """The text as a format, with a place for each value that differs."""
    text = encoded.replace("%", "%%").replace(_TEXT, "%s").replace(str(_REAL), "%r")
    return text.replace(str(_WHOLE), "%d")
