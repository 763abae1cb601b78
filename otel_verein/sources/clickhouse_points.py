"""The questions to the metrics in ClickHouse, in the tables of the collector's exporter.

A point that counts since the start of its process stands for all before it of the same start, so what it has more than
the last one of the step before is its increase. A point that was inserted again counts once. The exporter writes 0 for
an extreme or a sum that was not said; where values lie above zero that reads as not said here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from otel_verein import semconv
from otel_verein.sources.base import Ask
from otel_verein.sources.clickhouse_columns import HOUR_NS, ORIGIN, moment, named_origin, text
from otel_verein.sources.sql.dialect import CLICKHOUSE, Query, both, named

HISTOGRAMS: Final = "otel_metrics_exponential_histogram"
SUMS: Final = "otel_metrics_sum"
GAUGES: Final = "otel_metrics_gauge"
OTHER_HISTOGRAMS: Final = "otel_metrics_histogram"
TABLES: Final = (HISTOGRAMS, SUMS, GAUGES, OTHER_HISTOGRAMS)

MEASURED: Final = (semconv.METRIC_DURATION, semconv.METRIC_QUERIES, semconv.METRIC_DB_DURATION)
_NAMES: Final = ", ".join(f"'{name}'" for name in MEASURED)
_OURS: Final = f"ScopeName = '{semconv.SCOPE}'"
_CUMULATIVE: Final = "AggregationTemporality = 2"
_DETAIL: Final = f"coalesce({', '.join(text('Attributes', name) for name in semconv.DETAILS)}, NULL)"
_LABELS: Final = {
    "metric": "toString(MetricName)",
    "service": ORIGIN["service"],
    "operation": text("Attributes", semconv.OPERATION),
    "kind": f"lower({text('Attributes', semconv.OPERATION_KIND)})",
    "status": text("Attributes", semconv.OPERATION_STATUS),
    "detail": _DETAIL,
}
_NAMED: Final = ", ".join(_LABELS)
_SERIES: Final = "cityHash64(ResourceAttributes, Attributes)"
_FIRST: Final = "toUnixTimestamp64Nano(toDateTime64(StartTimeUnix, 9))"
_LAST: Final = "toUnixTimestamp64Nano(toDateTime64(TimeUnix, 9))"
_HISTOGRAM: Final = {
    "scale": "Scale",
    "number": "toInt64(Count)",
    "zeros": "toInt64(ZeroCount)",
    "total": "if(Sum = 0 AND Count > ZeroCount, NULL, Sum)",
    "minimum": "if(Max = 0 AND Count > ZeroCount OR Min = 0 AND Count > 0 AND ZeroCount = 0, NULL, Min)",
    "maximum": "if(Max = 0 AND Count > ZeroCount, NULL, Max)",
    "places": "arrayMap(at -> toInt64(PositiveOffset) + toInt64(at), range(length(PositiveBucketCounts)))",
    "amounts": "arrayMap(one -> toInt64(one), PositiveBucketCounts)",
}
_GOES_ON: Final = "(nth > 1 AND before.2 <= now.2)"
"""Whether the point counts on from that of the step before; one that has less began anew."""


_HEAD: Final = -(1 << 40)
"""No place of a bucket: the row that holds what a point has but once."""
_MAY_LACK: Final = ("total", "minimum", "maximum")


def _of_head(function: str, name: str) -> str:
    return f"{function}If({name}, is_head) AS one_{name}"


def _unless_unknown(function: str, name: str) -> str:
    return f"if(sum({name}_known) = sum(heads), {function}(one_{name}), NULL)"


_PAIR: Final = f"{_NAMED}, step, series, first_ns, scale"
_DIFFERENCES: Final = f"""SELECT {_NAMED}, step, scale, number, total,
        if(minimum IS NULL OR since_ns IS NULL, minimum, greatest(assumeNotNull(minimum),
            if(zeros > 0 OR lowest IS NULL, 0, pow(2, lowest * pow(2, -scale))))) AS minimum,
        if(maximum IS NULL OR since_ns IS NULL, maximum, least(assumeNotNull(maximum),
            if(highest IS NULL, 0, pow(2, (highest + 1) * pow(2, -scale))))) AS maximum,
        buckets, coalesce(since_ns, first_ns) AS first_ns, last_ns AS end_ns
    FROM (
        SELECT {_PAIR}, sum(number) AS number, sum(zeros) AS zeros,
            if(sum(unknown) > 0, NULL, sum(total)) AS total, any(minimum) AS minimum, any(maximum) AS maximum,
            max(since) AS since_ns, any(last_ns) AS last_ns, groupArrayIf((place, amount), amount > 0) AS buckets,
            min(if(amount > 0, place, NULL)) AS lowest, max(if(amount > 0, place, NULL)) AS highest
        FROM (
            SELECT {_PAIR}, place, sum(amount) AS amount, sum(if(is_head, sign * point.2, 0)) AS number,
                sum(if(is_head, sign * point.3, 0)) AS zeros, sumIf(sign * point.4, is_head) AS total,
                countIf(is_head AND point.4 IS NULL) AS unknown, any(now.5) AS minimum, any(now.6) AS maximum,
                max(since) AS since, any(last_ns) AS last_ns
            FROM (
                SELECT *, bucket.1 = {_HEAD} AS is_head, sign * bucket.2 AS amount,
                    if(is_head, bucket.1, toInt64(floor(bucket.1 / pow(2, greatest(point.1 - scale, 0))))) AS place
                FROM (
                    SELECT {_NAMED}, step, series, first_ns, last_ns, now, now.1 AS scale, sign,
                        if(sign > 0, now, before) AS point, if({_GOES_ON}, before_ns, NULL) AS since
                    FROM pairs ARRAY JOIN [1, -1] AS sign WHERE step >= 0 AND (sign > 0 OR {_GOES_ON})
                ) ARRAY JOIN arrayConcat([(toInt64({_HEAD}), toInt64(0))], arrayZip(point.7, point.8)) AS bucket
            ) GROUP BY {_PAIR}, place
        ) GROUP BY {_PAIR}
    )"""


def histograms(ask: Ask, step_s: int = 0) -> Query:
    """Points of our three histograms, added up by series and step.

    Columns: step, metric, service, operation, kind, status, scale, count, total, minimum, maximum, buckets as pairs in
    no order, start and end in nanoseconds. *step_s* of 0 is one step of all.
    """
    points = _points(HISTOGRAMS, f"MetricName IN ({_NAMES})", _HISTOGRAM, ask, step_s)
    asked_for = named(CLICKHOUSE, ask)
    key = "step, metric, service, operation, kind, status, scale"
    return Query(
        f"""{points.text}, increases AS (
    SELECT {_NAMED}, step, scale, number, total, minimum, maximum, arrayZip(places, amounts) AS buckets, first_ns,
        end_ns
    FROM points WHERE NOT cumulative
    UNION ALL
    {_DIFFERENCES}
)
SELECT {key}, sum(one_number), {_unless_unknown("sum", "total")}, {_unless_unknown("min", "minimum")},
    {_unless_unknown("max", "maximum")}, groupArrayIf((place, amount), amount > 0), min(one_first_ns), max(one_end_ns)
