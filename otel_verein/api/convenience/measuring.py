"""What operations of one entity take, in the words of a measurement."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from otel_verein.api.convenience.arguments import text
from otel_verein.api.convenience.envelope import Told, enveloped, timestamp
from otel_verein.api.convenience.figures import Figures, of_entity
from otel_verein.api.convenience.here import Asked, asked
from otel_verein.api.convenience.members import Member, member, standing
from otel_verein.api.convenience.system import on_what
from otel_verein.config.schema import Config
from otel_verein.errors import SourceError
from otel_verein.sources.base import Ask, Source

_MOST_NAMES = 8


@enveloped("measurement")
def measure_member_performance(
    member_name: str,
    entity_type: str | None = None,
    hours: float | str | None = None,
    *,
    source: Source | None = None,
    config: Config | None = None,
) -> Told:
    """What the operations of one entity took: time, queries and errors, on the mean of one operation.

    ``queries_per_second`` is queries per second of database time. What kept operations do not say is None.
    """
    at = asked(source, config, hours)
    one = member(at, member_name, entity_type)
    return _told(at, one, one.label)


@enveloped("measurement")
def measure_payment_history_performance(
    member_name: str,
    entity_type: str | None = None,
    operation: str = "*payment*",
    hours: float | str | None = None,
    *,
    source: Source | None = None,
    config: Config | None = None,
) -> Told:
    """As :func:`measure_member_performance`, of those operations alone whose name matches the glob *operation*.

    Upper and lower case are one.
    """
    at = asked(source, config, hours)
    pattern = text("operation", operation)
    wanted = Ask(operation=pattern.lower())
    one = member(at, member_name, entity_type)
    rows = tuple(row for row in one.rows if wanted.matches(row.operation.lower()))
    if not rows:
        there = ", ".join(sorted({row.operation for row in one.rows})[:_MOST_NAMES])
        raise SourceError(
            f"{at.source.name}: no kept operation of {one.label} matches {pattern!r}; `operation` has to be a glob on "
            f"one of: {there}"
        )
    figures = of_entity(rows)
    part = replace(one, rows=rows, figures=figures, health=standing(figures, at, one.lossy))
    return _told(at, part, f"{pattern} of {one.label}")


def _told(at: Asked, one: Member, label: str) -> Told:
    figures = one.figures
    payload = {**_measurement(label, figures, timestamp(at.now)), **one.as_dict()}
    queries = "an unknown number of queries" if figures.queries is None else f"{figures.queries:.1f} queries"
    time = "an unknown time" if figures.time_s is None else f"{figures.time_s:.3g} s"
    return Told(payload, f"{label}: {queries} and {time} on the mean, {on_what(figures)}.")


def _measurement(label: str, figures: Figures, now: str) -> dict[str, Any]:
    """The keys of a measurement by the product's own timer; entities do not say the times of single queries."""
    per_query = figures.db_s / figures.queries if figures.db_s is not None and figures.queries else None
    return {
        "operation_name": label,
        "execution_time": figures.time_s,
        "query_count": figures.queries,
        "total_query_time": figures.db_s,
        "avg_query_time": per_query,
        "max_query_time": None,
        "slow_queries": None,
        "query_patterns": None,
        "queries_per_second": figures.queries / figures.db_s if figures.queries is not None and figures.db_s else None,
        "timestamp": now,
    }
