"""The queries that bring detail into the rows of rollups, for DuckDB.

Every function gives the text of a SELECT over relations that it is told the names of, in the columns of the tables of
that kind. Rows are additive, so a question may be asked of detail and of rollups together: bring the detail to rows of
a rollup, unite them, and merge. No result depends on the order in which rows come.

What spans say is weighted: a span that was kept with probability p stands for 1/p of its like.
"""

from __future__ import annotations

from typing import Final

from otel_verein import semconv
from otel_verein.store.layout import HOUR_S, NANOSECONDS, TIERS, Level
from otel_verein.store.measuring import TOLD_S

SPAN_SCALE: Final = 6
"""Of histograms made from spans: the middle of a bucket is within 0.55 % of all that is in it."""

ANY_BREACH: Final = "any"

SERIES_KEY: Final = (
    "basis",
    "service",
    "environment",
    "version",
    "metric",
    "operation",
    "kind",
    "status",
    "detail",
    "shape",
)
ENTITY_KEY: Final = ("service", "environment", "version", "operation", "entity_type", "entity_id")
FINDING_KEY: Final = (
    "service",
    "environment",
    "version",
    "operation",
    "kind",
    "fingerprint",
    "file",
    "line",
    "function",
)

_HOUR_NS: Final = HOUR_S * NANOSECONDS
START_HOUR: Final = f"start_ns // {_HOUR_NS} * {HOUR_S}"
_TOLD_HOUR: Final = f"(start_ns + greatest(duration_ns, 0) + {TOLD_S * NANOSECONDS}) // {_HOUR_NS} * {HOUR_S}"
MINUTE_HOUR: Final = f'"minute" // {HOUR_S} * {HOUR_S}'
_ADDS_UP: Final = "(shape = 'sum' OR (shape = 'exponential' AND \"count\" > 0))"
KIND: Final = (
    "CASE kind WHEN 2 THEN 'server' WHEN 3 THEN 'client' WHEN 4 THEN 'producer' WHEN 5 THEN 'consumer' "
    "ELSE 'internal' END"
)
_INDEX: Final = f"CASE WHEN number > 0 THEN ceil(log2(number) * {2**SPAN_SCALE})::INTEGER - 1 END"
_BUCKET: Final = (
    "coalesce(index, 0) AS first_index, CASE WHEN index IS NULL THEN []::DOUBLE[] ELSE [fsum(weight)] END AS counts"
)
REASONS: Final = (
    "list_distinct(list_concat([trim(part) for part in string_split(coalesce(breaches, ''), ',') "
    "if trim(part) <> ''], CASE WHEN status = 2 THEN ['error'] ELSE []::VARCHAR[] END))"
)
_EXTREMES: Final = ("total", "minimum", "maximum")
_BROKEN: Final = f"len([reason for reason in {REASONS} if reason <> 'n_plus_one']) > 0"


_PARTS: Final = (
    '[{"key": "VARCHAR", "value": {"stringValue": "VARCHAR", "intValue": "VARCHAR", "doubleValue": "DOUBLE", '
    '"arrayValue": {"values": [{"intValue": "VARCHAR", "doubleValue": "DOUBLE"}]}}}]'
)


def attributes_parsed(attributes: str) -> str:
    """The list of the parts of OTLP/JSON *attributes* for :func:`attribute`."""
    return f"from_json({attributes}, '{_PARTS}')"


def attribute(parsed: str, key: str, part: str) -> str:
    """What stands at *key*: its ``stringValue``, ``doubleValue``, or ``intValue``, which is a text; NULL without it."""
    return f'list_extract([a."value".{part} for a in {parsed} if a."key" = \'{key}\'], 1)'


_ITEMS: Final = (
    f"CASE WHEN contains(attributes, '\"{semconv.ITEMS}\"') "
    f"THEN try_cast({attribute(attributes_parsed('attributes'), semconv.ITEMS, 'intValue')} AS BIGINT) END"
)