FROM (
    SELECT {key}, bucket.1 AS place, sum(bucket.2) AS amount, {_of_head("sum", "number")}, sum(is_head) AS heads,
        {", ".join(f"countIf(is_head AND {name} IS NOT NULL) AS {name}_known" for name in _MAY_LACK)},
        {_of_head("sum", "total")}, {_of_head("min", "minimum")}, {_of_head("max", "maximum")},
        {_of_head("min", "first_ns")}, {_of_head("max", "end_ns")}
    FROM (
        SELECT step, metric, service, operation, coalesce(kind, 'internal') AS kind, coalesce(status, '') AS status,
            scale, number, total, minimum, maximum, if(first_ns > 0, first_ns, NULL) AS first_ns, end_ns, bucket,
            bucket.1 = {_HEAD} AS is_head
        FROM increases ARRAY JOIN arrayConcat([(toInt64({_HEAD}), toInt64(0))], buckets) AS bucket
        WHERE number > 0 AND operation IS NOT NULL AND {asked_for.text}
    ) GROUP BY {key}, place
) GROUP BY {key} ORDER BY {key}""",
        {**points.values, **asked_for.values},
    )


def counters(ask: Ask, step_s: int = 0, only: str = "") -> Query:
    """Increases of our counters: step, metric, service, operation, kind, detail, value.

    Those of no operation are there whatever operation is asked for. *only* names one of the metrics.
    """
    columns = {"number": "Value"}
    points = _points(SUMS, f"MetricName = '{only}'" if only else "true", columns, ask, step_s)
    asked_for = named(CLICKHOUSE, ask)
    key = "step, metric, service, operation, kind, detail"
    return Query(
        f"""{points.text}
