"""The queries that turn OTLP/JSON lines into the tables, for DuckDB.

Only the fields named here are parsed; whatever else a line holds is skipped. A line that does not parse
stays as one row with ``broken`` set, so that it can be counted and named. A span that was sent twice, since nobody had
answered the first time, counts once. List comprehensions stand in for lambdas, whose syntax differs between the DuckDB
versions that are supported.
"""

from __future__ import annotations

from typing import Final

from otel_verein import semconv

_ATTRIBUTES = (
    'STRUCT("key" VARCHAR, "value" STRUCT(stringValue VARCHAR, intValue BIGINT, doubleValue DOUBLE, '
    'arrayValue STRUCT("values" STRUCT(stringValue VARCHAR)[])))[]'
)
_POINTS = (
    f"STRUCT(attributes {_ATTRIBUTES}, startTimeUnixNano UBIGINT, timeUnixNano UBIGINT, asInt BIGINT, "
    'asDouble DOUBLE, "count" UBIGINT, "sum" DOUBLE, "min" DOUBLE, "max" DOUBLE, scale INTEGER, '
    'zeroCount UBIGINT, positive STRUCT("offset" INTEGER, bucketCounts UBIGINT[]))[]'
)
_DATA = f"STRUCT(aggregationTemporality VARCHAR, dataPoints {_POINTS})"
_METRICS = f'STRUCT("name" VARCHAR, exponentialHistogram {_DATA}, "histogram" {_DATA}, "sum" {_DATA}, gauge {_DATA})[]'
_SPANS = (
    'STRUCT(traceId VARCHAR, spanId VARCHAR, "name" VARCHAR, '
    f'attributes {_ATTRIBUTES}, events STRUCT("name" VARCHAR, attributes {_ATTRIBUTES})[])[]'
)
_MARK = "STRUCT(schemaUrl VARCHAR)[]"

METRIC_LINES: Final = {
    "resourceMetrics": (
        f"STRUCT(resource STRUCT(attributes {_ATTRIBUTES}), "
        f'scopeMetrics STRUCT("scope" STRUCT("name" VARCHAR), metrics {_METRICS})[])[]'
    ),
    "resourceSpans": _MARK,
    "resourceLogs": _MARK,
    "resourceProfiles": _MARK,
}
SPAN_LINES: Final = {
    "resourceSpans": (f"STRUCT(resource STRUCT(attributes {_ATTRIBUTES}), scopeSpans STRUCT(spans {_SPANS})[])[]"),
    "resourceMetrics": _MARK,
    "resourceLogs": _MARK,
    "resourceProfiles": _MARK,
}


def _extract(attributes: str, key: str, part: str) -> str:
    # The two lists are the same for every key, so that DuckDB makes them once per row.
    keys = f'[a."key" for a in {attributes}]'
    return f"list_extract([{part} for a in {attributes}], list_position({keys}, '{key}'))"


def _text(attributes: str, key: str) -> str:
    return _extract(attributes, key, 'a."value".stringValue')


def _number(attributes: str, key: str) -> str:
    return _extract(attributes, key, 'coalesce(a."value".doubleValue, a."value".intValue::DOUBLE)')


def _texts(attributes: str, key: str) -> str:
    values = _extract(attributes, key, 'a."value".arrayValue."values"')
    return f"[v.stringValue for v in {values}]"


_DETAIL = f"coalesce({', '.join(_text('point.attributes', key) for key in semconv.DETAILS)})"
_EMPTY = "(item.resource IS NULL AND item.{scopes} IS NULL)"
_BROKEN = " AND ".join(f"{signal} IS NULL" for signal in METRIC_LINES)

BROKEN: Final = "SELECT filename, count(*) FROM {table} WHERE broken GROUP BY filename ORDER BY filename"

_EACH_POINT = f"""
WITH resources AS (
    SELECT filename, unnest(CASE WHEN {_BROKEN} THEN [NULL] ELSE resourceMetrics END) AS item
    FROM {{lines}}
), scopes AS (
    SELECT filename, {_EMPTY.format(scopes="scopeMetrics")} AS broken, item.resource.attributes AS resource,
        unnest(CASE WHEN {_EMPTY.format(scopes="scopeMetrics")} THEN [NULL] ELSE item.scopeMetrics END) AS item
    FROM resources
), metrics AS (
    SELECT filename, broken, resource, unnest(CASE WHEN broken THEN [NULL] ELSE item.metrics END) AS metric
    FROM scopes WHERE broken OR item."scope"."name" = '{semconv.SCOPE}'
), data AS (
    SELECT filename, broken, resource, metric."name" AS metric,
        CASE WHEN metric.exponentialHistogram IS NOT NULL THEN 'exponential'
             WHEN metric."sum" IS NOT NULL THEN 'sum'
             WHEN metric."histogram" IS NOT NULL THEN 'explicit' ELSE 'other' END AS shape,
        coalesce(metric.exponentialHistogram, metric."sum", metric."histogram", metric.gauge) AS data
    FROM metrics
), each AS (
    SELECT filename, broken, resource, metric, shape,
        data.aggregationTemporality IN ('2', 'AGGREGATION_TEMPORALITY_CUMULATIVE') AS cumulative,
        unnest(CASE WHEN broken THEN [NULL] ELSE data.dataPoints END) AS point
    FROM data
)
"""