_ANSWERED: Final = ", ".join(
    f"try_cast({attribute(attributes_parsed('attributes'), key, 'intValue')} AS INTEGER)"
    for key in ("http.response.status_code", "http.status_code")
)
STATUS: Final = (
    f"CASE WHEN status = 2 AND kind = 2 AND coalesce({_ANSWERED}) BETWEEN 400 AND 499 THEN 0 ELSE status END"
)
"""Of a span, as the metrics have it: a server span whose answer blames the client has not failed.

Instrumentations that record the exception behind such an answer, as Django's Http404, give it the status of an error.
"""


def roots_once(spans: str, beside: str | None = None) -> str:
    """The local roots among *spans*, each span once, in its longest tier; without those that are in *beside*.

    Only few spans come twice, so only those are sorted.
    """
    tiers = ", ".join(f"'{tier}'" for tier in TIERS)
    columns = (
        "start_ns, duration_ns, service, environment, version, operation, kind, status, weight, query_count, db_ms, "
        "breaches, entity_type, entity_id, items"
    )
    elsewhere = f"AND (trace_id, span_id) NOT IN (SELECT (trace_id, span_id) FROM {beside})" if beside else ""
    return f"""
WITH given AS (
    SELECT trace_id, span_id, tier, start_ns, greatest(duration_ns, 0) AS duration_ns, service, environment, version,
        coalesce(operation, name) AS operation, kind, {STATUS} AS status, coalesce(weight, 1) AS weight, query_count,
        db_ms, breaches, entity_type, entity_id, {_ITEMS} AS items
    FROM {spans} WHERE root {elsewhere}
), twice AS MATERIALIZED (
    SELECT trace_id, span_id FROM given GROUP BY trace_id, span_id HAVING count(*) > 1
)
SELECT {columns} FROM given ANTI JOIN twice USING (trace_id, span_id)
UNION ALL
SELECT {columns} FROM (
    SELECT * FROM given SEMI JOIN twice USING (trace_id, span_id)
    QUALIFY row_number() OVER (
        PARTITION BY trace_id, span_id ORDER BY list_position([{tiers}], tier), {columns}
    ) = 1
)"""


def findings_once(findings: str, beside: str | None = None) -> str:
    """The finding events, each once; without those that are in *beside*."""
    each = "trace_id, span_id, ordinal"
    elsewhere = f"WHERE ({each}) NOT IN (SELECT ({each}) FROM {beside})" if beside else ""
    return f"""
SELECT * FROM {findings} {elsewhere}
QUALIFY row_number() OVER (PARTITION BY {each} ORDER BY repeats DESC, service, operation, fingerprint) = 1"""


def measured(rows: str, level: int) -> str:
    """In which hours *rows* show services to be measured: ``service`` and ``hour``; of detail, *rows* are points.

    A collector counts queries for services that know nothing of otel-verein; those are not measured by it.
    """
    own = f"metric <> '{semconv.METRIC_DB_QUERIES}'"
    if level == Level.DETAIL:
        return f"SELECT DISTINCT service, {MINUTE_HOUR} AS hour FROM {rows} WHERE {own}"
    known = f"SELECT DISTINCT service, period AS hour FROM {rows} WHERE basis = 'metrics' AND {own}"
    if level == Level.HOUR:
        return known
    end = f"epoch(make_timestamp(hour * 1000000) + INTERVAL 1 {Level(level).name})::BIGINT"
    return f"SELECT service, unnest(range(hour, {end}, {HOUR_S})) AS hour FROM ({known})"


def unmeasured(spans: str, known: str) -> str:
    """The *spans* of services that *known*, as :func:`measured` gives it, does not show to be measured.

    Neither in the hour in which the span begins, nor in the one in which its end is told.
    """
    return f"SELECT * FROM {spans} AS span WHERE " + " AND ".join(
        f"NOT EXISTS (SELECT 1 FROM {known} AS known WHERE known.service = span.service AND known.hour = {hour})"
        for hour in (START_HOUR, _TOLD_HOUR)
    )


