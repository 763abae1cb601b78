"""The questions to spans as text of SQL, the same for every database.

They are put to relations that whoever asks defines before, as CTEs, views or tables, in ``roots``, ``calls`` and
``events``; ids are of any type that is the same in all of them:

- ``roots``, each kept operation once: ``trace_id, span_id, service, operation, kind`` (server, client, producer,
  consumer or internal), ``start_ns, duration_ns, error`` (boolean), ``weight``, ``queries, db_ms`` (NULL where no
  driver was watched), ``reasons`` (the different breaches as a list of texts, with "error" where it failed),
  ``entity_type, entity_id, items`` (NULL where there is none)
- ``calls``, each span of a query once, a summary span as one row: ``trace_id, span_id, parent_span_id, service,
  start_ns, error, number`` (of queries), ``total_ns, least_ns, most_ns, bounds_s, cumulative`` (as in the summary,
  whose counts are cumulative; empty lists for a single query), ``returned`` (rows of all of them; NULL where the driver
  did not say), ``fingerprint, summary, statement, db_system, verb, file, line, function`` (NULL where there is none)
- ``events``, each finding event once: ``trace_id, span_id, service, operation, kind, fingerprint, file, line, function,
  repeats, statements, queries, total_ms, summary, statement, verb, db_system, stack`` (list of texts)``, orm,
  orm_version, via``

Spans are weighted: one that was kept with probability p stands for 1/p of its like. Whoever asks has filtered them by
window and service, but not by operation where a question has a *condition* on the operation.
"""

from __future__ import annotations

from typing import Final

from otel_verein import semconv
from otel_verein.sources.sql.dialect import Dialect
from otel_verein.store.rolling.sql import ANY_BREACH, SPAN_SCALE, unless_unknown

_METRICS: Final = {
    semconv.METRIC_DURATION: "duration_ns / 1e9",
    semconv.METRIC_QUERIES: "queries * 1.0",
    semconv.METRIC_DB_DURATION: "db_ms / 1e3",
}
_STATUS: Final = "CASE WHEN error THEN 'error' ELSE 'ok' END"


def _index(dialect: Dialect, number: str) -> str:
    return f"CASE WHEN {number} > 0 THEN {dialect.whole(f'ceil(log2({number}) * {2**SPAN_SCALE})')} - 1 END"


def _buckets(dialect: Dialect, amount: str = "amount") -> str:
    return f"{dialect.collect}((place, {amount})) FILTER (WHERE place IS NOT NULL)"


def _bad(dialect: Dialect) -> str:
    return f"(length(reasons) > CASE WHEN {dialect.has('reasons', 'n_plus_one')} THEN 1 ELSE 0 END)"


def histograms(dialect: Dialect, condition: str = "true") -> str:
    """The estimated histograms of all three metrics, one row for each series.

    Columns: metric, service, operation, kind, status, count, total, minimum, maximum, buckets as a list of pairs in no
    order, samples, variance of the count.
    """
    fsum = dialect.fsum
    key = "metric, service, operation, kind, status"
    each = " UNION ALL ".join(
        f"SELECT '{metric}' AS metric, service, operation, kind, {_STATUS} AS status, weight, {number} AS number "
        f"FROM roots WHERE {condition}"
        for metric, number in _METRICS.items()
    )
    return f"""
SELECT {key}, {fsum}(amount), {fsum}(part), min(least), max(most), {_buckets(dialect)}, sum(samples), {fsum}(spread)
FROM (
    SELECT {key}, place, {fsum}(weight) AS amount, {fsum}(weight * number) AS part, min(number) AS least,
        max(number) AS most, count(*) AS samples, {fsum}(weight * (weight - 1)) AS spread
    FROM (
        SELECT {key}, weight, number, {_index(dialect, "number")} AS place FROM ({each}) AS single
        WHERE number IS NOT NULL
    ) AS placed GROUP BY {key}, place
) AS parts GROUP BY {key}"""


