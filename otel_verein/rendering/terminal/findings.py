"""Findings on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from otel_verein.analysis.advice import Advice, advise
from otel_verein.analysis.findings import Finding
from otel_verein.analysis.roadmap import Step
from otel_verein.api.findings import FindingsAnswer
from otel_verein.rendering.printable import clean
from otel_verein.rendering.terminal.screen import STYLES, fitted, text, wrapped
from otel_verein.rendering.terminal.table import Column, table
from otel_verein.rendering.words import (
    ABSENT,
    kind,
    known,
    many,
    measured,
    percent,
    place,
    saved,
    seconds,
    short_path,
    subject,
    window,
)

_INDENT = 3
_ROADMAP = (
    Column("finding"),
    Column("queries", "saves"),
    Column("time", "saves"),
    Column("of operation", "saves", 2),
    Column("queries", "with those above", 3),
    Column("time", "with those above", 3),
    Column("of all time", "with those above", 1),
)


def lines(answer: FindingsAnswer, limit: int, width: int) -> Iterator[Text]:
    """The findings, then what to mend first, each line at most *width* columns."""
    yield text(f"window   {window(answer.window)}")
    yield from finding_lines(answer.findings, answer.operations, limit, width, at_length=True)
    if len(answer.roadmap) > 1:
        yield text("")
        yield from roadmap_lines(answer.roadmap, limit, width)


def roadmap_lines(steps: Sequence[Step], limit: int, width: int) -> Iterator[Text]:
    """What to mend first, and what all up to there saves."""
    words = "mend in this order: what each saves, and what it saves together with those above it"
    yield from wrapped(words, width)
    yield from table(_ROADMAP, [_step(step) for step in steps[:limit]], width)


def _step(step: Step) -> list[str | Text]:
    finding, saving = step.finding, step.finding.saving
    share = step.cumulative_share
    return [
        f"{step.rank}. {clean(finding.operation)}: {subject(finding) or kind(finding)}",
        known(saving.queries, lambda value: f"{value:,.0f}", ABSENT),
        known(saving.time_s, seconds, ABSENT),
        known(step.share_of_operation, percent, ABSENT),
        f"{step.cumulative_queries:,}",
        seconds(step.cumulative_time_s),
        known(share, percent, ABSENT),
    ]


def finding_lines(
    found: Sequence[Finding], operations: int, limit: int, width: int, *, at_length: bool = False
) -> Iterator[Text]:
    """At most *limit* of the findings in so many *operations*; *at_length* with reason and code of what mends them."""
    if not found:
        yield text(f"No finding in {many(operations, 'operation')}.")
        return
    yield text(f"{many(len(found), 'finding')} in {many(operations, 'operation')}, the most time wasted first")
    for number, finding in enumerate(found[:limit], start=1):
        yield text("")
        yield from _finding(number, finding, width, at_length)
    hidden = len(found) - limit
    if hidden > 0:
        yield text("")
        yield text(f"... and {many(hidden, 'finding')} more (--limit)")


def _finding(number: int, finding: Finding, width: int, at_length: bool) -> Iterator[Text]:
    first = f"{number}. {finding.severity.upper()} {kind(finding)}: {measured(finding)}"
    for line in wrapped(first, width, _INDENT):
        line.highlight_words([finding.severity.upper()], STYLES.get(finding.severity, ""))
        yield line
    yield fitted(text(f"   {clean(finding.operation)}   {subject(finding)}", "bold"), width)
    if finding.call_site is not None or finding.statement:
        yield fitted(text(f"   at {place(finding.call_site)}", "cyan"), width)
    for frame in finding.stack if finding.call_site is None else finding.stack[1:]:
        yield fitted(text(f"      called from {short_path(frame)}"), width)
    if finding.statement:
        yield fitted(text(f"   {clean(finding.statement)}", "dim"), width)
    yield from _advice(finding, advise(finding), width, at_length)
    saving = finding.saving
    if saving.queries or saving.time_s:
        yield fitted(text(f"   saves: {saved(saving)}", "green"), width)


def _advice(finding: Finding, advice: Advice, width: int, at_length: bool) -> Iterator[Text]:
    yield from wrapped(f"   mend: {advice.title}", width, _INDENT + 3)
    if at_length:
        if finding.orm is not None:
            ran = " ".join(clean(part) for part in (finding.orm, finding.orm_version, finding.via) if part)
            yield from wrapped(f"      ran through {ran}", width, _INDENT + 3)
        yield from wrapped(f"      {advice.why}", width, _INDENT + 3)
        for line in advice.how.splitlines():
            yield text(f"         {line}", "italic")
        if advice.doc is not None:
            yield text(f"      {advice.doc}", "dim")