def hours_asked(spans: str) -> str:
    """The hours of :func:`measured` that :func:`unmeasured` looks for, once each."""
    return f"SELECT DISTINCT unnest([{START_HOUR}, {_TOLD_HOUR}]) AS hour FROM {spans}"


def series_of_points(points: str, period: str = MINUTE_HOUR) -> str:
    """Rows of series, one for each of the *points* that can be added up; ``period`` is its hour, or as *period* says.

    Of those that cannot be, one row of the shape ``none`` says that the service is measured.
    """
    zero = "coalesce(zero_count, 0) = \"count\" AND shape = 'exponential'"
    extremes = ", ".join(f"CASE WHEN {zero} THEN coalesce({name}, 0) ELSE {name} END AS {name}" for name in _EXTREMES)
    return f"""
SELECT {period} AS period, 'metrics' AS basis, service, environment, version, metric, operation,
    kind, status, detail, shape, CASE WHEN shape = 'exponential' THEN coalesce(scale, 0) END AS scale,
    coalesce("count", 0)::DOUBLE AS "count", coalesce(zero_count, 0)::DOUBLE AS zero_count, {extremes},
    coalesce(first_index, 0) AS first_index, coalesce(counts, [])::DOUBLE[] AS counts, "value",
    1::BIGINT AS samples, first_ns, last_ns, NULL::DOUBLE AS variance
FROM {points} WHERE {_ADDS_UP}
UNION ALL
SELECT {period}, 'metrics', service, environment, version, metric, NULL, NULL, NULL, NULL, 'none', NULL, 0, 0,
    NULL, NULL, NULL, 0, []::DOUBLE[], NULL, count(*), min(first_ns), max(last_ns), NULL
FROM {points} WHERE NOT coalesce({_ADDS_UP}, false) GROUP BY {period}, service, environment, version, metric"""


def series_of_roots(roots: str, period: str = START_HOUR) -> str:
    """Rows of series, one for each bucket, of *roots* as :func:`roots_once` gives them.

    ``period`` is the hour, or as *period* says; ``variance`` is that of the count or value by Horvitz and Thompson: the
    sum of w(w - 1) over the weights.
    """
    spread = ", fsum(weight * (weight - 1)) AS variance"
    origin = "period, service, environment, version"
    return f"""
WITH estimated AS (
    SELECT *, {period} AS period, start_ns + duration_ns AS end_ns FROM {roots}
), numbers AS (
    SELECT *, {_INDEX} AS index FROM (
        SELECT {origin}, operation, kind, status, weight, start_ns, end_ns, unnest([
            {{'metric': '{semconv.METRIC_DURATION}', 'number': duration_ns / 1e9}},
            {{'metric': '{semconv.METRIC_QUERIES}', 'number': query_count::DOUBLE}},
            {{'metric': '{semconv.METRIC_DB_DURATION}', 'number': db_ms / 1e3}}
        ], recursive := true) FROM estimated
    ) WHERE number IS NOT NULL
), reasons AS (
    SELECT {origin}, operation, kind, weight, start_ns, end_ns, unnest(list_concat(
        {REASONS}, CASE WHEN {_BROKEN} THEN ['{ANY_BREACH}'] ELSE []::VARCHAR[] END
    )) AS detail FROM estimated
)
SELECT period, 'spans' AS basis, service, environment, version, metric, operation, {KIND} AS kind,
    CASE WHEN status = 2 THEN 'error' ELSE 'ok' END AS status, NULL::VARCHAR AS detail, 'exponential' AS shape,
    {SPAN_SCALE} AS scale, fsum(weight) AS "count", coalesce(fsum(weight) FILTER (index IS NULL), 0) AS zero_count,
    fsum(weight * number) AS total, min(number) AS minimum, max(number) AS maximum, {_BUCKET}, NULL::DOUBLE AS "value",
    count(*) AS samples, min(start_ns) AS first_ns, max(end_ns) AS last_ns{spread}
FROM numbers GROUP BY {origin}, metric, operation, {KIND}, CASE WHEN status = 2 THEN 'error' ELSE 'ok' END, index
UNION ALL
SELECT period, 'spans', service, environment, version, '{semconv.METRIC_BREACHES}', operation, {KIND}, NULL, detail,
    'sum', NULL, 0, 0, NULL, NULL, NULL, 0, []::DOUBLE[], fsum(weight), count(*), min(start_ns), max(end_ns){spread}
FROM reasons GROUP BY {origin}, operation, {KIND}, detail"""