SELECT {key}, sum(number) FROM (
    SELECT {_NAMED}, step, number FROM points WHERE NOT cumulative
    UNION ALL
    SELECT {_NAMED}, step, now.1 - if(nth > 1 AND before.1 <= now.1, before.1, 0) AS number FROM pairs WHERE step >= 0
) WHERE operation IS NULL OR {asked_for.text} GROUP BY {key} ORDER BY {key}""",
        {**points.values, **asked_for.values},
    )


def _points(table: str, which: str, columns: dict[str, str], ask: Ask, step_s: int) -> Query:
    """The CTEs ``points``, each once, and ``pairs``: the last cumulative one of each step, and that of the step before.

    Steps count from the epoch on; -1 is all that was before the window.
    """
    until = both(moment("TimeUnix", Ask(end_ns=ask.end_ns)), named_origin(ask))
    since = moment("TimeUnix", Ask(start_ns=ask.start_ns))
    conditions = both(Query(f"{_OURS} AND {which}"), until, Query(f"({_CUMULATIVE} OR {since.text})", since.values))
    labels = ", ".join(f"{expression} AS {name}" for name, expression in _LABELS.items())
    said = ", ".join(f"{expression} AS {name}" for name, expression in columns.items())
    step = f"intDiv(end_ns, {step_s * 1_000_000_000})" if step_s else "0"
    if ask.start_ns is not None:
        step = f"if(end_ns < {{start_ns:Int64}}, -1, {step})"
    values = {**conditions.values, **({"start_ns": ask.start_ns} if ask.start_ns is not None else {})}
    text_ = f"""WITH points AS (
    SELECT *, {step} AS step FROM (
        SELECT DISTINCT {labels}, {_SERIES} AS series, {_FIRST} AS first_ns, {_LAST} AS end_ns,
            {_CUMULATIVE} AS cumulative, {said}
        FROM {table} WHERE {conditions.text}
    )
), pairs AS (
    SELECT *, lagInFrame(now) OVER by_step AS before, lagInFrame(last_ns) OVER by_step AS before_ns,
        row_number() OVER by_step AS nth
    FROM (
        SELECT {_NAMED}, series, first_ns, step, argMax(tuple({", ".join(columns)}), end_ns) AS now,
            max(end_ns) AS last_ns
        FROM points WHERE cumulative GROUP BY {_NAMED}, series, first_ns, step
    ) WINDOW by_step AS (PARTITION BY metric, series, first_ns ORDER BY step)
)"""
    return Query(text_, values)


def unusable(ask: Ask) -> Query:
    """Points that percentiles cannot be had from: service, metric, count."""
    condition = both(Query(f"{_OURS} AND MetricName IN ({_NAMES})"), moment("TimeUnix", ask), named_origin(ask))
    return Query(
        f"SELECT {ORIGIN['service']} AS service, toString(MetricName) AS metric, count() FROM {OTHER_HISTOGRAMS} "
        f"WHERE {condition.text} GROUP BY service, metric ORDER BY service, metric",
        condition.values,
    )


def measured(ask: Ask, tables: Sequence[str]) -> Query | None:
    """In which hours since the epoch services are measured, whatever of it was asked for; None without *tables*."""
    since = None if ask.start_ns is None else ask.start_ns - HOUR_NS
    condition = both(
        Query(f"{_OURS} AND MetricName != '{semconv.METRIC_DB_QUERIES}'"),
        Query("true")
        if since is None
        else Query("TimeUnix >= fromUnixTimestamp64Nano({since_ns:Int64})", {"since_ns": since}),
        named_origin(Ask(service=ask.service)),
    )
    each = " UNION DISTINCT ".join(
        f"SELECT DISTINCT {ORIGIN['service']} AS service, intDiv({_LAST}, {HOUR_NS}) AS hour FROM {table} "
        f"WHERE {condition.text}"
        for table in tables
    )
    return Query(each, condition.values) if tables else None