def breaches(dialect: Dialect, condition: str = "true") -> str:
    """Estimated breaches: service, operation, kind, reason (``any``: one that is not n_plus_one), weight."""
    key = "service, operation, kind"
    return f"""
SELECT {key}, reason, {dialect.fsum}(weight) FROM (
    SELECT {key}, weight, {dialect.unnest}(reasons) AS reason FROM roots WHERE {condition}
    UNION ALL
    SELECT {key}, weight, '{ANY_BREACH}' AS reason FROM roots WHERE {_bad(dialect)} AND ({condition})
) AS each_reason GROUP BY {key}, reason"""


def windows(condition: str = "true") -> str:
    """When the first operation began and the last one ended, in nanoseconds; and how many there are by service."""
    window = "min(start_ns), max(start_ns + duration_ns)"
    return f"SELECT service, {window}, count(*) FROM roots WHERE {condition} GROUP BY service"


def findings(dialect: Dialect, condition: str = "true") -> str:
    """The columns of FindingRow, in its order; *stack* as a list."""
    key = "service, operation, kind, fingerprint, file, line, function"
    worst = "(repeats, trace_id)"
    said = ", ".join(
        f"{dialect.arg_max}({name}, {worst})"
        for name in ("summary", "statement", "verb", "db_system", "stack", dialect.texts("trace_id"))
    )
    saved = "total_ms * (queries - statements) / queries"
    origin = ", ".join(f"{dialect.arg_max}({name}, {worst})" for name in ("orm", "orm_version", "via"))
    return f"""
SELECT {key}, count(*), count(DISTINCT (trace_id, span_id)), sum(repeats), max(repeats), sum(queries - statements),
    {unless_unknown(dialect.fsum, saved, "total_ms")},
    {said}, {origin}
FROM events WHERE {condition} GROUP BY {key}"""


def steps(dialect: Dialect, step_s: int, condition: str = "true") -> str:
    """The columns of StepRow up to ``db_s``, in its order, then the buckets."""
    fsum, key = dialect.fsum, "step_ns, service, operation, kind"
    step_ns = step_s * 1_000_000_000
    return f"""
SELECT {key}, {fsum}(amount), {fsum}(failed), {fsum}(broken), {fsum}(duration), {unless_unknown(fsum, "query_sum")},
    {unless_unknown(fsum, "db_sum")}, {_buckets(dialect)}
FROM (
    SELECT {key}, place, {fsum}(weight) AS amount, {fsum}(weight * CASE WHEN error THEN 1 ELSE 0 END) AS failed,
        {fsum}(weight * CASE WHEN {_bad(dialect)} THEN 1 ELSE 0 END) AS broken,
        {fsum}(weight * duration_ns / 1e9) AS duration, {unless_unknown(fsum, "weight * queries")} AS query_sum,
        {unless_unknown(fsum, "weight * db_ms / 1e3")} AS db_sum
    FROM (
        SELECT *, {dialect.divided("start_ns", step_ns)} * {step_ns} AS step_ns,
            {_index(dialect, "(duration_ns / 1e9)")} AS place
        FROM roots WHERE {condition}
    ) AS placed GROUP BY {key}, place
) AS parts GROUP BY {key}"""


