"""Findings on the page: a table to sort, and below it each with its statement, its line and what mends it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from otel_verein.analysis.advice import advise
from otel_verein.analysis.findings import SEVERITIES, Finding
from otel_verein.rendering.html.markup import Html, el, joined
from otel_verein.rendering.html.tables import Cell, Head, number, table
from otel_verein.rendering.words import cut, kind, known, many, measured, place, saved, seconds, short_path, subject

_STATEMENT: Final = 4000
_SEARCHED: Final = 600
_HEADS: Final = (
    Head("finding", number=False),
    Head("kind", number=False),
    Head("severity"),
    Head("seen in", "operations it was seen in"),
    Head("queries", "queries that mending it saves"),
    Head("time", "time that it takes beyond what is due"),
)


def findings(found: Sequence[Finding], operations: int, most: int, shown: Collection[str]) -> Html:
    """At most *most* of the findings in so many *operations*; *shown* are the ids of the traces on the page."""
    if not found:
        return el("p", f"No finding in {many(operations, 'operation')}.")
    listed = list(enumerate(found[:most], start=1))
    hidden = len(found) - len(listed)
    more = el("p", f"{many(hidden, 'finding')} that waste less are left out.", class_="quiet") if hidden > 0 else None
    label = f"{many(len(found), 'finding')} in {many(operations, 'operation')}, the most time wasted first"
    rows = [(searched(finding), _row(rank, finding)) for rank, finding in listed]
    return joined(table(label, _HEADS, rows), more, [_finding(rank, finding, shown) for rank, finding in listed])


def badge(severity: str) -> Html:
    """A word of severity or of a level, in its colour."""
    return el("span", severity, class_=f"badge {severity}")


def _row(rank: int, finding: Finding) -> list[Cell]:
    name = subject(finding) or finding.operation
    where = el("div", finding.operation, class_="quiet") if subject(finding) else None
    worse = SEVERITIES.index(finding.severity) if finding.severity in SEVERITIES else None
    return [
        Cell(joined(el("a", f"{rank}. {name}", href=f"#finding-{rank}"), where), name),
        Cell(kind(finding)),
        Cell(badge(finding.severity), worse),
        number(finding.operations_seen, f"{finding.operations_seen:,}"),
        number(finding.saving.queries, known(finding.saving.queries, "{:,}".format)),
        number(finding.time_wasted_s, known(finding.time_wasted_s, seconds)),
    ]


def _finding(rank: int, finding: Finding, shown: Collection[str]) -> Html:
    head = el(
        "h3", f"{rank}. {subject(finding) or finding.operation}", badge(finding.severity), el("span", kind(finding))
    )
    advice = advise(finding)
    facts: list[tuple[str, str | Html | None]] = [
        ("operation", f"{finding.operation} ({finding.service})"),
        ("measured", measured(finding)),
        ("at", el("span", place(finding.call_site), class_="code") if finding.call_site else None),
        ("called from", _stack(finding)),
        ("mend", joined(el("strong", advice.title), el("p", advice.why), el("pre", advice.how), _doc(advice.doc))),
        ("saves", _saving(finding)),
        ("library", " ".join(filter(None, (finding.orm, finding.orm_version, finding.via))) or None),
        ("example", _example(finding, shown)),
    ]
    listed = el("dl", [joined(el("dt", name), el("dd", words)) for name, words in facts if words])
    statement = el("pre", cut(finding.statement, _STATEMENT)) if finding.statement else None
    return el("article", head, statement, listed, class_="finding", id=f"finding-{rank}", data_search=searched(finding))


def _doc(address: str | None) -> Html | None:
    return el("p", el("a", address, href=address, rel="noreferrer")) if address else None


def _stack(finding: Finding) -> Html | None:
    callers = finding.stack if finding.call_site is None else finding.stack[1:]
    return el("div", [el("div", short_path(frame), class_="code") for frame in callers]) if callers else None


def _saving(finding: Finding) -> str | None:
    saving = finding.saving
    if saving.queries is None and saving.time_s is None:
        return None
    return f"{saved(saving)}: {saving.how}"


def _example(finding: Finding, shown: Collection[str]) -> Html | str | None:
    trace_id = finding.example_trace_id
    if trace_id is None or trace_id not in shown:
        return trace_id
    return el("a", f"trace {trace_id}", href=f"#trace-{trace_id}")


def searched(finding: Finding) -> str:
    """What the search field looks through for a finding."""
    site = finding.call_site.file if finding.call_site else ""
    statement = cut(finding.statement or "", _SEARCHED)
    parts = (finding.operation, finding.service, subject(finding), statement, site, kind(finding))
    return " ".join(filter(None, (*parts, finding.severity))).lower()
