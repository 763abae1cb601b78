"""The queries that turn the views of a store into the tables, for DuckDB.

They are put to tables of what is asked for, which are made of the views first: ``asked_series``, ``asked_findings`` and
``asked_entities``.
"""

from __future__ import annotations

from typing import Final

from otel_verein import semconv
from otel_verein.store.rolling.sql import ANY_BREACH, unless_unknown

_SERIES = "metric, service, operation, kind, status, scale, basis"
_MEASURED = """(
    SELECT period, metric, service, operation, coalesce(kind, 'internal') AS kind, coalesce(status, '') AS status,
        scale, basis, "count", total, minimum, maximum, first_index, counts, first_ns, last_ns, samples, variance
    FROM asked_series WHERE shape = 'exponential' AND "count" > 0 AND operation IS NOT NULL
)"""


def asked(view: str, condition: str) -> str:
    """What makes the table of the rows of *view* for which *condition* holds."""
    return f"CREATE TEMP TABLE asked_{view} AS SELECT * FROM {view} WHERE {condition}"


HISTOGRAMS: Final = f"""
CREATE TEMP TABLE histograms AS
SELECT row_number() OVER (ORDER BY {_SERIES})::INTEGER AS id, * FROM (
    SELECT {_SERIES}, sum("count") AS "count",
        {unless_unknown("fsum", "total")} AS total,
        {unless_unknown("min", "minimum")} AS minimum,
        {unless_unknown("max", "maximum")} AS maximum,
        min(nullif(first_ns, 0)) AS first_ns, max(last_ns) AS last_ns,
        sum(samples)::BIGINT AS samples, coalesce(fsum(variance), 0) AS variance
    FROM {_MEASURED} GROUP BY {_SERIES}
)
"""

HISTOGRAM_TOTALS: Final = (
    f'SELECT id, {_SERIES}, "count", total, minimum, maximum, samples, variance FROM histograms ORDER BY id'
)

# Adding up by place first keeps the many values of lists apart by small numbers only.
HISTOGRAM_BUCKETS: Final = f"""
SELECT id, list((index, amount) ORDER BY index) FROM (
    SELECT id, first_index + place - 1 AS index, sum(amount) AS amount FROM (
        SELECT id, first_index, place, sum(amount) AS amount FROM (
            SELECT id, item.first_index, unnest(item.counts) AS amount,
                generate_subscripts(item.counts, 1)::INTEGER AS place
            FROM {_MEASURED} AS item JOIN histograms USING ({_SERIES})
        ) WHERE amount > 0 GROUP BY id, first_index, place
    ) GROUP BY id, index
) GROUP BY id
"""

WINDOW: Final = "SELECT min(first_ns), max(last_ns) FROM histograms"

ESTIMATED: Final = f"""
SELECT service, sum(samples)::BIGINT FROM asked_series
WHERE basis = 'spans' AND metric = '{semconv.METRIC_DURATION}' GROUP BY service ORDER BY service
"""

COUNTERS: Final = """
SELECT metric, service, operation, kind, detail, sum("value") FROM asked_series
WHERE shape = 'sum' AND "value" IS NOT NULL GROUP BY metric, service, operation, kind, detail
ORDER BY metric, service, operation, kind, detail
"""

_SAID = ("summary", "statement", "verb", "db_system", "stack", "lower(hex(trace_id))", "orm", "orm_version", "via")
_WORST = ", ".join(f"arg_max({name}, (repeats_max, trace_id))" for name in _SAID)

FINDINGS: Final = f"""
SELECT service, operation, kind, fingerprint, file, line, function,
    sum(events)::BIGINT, sum(operations)::BIGINT, sum(repeats_sum)::BIGINT, max(repeats_max),
    sum(wasted_queries)::BIGINT, {unless_unknown("fsum", "wasted_ms")},
    {_WORST}
FROM asked_findings WHERE kind IS NOT NULL GROUP BY service, operation, kind, fingerprint, file, line, function
ORDER BY service, operation, kind, fingerprint, file, line, function
"""