def entities(dialect: Dialect, condition: str = "true") -> str:
    """The columns of EntityRow but for the scale, in its order; the buckets come last."""
    fsum, key = dialect.fsum, "service, operation, entity_type, entity_id"
    return f"""
SELECT {key}, {fsum}(amount), {fsum}(failed), {fsum}(broken), sum(samples), {fsum}(duration), max(longest),
    {unless_unknown(fsum, "query_sum")}, max(query_most), {unless_unknown(fsum, "db_sum")}, {fsum}(item_sum),
    {fsum}(item_time), {_buckets(dialect)}
FROM (
    SELECT {key}, place, {fsum}(weight) AS amount, {fsum}(weight * CASE WHEN error THEN 1 ELSE 0 END) AS failed,
        {fsum}(weight * CASE WHEN {_bad(dialect)} THEN 1 ELSE 0 END) AS broken, count(*) AS samples,
        {fsum}(weight * duration_ns / 1e9) AS duration, max(duration_ns / 1e9) AS longest,
        {unless_unknown(fsum, "weight * queries")} AS query_sum, max(queries) AS query_most,
        {unless_unknown(fsum, "weight * db_ms / 1e3")} AS db_sum, {fsum}(weight * items) AS item_sum,
        {fsum}(CASE WHEN items IS NOT NULL THEN weight * duration_ns / 1e9 END) AS item_time
    FROM (
        SELECT *, {_index(dialect, "(duration_ns / 1e9)")} AS place FROM roots
        WHERE entity_type IS NOT NULL AND ({condition})
    ) AS placed GROUP BY {key}, place
) AS parts GROUP BY {key}"""


_ROOT: Final = "service, operation, kind, start_ns, duration_ns / 1e9, error, weight, queries, db_ms / 1e3"


def roots(dialect: Dialect, most: int, slowest: bool, condition: str = "true") -> str:
    """Columns of RootRow up to ``items``, in its order, of at most *most* operations.

    The slowest, else those whose trace id has the lowest hash.
    """
    trace_id = dialect.texts("trace_id")
    order = "duration_ns DESC, trace_id" if slowest else f"{dialect.digest(trace_id)}, trace_id"
    return f"""
SELECT {trace_id}, {dialect.texts("span_id")}, {_ROOT}, reasons, entity_type, entity_id, items
FROM roots WHERE {condition} ORDER BY {order}, span_id LIMIT {most}"""


_CALL: Final = (
    "trace_id, span_id, parent_span_id, service, start_ns, error, number, total_ns, least_ns, most_ns, bounds_s, "
    "cumulative, returned, fingerprint, summary, statement, db_system, verb, file, line, function"
)
_CALL_KEY: Final = "service, operation, fingerprint, plain, file, line, function"


def owned_calls(dialect: Dialect, condition: str = "true") -> str:
    """The ``calls`` with the operation, weight and ``root_id`` of the nearest root of their trace and service.

    That is their parent when it is one, else the last that began before them and was still running, else the last one.
    ``plain`` tells statements without a fingerprint apart. *condition* is on the operation.
    """
    call = ", ".join(f"calls.{name} AS {name}" for name in _CALL.split(", "))
    first = ", ".join(f"any_value({name}) AS {name}" for name in _CALL.split(", ") if name not in _IDS)
    during = "(root_start_ns <= start_ns AND start_ns <= root_end_ns)"
    nearest = f"(parent_span_id = root_id, {during}, root_start_ns, root_id)"
    chosen = ", ".join(
        f"{dialect.arg_max}({name}, near) AS {alias}"
        for name, alias in (("operation", "root_operation"), ("weight", "root_weight"), ("root_id", "nearest_id"))
    )
    return f"""
SELECT *, CASE WHEN fingerprint IS NULL THEN coalesce(statement, summary) END AS plain FROM (
    SELECT {call}, sole.operation AS operation, sole.weight AS weight, sole.root_id AS root_id FROM calls JOIN (
        SELECT trace_id, service, any_value(operation) AS operation, any_value(weight) AS weight,
            any_value(span_id) AS root_id
        FROM roots GROUP BY trace_id, service HAVING count(*) = 1
    ) AS sole ON calls.trace_id = sole.trace_id AND calls.service = sole.service
    UNION ALL
    SELECT {_CALL}, root_operation AS operation, root_weight AS weight, nearest_id AS root_id FROM (
        SELECT trace_id, span_id, {first}, {chosen} FROM (
            SELECT *, {nearest} AS near FROM (
                SELECT {call}, roots.operation AS operation, roots.weight AS weight, roots.span_id AS root_id,
                    roots.start_ns AS root_start_ns, roots.start_ns + roots.duration_ns AS root_end_ns
                FROM calls JOIN roots ON calls.trace_id = roots.trace_id AND calls.service = roots.service
                WHERE (calls.trace_id, calls.service) IN (
                    SELECT trace_id, service FROM roots GROUP BY trace_id, service HAVING count(*) > 1
                )
            ) AS pairs
        ) AS ranked GROUP BY trace_id, span_id
    ) AS chosen
) AS of_root WHERE {condition}"""


