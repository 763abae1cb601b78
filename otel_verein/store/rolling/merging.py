"""The queries that add up the rows of rollups, of whatever they were made, for DuckDB.

Every function gives the text of a SELECT over *rows*: the name of a relation with the columns of the table of that
kind, or a query in parentheses. What is merged may be merged again, in any order and grouping.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from otel_verein import semconv
from otel_verein.store.rolling.sql import ENTITY_KEY, FINDING_KEY, KNOWN_VARIANCE, SERIES_KEY, of_worst, unless_unknown

MOST_BUCKETS: Final = 4096
"""Of one histogram; one that reaches further is made coarser. Nanoseconds to days take 3000 at the scale of spans."""

_MOST_SHIFT: Final = 40  # brings any two indexes, which have 32 bits, into one bucket
_UNKNOWN: Final = "(total IS NULL, minimum IS NULL, maximum IS NULL)"


def number_merged(rows: str, key: Sequence[str]) -> str:
    """How many rows the merged *rows* are."""
    return f"SELECT count(*) FROM (SELECT DISTINCT {', '.join(key)} FROM {rows})"


def numbered(rows: str, parts: int) -> str:
    """The *rows* with the column ``part``, from 0 to *parts* - 1 and in its order; no operation is in two of them."""
    return f"SELECT *, (hash(service, operation) % {parts})::INTEGER AS part FROM {rows} ORDER BY part"


def merged_series(rows: str, period: int) -> str:
    """The *rows* of series added up, one for each series, as of *period*.

    Points that do not say their sum or extremes are a row apart, so that those of the others are not lost.
    """
    figures = {
        '"count"': 'fsum("count")',
        "zero_count": "fsum(zero_count)",
        "total": "fsum(total)",
        "minimum": "min(minimum)",
        "maximum": "max(maximum)",
        '"value"': 'fsum("value")',
        "samples": "sum(samples)::BIGINT",
        "first_ns": "min(first_ns)",
        "last_ns": "max(last_ns)",
        "variance": f"fsum({KNOWN_VARIANCE})",
    }
    order = ("service", "metric", "operation", "kind", "status", "detail", "basis", "environment", "version")
    apart = f"(SELECT *, {_UNKNOWN} AS unknown FROM {rows})"
    return _added_up(apart, period, SERIES_KEY, figures, order, ("unknown",))


def merged_entities(rows: str, period: int) -> str:
    """The *rows* of entities added up, as of *period*."""
    figures = {
        '"count"': 'fsum("count")',
        "errors": "fsum(errors)",
        "breached": "fsum(breached)",
        "samples": "sum(samples)::BIGINT",
        "duration_sum_s": "fsum(duration_sum_s)",
        "duration_max_s": "max(duration_max_s)",
        "queries_sum": "fsum(queries_sum)",
        "queries_max": "max(queries_max)",
        "db_ms_sum": "fsum(db_ms_sum)",
        "items_sum": "fsum(items_sum)",
        "items_s": "fsum(items_s)",
    }
    return _added_up(rows, period, ENTITY_KEY, figures, ENTITY_KEY)


def most_counted(rows: str, amount: str, most: int) -> str:
    """The *most* entities with the highest sums of the column *amount* among *rows*; "other" is none of them."""
    key = ", ".join(ENTITY_KEY)
    return f"""
SELECT {key}, true AS kept FROM (
    SELECT {key}, round(fsum({amount}), 6) AS amount FROM {rows}
    WHERE entity_id IS DISTINCT FROM '{semconv.OTHER}' GROUP BY {key}
) ORDER BY amount DESC, {key} LIMIT {most}"""


def only_those(rows: str, entities: str) -> str:
    """The *rows*, in parentheses, with the id "other" for all but *entities*, as :func:`most_counted` gives them."""
    return f"""(
SELECT rows.* REPLACE (CASE WHEN kept THEN rows.entity_id ELSE '{semconv.OTHER}' END AS entity_id)
FROM {rows} AS rows LEFT JOIN {entities} AS entities ON {_equal(ENTITY_KEY, "rows", "entities")})"""


def merged_findings(rows: str, period: int) -> str:
    """The *rows* of rolled up findings added up, as of *period*."""
    key = ", ".join(FINDING_KEY)
    return f"""