def _cells(rows: str, key: str) -> str:
    """By *key*, the coarsest scale of the histograms of *rows*, and the buckets at that scale in ascending order."""
    return f"""
    SELECT {key}, common, list((index, amount) ORDER BY index) AS buckets FROM (
        SELECT {key}, common, (first_index + place - 1) >> (scale - common) AS index, fsum(amount) AS amount FROM (
            SELECT {key}, scale, min(scale) OVER (PARTITION BY {key}) AS common, first_index::BIGINT AS first_index,
                unnest(counts) AS amount, generate_subscripts(counts, 1) AS place
            FROM {rows} WHERE len(counts) > 0
        ) WHERE amount > 0 GROUP BY {key}, common, index
    ) GROUP BY {key}, common"""


def _joined(one: str, other: str, key: str) -> str:
    return " AND ".join(f"{one}.{name} IS NOT DISTINCT FROM {other}.{name}" for name in key.split(", "))


_STEP: Final = "period, service, operation, kind, basis"

STEPS: Final = f"""
WITH measured AS (
    SELECT * FROM {_MEASURED}
), durations AS (
    SELECT {_STEP}, min(scale) AS scale, fsum("count") AS "count",
        coalesce(fsum("count") FILTER (status = 'error'), 0) AS errors,
        {unless_unknown("fsum", "total")} AS duration_s
    FROM measured WHERE metric = '{semconv.METRIC_DURATION}' GROUP BY {_STEP}
), buckets AS ({_cells(f"(SELECT * FROM measured WHERE metric = '{semconv.METRIC_DURATION}')", _STEP)}
), queries AS (
    SELECT {_STEP}, {unless_unknown("fsum", "total")} AS total
    FROM measured WHERE metric = '{semconv.METRIC_QUERIES}' GROUP BY {_STEP}
), databases AS (
    SELECT {_STEP}, {unless_unknown("fsum", "total")} AS total
    FROM measured WHERE metric = '{semconv.METRIC_DB_DURATION}' GROUP BY {_STEP}
), bad AS (
    SELECT period, service, operation, coalesce(kind, 'internal') AS kind, basis, fsum("value") AS bad FROM asked_series
    WHERE shape = 'sum' AND metric = '{semconv.METRIC_BREACHES}' AND detail = '{ANY_BREACH}'
    GROUP BY period, service, operation, coalesce(kind, 'internal'), basis
)
SELECT durations.period * 1000000000, durations.service, durations.operation, durations.kind, durations."count", errors,
    coalesce(bad, 0), duration_s, queries.total, databases.total, coalesce(common, scale), buckets,
    durations.basis = 'spans'
FROM durations LEFT JOIN buckets ON {_joined("durations", "buckets", _STEP)}
    LEFT JOIN queries ON {_joined("durations", "queries", _STEP)}
    LEFT JOIN databases ON {_joined("durations", "databases", _STEP)}
    LEFT JOIN bad ON {_joined("durations", "bad", _STEP)}
ORDER BY durations.period, durations.service, durations.operation, durations.kind, durations.basis
"""

_ENTITY: Final = "service, operation, entity_type, entity_id"

ENTITIES: Final = f"""
WITH totals AS (
    SELECT {_ENTITY}, fsum("count") AS "count", fsum(errors) AS errors, fsum(breached) AS breached,
        sum(samples)::BIGINT AS samples, fsum(duration_sum_s) AS duration_s, max(duration_max_s) AS duration_max_s,
        min(scale) AS scale, fsum(queries_sum) AS queries, max(queries_max) AS queries_max,
        fsum(db_ms_sum) / 1e3 AS db_s, fsum(items_sum) AS items, fsum(items_s) AS items_s
    FROM asked_entities GROUP BY {_ENTITY}
), buckets AS ({_cells("asked_entities", _ENTITY)}
)
SELECT totals.service, totals.operation, totals.entity_type, totals.entity_id, "count", errors, breached, samples,
    duration_s, duration_max_s, coalesce(common, scale), buckets, queries, queries_max, db_s, items, items_s
FROM totals LEFT JOIN buckets ON {_joined("totals", "buckets", _ENTITY)}
ORDER BY totals.service, totals.operation, totals.entity_type, totals.entity_id
"""
