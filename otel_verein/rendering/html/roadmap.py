"""What to mend first, and what is most urgent, on the page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from otel_verein.analysis.bottlenecks import Judgement, most_urgent
from otel_verein.analysis.findings import SEVERITIES
from otel_verein.analysis.roadmap import Step
from otel_verein.rendering.html.findings import badge, searched
from otel_verein.rendering.html.markup import Html, el, joined
from otel_verein.rendering.html.tables import Cell, Head, number, table
from otel_verein.rendering.words import ABSENT, kind, known, name_of, percent, seconds, subject

_ROADMAP: Final = (
    Head("mend", number=False),
    Head("queries", "queries that it saves"),
    Head("time", "time that it saves"),
    Head("of operation", "that time as a share of the wall time of the operation"),
    Head("queries in all", "queries that this and all above it save"),
    Head("time in all", "time that this and all above it save"),
    Head("of all time", "that time as a share of all wall time"),
)
_URGENT: Final = (
    Head("operation", number=False),
    Head("priority"),
    Head("level", "by the 95th percentiles of queries and time", number=False),
    Head("why", number=False),
)


def roadmap(steps: Sequence[Step], most: int) -> Html:
    """What to mend first, each with what it saves, and what all up to it save."""
    rows = [(searched(step.finding), _step(step)) for step in steps[:most]]
    return table("Each line with what it saves, and with all lines above it", _ROADMAP, rows)


def bottlenecks(judged: Iterable[Judgement], most: int) -> Html | None:
    """The operations that something slows down, the most urgent first."""
    rows = [(f"{each.key.service} {each.key.operation}", _judged(each)) for each in most_urgent(judged)[:most]]
    return table("Operations with bottlenecks, the most urgent first", _URGENT, rows) if rows else None


def _judged(each: Judgement) -> list[Cell]:
    reasons = joined(el("div", reason.summary) for reason in each.bottlenecks)
    priority = Cell(badge(each.priority), SEVERITIES.index(each.priority))
    return [Cell(name_of(each.key)), priority, Cell(each.level), Cell(reasons)]


def _step(step: Step) -> list[Cell]:
    finding, saving = step.finding, step.finding.saving
    name = f"{step.rank}. {finding.operation}: {subject(finding) or kind(finding)}"
    return [
        Cell(el("a", name, href=f"#finding-{step.rank}"), name),
        number(saving.queries, known(saving.queries, "{:,}".format, ABSENT)),
        number(saving.time_s, known(saving.time_s, seconds, ABSENT)),
        number(step.share_of_operation, known(step.share_of_operation, percent, ABSENT)),
        number(step.cumulative_queries, f"{step.cumulative_queries:,}"),
        number(step.cumulative_time_s, seconds(step.cumulative_time_s)),
        number(step.cumulative_share, known(step.cumulative_share, percent, ABSENT)),
    ]