SELECT {period}::BIGINT AS period, {key}, sum(events)::BIGINT AS events, sum(operations)::BIGINT AS operations,
    sum(repeats_sum)::BIGINT AS repeats_sum, max(repeats_max) AS repeats_max,
    sum(wasted_queries)::BIGINT AS wasted_queries, {unless_unknown("fsum", "wasted_ms")} AS wasted_ms,
    {unless_unknown("fsum", "total_ms")} AS total_ms, {of_worst("repeats_max")}
FROM {rows} GROUP BY {key} ORDER BY {key}"""


def _equal(key: Sequence[str], one: str, other: str) -> str:
    return " AND ".join(f"{one}.{name} IS NOT DISTINCT FROM {other}.{name}" for name in key)


def _added_up(
    rows: str,
    period: int,
    key: Sequence[str],
    figures: Mapping[str, str],
    order: Sequence[str],
    apart: Sequence[str] = (),
) -> str:
    """Rows with histograms added up by *key*: at the coarsest of their scales, and with no empty bucket at an end.

    What differs in *apart*, which is no column of the answer, is not added up.
    """
    keys, outcome, told_apart = ", ".join(key), ", ".join(figures), (*key, *apart)
    sums = ", ".join(f"{expression} AS {name}" for name, expression in figures.items())
    return f"""
WITH heads AS MATERIALIZED (
    SELECT row_number() OVER () AS id, * FROM (
        SELECT {", ".join(told_apart)}, min(scale) AS coarsest, {sums}
        FROM {rows} GROUP BY {", ".join(told_apart)}
    )
), parts AS (
    SELECT heads.id, heads.coarsest, item.scale, item.first_index::BIGINT AS first_index, item.counts
    FROM {rows} AS item JOIN heads ON {_equal(told_apart, "item", "heads")} WHERE len(item.counts) > 0
), reach AS MATERIALIZED (
    SELECT id, coarsest, min(first_index >> (scale - coarsest)) AS low,
        max((first_index + len(counts) - 1) >> (scale - coarsest)) AS high
    FROM parts GROUP BY id, coarsest
), scales AS MATERIALIZED (
    SELECT id, coarsest - list_min([
        shift for shift in range(0, {_MOST_SHIFT}) if (high >> shift) - (low >> shift) < {MOST_BUCKETS}
    ]) AS common FROM reach
), cells AS MATERIALIZED (
    SELECT id, index, fsum(amount) AS amount FROM (
        SELECT id, (first_index + place - 1) >> (scale - common) AS index, amount FROM (
            SELECT id, common, scale, first_index, unnest(counts) AS amount, generate_subscripts(counts, 1) AS place
            FROM parts JOIN scales USING (id)
        ) WHERE amount > 0
    ) GROUP BY id, index
), gaps AS (
    SELECT id, unnest(range(low, high)) AS index, 0::DOUBLE AS amount
    FROM (SELECT id, min(index) AS low, max(index) AS high FROM cells GROUP BY id)
), buckets AS (
    SELECT id, min(index) AS first_index, list(amount ORDER BY index) AS counts FROM (
        SELECT id, index, max(amount) AS amount FROM (FROM cells UNION ALL FROM gaps) GROUP BY id, index
    ) GROUP BY id
)
SELECT {period}::BIGINT AS period, {keys}, coalesce(common, coarsest)::INTEGER AS scale, {outcome},
    coalesce(buckets.first_index, 0)::INTEGER AS first_index, coalesce(buckets.counts, []) AS counts
FROM heads LEFT JOIN scales USING (id) LEFT JOIN buckets USING (id)
ORDER BY {", ".join((*order, *apart))}"""