def entities_of_roots(roots: str) -> str:
    """Rows of entities, one for each bucket, of local *roots* that name one; ``period`` is the hour."""
    key = ", ".join(ENTITY_KEY)
    return f"""
SELECT period, {key}, fsum(weight) AS "count", coalesce(fsum(weight) FILTER (status = 2), 0) AS errors,
    coalesce(fsum(weight) FILTER ({_BROKEN}), 0) AS breached, count(*) AS samples,
    fsum(weight * number) AS duration_sum_s, max(number) AS duration_max_s, {SPAN_SCALE} AS scale, {_BUCKET},
    fsum(weight * query_count) AS queries_sum, max(query_count) AS queries_max, fsum(weight * db_ms) AS db_ms_sum,
    fsum(weight * items) AS items_sum, fsum(weight * number) FILTER (items IS NOT NULL) AS items_s
FROM (
    SELECT *, {_INDEX} AS index FROM (
        SELECT *, {START_HOUR} AS period, duration_ns / 1e9 AS number FROM {roots} WHERE entity_type IS NOT NULL
    )
) GROUP BY period, {key}, index"""


def findings_of_events(events: str) -> str:
    """Rows of rolled up findings of *events* as :func:`findings_once` gives them; ``period`` is the hour.

    Events that say too little to be shown are counted with no kind.
    """
    key = ", ".join(FINDING_KEY)
    saved = "total_ms * (queries - statements) / nullif(queries, 0)"
    usable = "repeats >= 1 AND fingerprint IS NOT NULL AND operation IS NOT NULL"
    return f"""
SELECT period, {key}, count(*) AS events, count(DISTINCT (trace_id, span_id)) AS operations,
    coalesce(sum(repeats), 0)::BIGINT AS repeats_sum, max(repeats) AS repeats_max,
    coalesce(sum(queries - statements), 0)::BIGINT AS wasted_queries,
    {unless_unknown("fsum", saved, "total_ms")} AS wasted_ms, {unless_unknown("fsum", "total_ms")} AS total_ms,
    {of_worst("repeats")}
FROM (SELECT * REPLACE (CASE WHEN {usable} THEN kind END AS kind), {START_HOUR} AS period FROM {events})
GROUP BY period, {key}"""


KNOWN_VARIANCE: Final = (
    "CASE WHEN basis = 'spans' AND samples > 0 THEN coalesce(variance, "
    'greatest(coalesce("value", "count") * (coalesce("value", "count") / samples - 1), 0)) END'
)
"""Of a row of series; NULL where it is no estimate.

Rollups of older versions did not keep it: of such a row it is as if all weights were the mean w of them, n w (w - 1),
which is the least that it can be.
"""


def unless_unknown(function: str, of: str, known: str | None = None) -> str:
    """The sum or extreme; NULL when one of the rows does not say."""
    return f"CASE WHEN count({known or of}) = count(*) THEN {function}({of}) END"


_EXAMPLE: Final = ("trace_id", "summary", "statement", "verb", "db_system", "stack", "orm", "orm_version", "via")


def of_worst(repeats: str) -> str:
    """What is known of the row with the most repeats; of equals, always of the same."""
    known = ", ".join(f"'{name}': {name}" for name in _EXAMPLE)
    worst = f"max({{'repeats': {repeats}, {known}}})"
    return ", ".join(f"{worst}.{name} AS {name}" for name in _EXAMPLE)