_IDS: Final = ("trace_id", "span_id")


def statements(dialect: Dialect) -> str:
    """From the relation ``owned``, as :func:`owned_calls` makes it, the sums of every statement.

    Columns: service, operation, fingerprint, plain, file, line, function; summary, statement, db_system, verb, calls,
    errors, total_s, max_s, operations, samples, rows, rows_known, trace_id.
    """
    fsum = dialect.fsum
    return f"""
SELECT {_CALL_KEY}, max(summary_text), max(statement_text), max(system_name), max(verb_name),
    {fsum}(root_weight * numbers), {fsum}(root_weight * failed), {fsum}(root_weight * total_ns / 1e9),
    max(longest_ns) / 1e9, {fsum}(root_weight), sum(samples), {fsum}(root_weight * returned_rows),
    {fsum}(root_weight * said), {dialect.texts(f"{dialect.arg_max}(trace_id, (longest_ns, trace_id))")}
FROM (
    SELECT {_CALL_KEY}, trace_id, root_id, max(weight) AS root_weight, sum(number) AS numbers,
        sum(CASE WHEN error THEN number ELSE 0 END) AS failed, sum(total_ns) AS total_ns, max(most_ns) AS longest_ns,
        sum(number) AS samples, sum(coalesce(returned, 0)) AS returned_rows,
        sum(CASE WHEN returned IS NULL THEN 0 ELSE number END) AS said, max(summary) AS summary_text,
        max(statement) AS statement_text, max(db_system) AS system_name, max(verb) AS verb_name
    FROM owned AS call GROUP BY {_CALL_KEY}, trace_id, root_id
) AS by_root GROUP BY {_CALL_KEY}"""


def statement_buckets(dialect: Dialect) -> str:
    """The key of :func:`statements` with the buckets of one call's time, as a list of pairs in no order.

    A summary span says how many calls were below each bound; all between two bounds count as their geometric middle.
    Of one that does not say it, all count as their mean.
    """
    upper = "CASE WHEN nth <= length(bounds_s) THEN least(bounds_s[nth], most_ns / 1e9) ELSE most_ns / 1e9 END"
    lower = "CASE WHEN nth > 1 THEN greatest(bounds_s[nth - 1], least_ns / 1e9) ELSE least_ns / 1e9 END"
    below = "CASE WHEN nth > 1 THEN cumulative[nth - 1] ELSE 0 END"
    return f"""
SELECT {_CALL_KEY}, {_buckets(dialect)} FROM (
    SELECT {_CALL_KEY}, place, {dialect.fsum}(weight * times) AS amount FROM (
        SELECT {_CALL_KEY}, weight, times, {_index(dialect, "middle")} AS place FROM (
            SELECT {_CALL_KEY}, weight, CASE WHEN single THEN number ELSE cumulative[nth] - {below} END AS times,
                CASE WHEN single THEN total_ns / 1e9 / number ELSE sqrt(({upper}) * ({lower})) END AS middle
            FROM (
                SELECT {_CALL_KEY}, weight, number, total_ns, least_ns, most_ns, bounds_s, cumulative,
                    length(cumulative) = 0 AS single, {dialect.numbers("greatest(length(cumulative), 1)")} AS nth
                FROM owned AS call
            ) AS counted
        ) AS middles WHERE times > 0
    ) AS placed GROUP BY {_CALL_KEY}, place
) AS parts GROUP BY {_CALL_KEY}"""
