"""The queries that turn the views of a store into the tables, for DuckDB."""

from __future__ import annotations

from typing import Final

from otel_verein import semconv

_SERIES = "metric, service, operation, kind, status, scale, basis"
_MEASURED = """(
    SELECT metric, service, operation, coalesce(kind, 'internal') AS kind, coalesce(status, '') AS status, scale,
        basis, "count", total, minimum, maximum, first_index, counts, first_ns, last_ns, samples
    FROM series WHERE shape = 'exponential' AND "count" > 0 AND operation IS NOT NULL
)"""

HISTOGRAMS: Final = f"""
CREATE TEMP TABLE histograms AS
SELECT row_number() OVER ()::INTEGER AS id, * FROM (
    SELECT {_SERIES}, sum("count") AS "count",
        CASE WHEN count(total) = count(*) THEN fsum(total) END AS total,
        CASE WHEN count(minimum) = count(*) THEN min(minimum) END AS minimum,
        CASE WHEN count(maximum) = count(*) THEN max(maximum) END AS maximum,
        min(nullif(first_ns, 0)) AS first_ns, max(last_ns) AS last_ns,
        sum(samples) AS samples
    FROM {_MEASURED} GROUP BY {_SERIES}
)
"""

HISTOGRAM_TOTALS: Final = f'SELECT id, {_SERIES}, "count", total, minimum, maximum FROM histograms ORDER BY id'

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
SELECT service, sum(samples)::BIGINT FROM histograms
WHERE basis = 'spans' AND metric = '{semconv.METRIC_DURATION}' GROUP BY service ORDER BY service
"""

COUNTERS: Final = """
SELECT metric, service, operation, kind, detail, sum("value") FROM series
WHERE shape = 'sum' AND "value" IS NOT NULL GROUP BY metric, service, operation, kind, detail
"""

_WORST = ", ".join(
    f"arg_max({name}, (repeats_max, trace_id))" for name in ("summary", "statement", "verb", "db_system", "stack")
)

FINDINGS: Final = f"""
SELECT service, operation, kind, fingerprint, file, line, function,
    sum(events)::BIGINT, sum(operations)::BIGINT, sum(repeats_sum)::BIGINT, max(repeats_max),
    sum(wasted_queries)::BIGINT, CASE WHEN count(wasted_ms) = count(*) THEN fsum(wasted_ms) END,
    {_WORST}, lower(hex(arg_max(trace_id, (repeats_max, trace_id))))
FROM findings WHERE kind IS NOT NULL GROUP BY service, operation, kind, fingerprint, file, line, function
"""
