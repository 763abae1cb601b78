"""The views that a reading has, as statements for DuckDB.

- ``series``: the columns of :data:`~otel_verein.store.tables.SERIES`, of all levels
- ``findings``: the columns of ROLLED_FINDINGS, of all levels
- ``entities``: the columns of ENTITIES, of all levels
- ``spans``: the columns of SPANS, each span once
- ``copies``: the same, as often as each was stored, which is quicker where few rows are wanted

Rows of the first three add up. Detail is brought into their shape by what rolls it up, so that the two cannot differ.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from otel_verein.store.layout import NANOSECONDS, TIERS, Level
from otel_verein.store.rolling import sql as rollup_sql

LEVELS: Final = {Level.HOUR: "hour", Level.DAY: "day", Level.MONTH: "month"}

MOMENT: Final = {
    "points": f'"minute" * {NANOSECONDS}',
    "spans": "start_ns",
    "findings": "start_ns",
}
"""When the row of each kind of detail was, in nanoseconds."""

_ORIGIN = "period BIGINT, service VARCHAR, environment VARCHAR, version VARCHAR, operation VARCHAR"
EMPTY: Final = {
    "series": f"{_ORIGIN}, basis VARCHAR, metric VARCHAR, kind VARCHAR, status VARCHAR, detail VARCHAR, shape VARCHAR, "
    "scale INTEGER, count DOUBLE, zero_count DOUBLE, total DOUBLE, minimum DOUBLE, maximum DOUBLE, "
    "first_index INTEGER, counts DOUBLE[], value DOUBLE, samples BIGINT, first_ns BIGINT, last_ns BIGINT, "
    "variance DOUBLE",
    "findings": f"{_ORIGIN}, kind VARCHAR, fingerprint VARCHAR, file VARCHAR, line BIGINT, function VARCHAR, "
    "events BIGINT, operations BIGINT, repeats_sum BIGINT, repeats_max BIGINT, wasted_queries BIGINT, "
    "wasted_ms DOUBLE, total_ms DOUBLE, summary VARCHAR, statement VARCHAR, verb VARCHAR, db_system VARCHAR, "
    "stack VARCHAR[], trace_id BLOB, orm VARCHAR, orm_version VARCHAR, via VARCHAR",
    "entities": f"{_ORIGIN}, entity_type VARCHAR, entity_id VARCHAR, count DOUBLE, errors DOUBLE, breached DOUBLE, "
    "samples BIGINT, duration_sum_s DOUBLE, duration_max_s DOUBLE, scale INTEGER, first_index INTEGER, "
    "counts DOUBLE[], queries_sum DOUBLE, queries_max BIGINT, db_ms_sum DOUBLE, "
    "items_sum DOUBLE, items_s DOUBLE",
}
"""The columns of a view of which there is nothing, as in the files, but told without Arrow, which loads slowly."""

_LONGEST_FIRST = f"list_position([{', '.join(repr(tier) for tier in TIERS)}], tier)"

SPANS_ONCE: Final = f"""
CREATE TEMP VIEW spans AS SELECT * FROM copies
QUALIFY row_number() OVER (PARTITION BY trace_id, span_id ORDER BY {_LONGEST_FIRST}, start_ns) = 1
"""

MEASURING: Final = {Level.DETAIL: "measuring_points"} | {level: f"measuring_{name}" for level, name in LEVELS.items()}
"""The relations that tell which services are measured where something may have to be estimated from spans.

They hold more than what is shown: of a window all the hours that it touches, and those in which its operations end.
"""

_ROOTS = rollup_sql.unmeasured("(SELECT * FROM series_spans WHERE root)", "series_measured")
_UNMEASURED: Final = f"""
CREATE TEMP VIEW series_unmeasured AS {_ROOTS};
CREATE TEMP VIEW series_roots AS {rollup_sql.roots_once("series_unmeasured")}
"""
_TIMES = rollup_sql.unmeasured(
    "(SELECT service, start_ns, duration_ns FROM series_spans WHERE root)", "series_measured"
)
IS_ESTIMATED: Final = f"SELECT count(*) > 0 FROM (SELECT 1 FROM ({_TIMES}) LIMIT 1)"
"""Whether any root among the spans of series is of a service that is not measured; few columns tell."""

_NONE_MEASURED = "SELECT NULL::VARCHAR AS service, NULL::BIGINT AS hour WHERE false"


def statements(kind: str, present: Collection[str], step_s: int | None = None) -> Iterator[str]:
    """What makes the view *kind* over the relations ``<kind>_<what>`` that are *present*.

    These are points, spans, findings, hour, day and month; of what is absent there is no row. Spans of series need the
    table that :func:`measured` makes. With *step_s*, ``period`` of series is the step of so many seconds that the row
    begins in.
    """
    parts = [f"SELECT * FROM {kind}_{level}" for level in LEVELS.values() if level in present]
    if kind == "series":
        minute, start, period = _periods(step_s)
        step = f" REPLACE ({period} AS period, {rollup_sql.KNOWN_VARIANCE} AS variance)"
        parts = [part.replace("*", f"*{step}", 1) for part in parts]
        if "points" in present:
            parts.append(rollup_sql.series_of_points("series_points", minute))
        if "spans" in present:
            yield _UNMEASURED
            estimated = rollup_sql.series_of_roots("series_roots", start)
            yield f"CREATE TEMP TABLE series_estimated AS {estimated}"
            parts.append("SELECT * FROM series_estimated")
    elif kind == "findings" and "findings" in present:
        yield f"CREATE TEMP VIEW findings_events AS {rollup_sql.findings_once('findings_findings')}"
        parts.append(rollup_sql.findings_of_events("findings_events"))
    elif kind == "entities" and "spans" in present:
        yield f"CREATE TEMP VIEW entities_roots AS {rollup_sql.roots_once('entities_spans')}"
        parts.append(rollup_sql.entities_of_roots("entities_roots"))
    if parts:
        whole = " UNION ALL BY NAME ".join(f"({part})" for part in parts)
        yield f"CREATE TEMP VIEW {kind} AS {whole}"
    else:
        yield f"CREATE TEMP TABLE {kind} ({EMPTY[kind]})"


def measured(present: Collection[str]) -> str:
    """What makes the table ``series_measured`` over the relations of :data:`MEASURING` that are *present*."""
    known = [rollup_sql.measured(name, level) for level, name in MEASURING.items() if name in present]
    return f"CREATE TEMP TABLE series_measured AS {' UNION '.join(known or [_NONE_MEASURED])}"


def _periods(step_s: int | None) -> tuple[str, str, str]:
    """The period of a point, of a root, and of a row of a rollup."""
    if step_s is None:
        return rollup_sql.MINUTE_HOUR, rollup_sql.START_HOUR, "period"
    start = f"start_ns // {step_s * NANOSECONDS} * {step_s}"
    return f'"minute" // {step_s} * {step_s}', start, f"period // {step_s} * {step_s}"