POINTS: Final = f"""
CREATE TEMP TABLE points AS {_EACH_POINT}
SELECT filename, broken, metric, shape, cumulative,
    hash(resource) AS resource, coalesce({_text("resource", "service.name")}, 'unknown_service') AS service,
    {_text("point.attributes", semconv.OPERATION)} AS operation,
    lower({_text("point.attributes", semconv.OPERATION_KIND)}) AS kind,
    {_text("point.attributes", semconv.OPERATION_STATUS)} AS status,
    {_DETAIL} AS detail,
    point.startTimeUnixNano AS start_ns, point.timeUnixNano AS end_ns,
    coalesce(point.asInt, point.asDouble::BIGINT) AS "value",
    coalesce(point."count", 0) AS "count", coalesce(point.scale, 0) AS scale,
    CASE WHEN point."count" = point.zeroCount THEN coalesce(point."sum", 0) ELSE point."sum" END AS total,
    CASE WHEN point."count" = point.zeroCount THEN coalesce(point."min", 0) ELSE point."min" END AS minimum,
    CASE WHEN point."count" = point.zeroCount THEN coalesce(point."max", 0) ELSE point."max" END AS maximum,
    coalesce(point.positive."offset", 0) AS first_index, point.positive.bucketCounts AS buckets
FROM each
"""

CONFIGURATIONS: Final = f"""
CREATE TEMP TABLE configurations AS {_EACH_POINT}
SELECT filename, broken, coalesce({_text("resource", "service.name")}, 'unknown_service') AS service,
    {_text("resource", "service.instance.id")} AS instance, hash(resource) AS resource,
    {_number("resource", "process.pid")}::BIGINT AS pid, {_text("resource", "host.name")} AS host,
    {_text("point.attributes", semconv.CONFIG_DIGEST)} AS digest,
    coalesce({_text("point.attributes", semconv.CONFIG_ENVIRONMENT)}, 'unknown') AS environment,
    coalesce({_text("point.attributes", semconv.CONFIG_STATE)}, 'unknown') AS state,
    point.timeUnixNano AS seen_ns
FROM each WHERE broken OR metric = '{semconv.METRIC_CONFIG_INFO}'
"""

LAST_CONFIGURATIONS: Final = """
SELECT service, instance, pid, host, digest, environment, state, seen_ns FROM (
    SELECT *, row_number() OVER (
        PARTITION BY service, coalesce(instance, resource::VARCHAR) ORDER BY seen_ns DESC
    ) AS place FROM configurations WHERE NOT broken AND digest IS NOT NULL AND seen_ns IS NOT NULL
) WHERE place = 1 ORDER BY service, seen_ns DESC, instance
"""

# A cumulative point stands for all before it of the same start, so only the last of them counts.
KEEP_LAST_CUMULATIVE: Final = """
CREATE TEMP TABLE kept AS
SELECT * EXCLUDE (filename, broken, cumulative) FROM points WHERE NOT broken AND cumulative IS NOT true
UNION ALL
SELECT * EXCLUDE (filename, broken, cumulative, place) FROM (
    SELECT *, row_number() OVER (
        PARTITION BY resource, metric, operation, kind, status, detail, start_ns ORDER BY end_ns DESC
    ) AS place FROM points WHERE NOT broken AND cumulative
) WHERE place = 1
"""

_SERIES = "metric, service, operation, kind, status, scale"
_MEASURED = "shape = 'exponential' AND \"count\" > 0 AND operation IS NOT NULL"

HISTOGRAM_TOTALS: Final = f"""
SELECT metric, service, operation, coalesce(kind, 'internal'), coalesce(status, ''), scale, sum("count"),
    CASE WHEN bool_or(total IS NULL) THEN NULL ELSE sum(total) END,
    CASE WHEN bool_or(minimum IS NULL) THEN NULL ELSE min(minimum) END,
    CASE WHEN bool_or(maximum IS NULL) THEN NULL ELSE max(maximum) END
FROM kept WHERE {_MEASURED} GROUP BY {_SERIES}
"""

HISTOGRAM_BUCKETS: Final = f"""
SELECT metric, service, operation, coalesce(kind, 'internal'), coalesce(status, ''), scale,
    list((index, amount) ORDER BY index)
FROM (
    SELECT {_SERIES}, index, sum(amount) AS amount FROM (
        SELECT {_SERIES}, unnest(buckets) AS amount,
            first_index + generate_subscripts(buckets, 1) - 1 AS index
        FROM kept WHERE {_MEASURED}
    ) WHERE amount > 0 GROUP BY {_SERIES}, index
) GROUP BY {_SERIES}
"""

