"""Health on the page, and what all figures rest on."""

from __future__ import annotations

from typing import Final

from otel_verein.analysis.health import OperationHealth
from otel_verein.analysis.operations import OperationStats
from otel_verein.api.report import Report
from otel_verein.rendering.html.charts import stacked
from otel_verein.rendering.html.findings import badge
from otel_verein.rendering.html.markup import Html, el, joined
from otel_verein.rendering.html.tables import Cell, Head, number, table
from otel_verein.rendering.words import ABSENT, name_of

_WHOLE: Final = 100.0
_MOST: Final = 200
_HEADS: Final = (
    Head("operation", number=False),
    Head("n"),
    Head("bad", "with an error, or past a budget"),
    Head("good"),
    Head("score"),
    Head("95 %"),
    Head("weight", "its part of all operations"),
)


def health(report: Report) -> Html:
    """The score, and which cause took which points of it."""
    total = report.health
    if total.score is None:
        why = f": {total.why}" if total.why else ""
        words = joined("Health is ", el("strong", "unknown"), f" (n = {total.n:,}){why}.")
        return joined(el("p", words), _operations(report))
    points = {cause: amount or 0.0 for cause, amount in total.lost.items()}
    title = f"{total.score:.1f} of 100 points left"
    span = "" if total.low is None or total.high is None else f", 95 % {total.low:.1f} to {total.high:.1f}"
    about = ", estimated" if total.estimated else ""
    words = joined(el("strong", f"{total.score:.1f}"), " of 100 ", badge(total.level), f" n = {total.n:,}{span}{about}")
    worst = el("p", f"Worst operation: {total.worst_operation}") if total.worst_operation else None
    key = [
        el(
            "li",
            el("svg", el("rect", class_=f"p{place}", width=12, height=12), width=12, height=12, aria_hidden="true"),
            f"{cause}: {amount:.1f} points lost",
        )
        for place, (cause, amount) in enumerate(points.items())
    ]
    return joined(
        el("p", words), stacked(points, _WHOLE, title), el("ul", key, class_="key"), worst, _operations(report)
    )


def _operations(report: Report) -> Html | None:
    """Each operation with what its score is computed from."""
    if not report.operations:
        return None
    total = report.count
    shown = report.operations[:_MOST]
    rows = [(f"{stats.key.service} {stats.key.operation}", _row(stats, each, total)) for stats, each in shown]
    objective = next((each.objective for _, each in shown if each.objective is not None), None)
    how = "" if objective is None else f"; a score is 100 x max(0, 1 - (1 - good share) / (1 - {objective:g}))"
    label = (
        f"The total is the sum of score x weight{how}; those too rare for a score of their own count by the same rule"
    )
    return el("details", el("summary", "How it is computed"), table(label, _HEADS, rows))


def _row(stats: OperationStats, each: OperationHealth, total: int) -> list[Cell]:
    span = ABSENT if each.low is None or each.high is None else f"{each.low:.1f} to {each.high:.1f}"
    good = 1 - stats.bad / stats.count if stats.count else 0.0
    score = "unknown" if each.score is None else f"{each.score:.1f}"
    return [
        Cell(name_of(stats.key)),
        number(each.n, f"{each.n:,}"),
        number(stats.bad, f"{stats.bad:,}"),
        number(good, f"{good * 100:.2f} %"),
        Cell(score, each.score, note=each.why, mark="unknown" if each.score is None else None),
        number(each.low, span),
        number(stats.count / total, f"{stats.count / total:.3f}"),
    ]


def loss(report: Report) -> Html:
    """Where operations went, and what could not be read."""
    lost = report.loss
    if lost.started is None or lost.kept is None or lost.sampled_out is None:
        sentence = "How many operations were started, kept and lost is unknown: no counters were found."
    else:
        sentence = (
            f"Started {lost.started:,} = kept {lost.kept:,} + sampled out {lost.sampled_out:,}; "
            f"kept {lost.kept:,} = exported {lost.exported:,} + dropped {sum(lost.dropped.values()):,}."
        )
    reasons = [f"Dropped for {reason}: {amount:,}." for reason, amount in lost.dropped.items() if amount]
    if report.unattributed_queries:
        reasons.append(f"{report.unattributed_queries:,} queries ran outside any operation: in no figure here.")
    reasons += [f"A fault of otel-verein itself at {site}: {n:,}." for site, n in report.internal_errors.items()]
    return joined(el("p", sentence), el("ul", [el("li", each) for each in (*reasons, *report.notes)]))