COUNTERS: Final = """
SELECT metric, service, operation, kind, detail, sum("value")
FROM kept WHERE shape = 'sum' AND "value" IS NOT NULL GROUP BY metric, service, operation, kind, detail
"""

WINDOW: Final = f"SELECT min(nullif(start_ns, 0)), max(end_ns) FROM kept WHERE {_MEASURED}"

UNUSABLE: Final = f"""
SELECT metric, filename, shape FROM points
WHERE metric IN ('{semconv.METRIC_DURATION}', '{semconv.METRIC_QUERIES}', '{semconv.METRIC_DB_DURATION}')
    AND shape <> 'exponential' LIMIT 1
"""

EVENTS: Final = f"""
CREATE TEMP TABLE events AS
WITH resources AS (
    SELECT filename, unnest(CASE WHEN {_BROKEN} THEN [NULL] ELSE resourceSpans END) AS item
    FROM {{lines}}
), scopes AS (
    SELECT filename, {_EMPTY.format(scopes="scopeSpans")} AS broken, item.resource.attributes AS resource,
        unnest(CASE WHEN {_EMPTY.format(scopes="scopeSpans")} THEN [NULL] ELSE item.scopeSpans END) AS item
    FROM resources
), spans AS (
    SELECT filename, broken, resource, unnest(CASE WHEN broken THEN [NULL] ELSE item.spans END) AS span
    FROM scopes
), once AS (
    SELECT * FROM spans WHERE broken OR len(span.events) > 0
    QUALIFY span.spanId IS NULL OR row_number() OVER (PARTITION BY span.traceId, span.spanId) = 1
), each AS (
    SELECT filename, broken, resource, span.traceId AS trace_id, span.spanId AS span_id,
        coalesce({_text("span.attributes", semconv.OPERATION)}, span."name") AS operation,
        unnest(CASE WHEN broken THEN [NULL] ELSE span.events END) AS event
    FROM once
)
SELECT filename, broken, coalesce({_text("resource", "service.name")}, 'unknown_service') AS service,
    operation, lower(trace_id) AS trace_id, lower(span_id) AS span_id,
    {_text("event.attributes", semconv.FINDING_KIND)} AS kind,
    {_text("event.attributes", semconv.FINDING_FINGERPRINT)} AS fingerprint,
    {_text("event.attributes", semconv.CODE_FILE_PATH)} AS file,
    {_number("event.attributes", semconv.CODE_LINE_NUMBER)}::BIGINT AS line,
    {_text("event.attributes", semconv.CODE_FUNCTION_NAME)} AS function,
    {_number("event.attributes", semconv.FINDING_REPEATS)}::BIGINT AS repeats,
    coalesce({_number("event.attributes", semconv.FINDING_STATEMENTS)}::BIGINT, 1) AS statements,
    coalesce({_number("event.attributes", semconv.FINDING_QUERIES)}::BIGINT, statements * repeats) AS queries,
    {_number("event.attributes", semconv.FINDING_TOTAL_MS)} AS total_ms,
    {_text("event.attributes", semconv.DB_QUERY_SUMMARY)} AS summary,
    {_text("event.attributes", semconv.DB_QUERY_TEXT)} AS statement,
    {_text("event.attributes", semconv.DB_OPERATION_NAME)} AS verb,
    {_text("event.attributes", semconv.DB_SYSTEM_NAME)} AS db_system,
    {_texts("event.attributes", semconv.FINDING_STACK)} AS stack
FROM each WHERE broken OR event."name" = '{semconv.FINDING_EVENT}'
"""

_USABLE = "NOT broken AND repeats >= 1 AND kind IS NOT NULL AND fingerprint IS NOT NULL AND operation IS NOT NULL"

_WORST = "(repeats, trace_id)"  # of equals always the same, as in a store

FINDINGS: Final = f"""
SELECT service, operation, kind, fingerprint, file, line, function,
    count(*), count(DISTINCT (trace_id, span_id)), sum(repeats), max(repeats),
    sum(queries - statements),
    CASE WHEN bool_or(total_ms IS NULL) THEN NULL ELSE sum(total_ms * (queries - statements) / queries) END,
    arg_max(summary, {_WORST}), arg_max(statement, {_WORST}), arg_max(verb, {_WORST}),
    arg_max(db_system, {_WORST}), arg_max(stack, {_WORST}), arg_max(trace_id, {_WORST})
FROM events WHERE {_USABLE} GROUP BY service, operation, kind, fingerprint, file, line, function
"""

UNUSABLE_FINDINGS: Final = f"SELECT count(*) FROM events WHERE NOT broken AND ({_USABLE}) IS NOT true"
