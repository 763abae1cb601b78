"""A comparison as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from otel_verein.analysis.compare import Comparison, OperationChange
from otel_verein.analysis.compare_figures import DURATION, QUERIES
from otel_verein.analysis.compare_findings import STAYED, FindingChange
from otel_verein.rendering.changes import changed_by, interval, removed
from otel_verein.rendering.markdown.cells import code, marked, table
from otel_verein.rendering.words import ABSENT, decimal, many, ms, name_of, window

_HEADS: Final = ("operation", "n:", "queries:", "ms:", "change:", "95 %:", "verdict")
_FINDINGS: Final = ("", "finding", "operation", "queries:", "where")


def render(answer: Comparison, limit: int) -> str:
    """The verdict, what changed most, and the findings that are gone or new; at most *limit* rows of each."""
    return "\n".join(_lines(answer, limit))


def _lines(answer: Comparison, limit: int) -> Iterator[str]:
    yield f"### {marked(answer.verdict.capitalize())}"
    yield ""
    for when, side in (("Before", answer.before), ("After", answer.after)):
        yield f"- {when}: {code(side.name)}, n = {side.count:,}, {window(side.window)}"
    yield f"- {removed(answer).capitalize()}."
    yield ""
    if answer.operations:
        yield from table(_HEADS, [_row(each) for each in answer.operations[:limit]])
        yield ""
        yield (
            f"Worse or better: the 95 % interval is beyond {answer.margin:.0%}; {many(answer.tested, 'figure')} "
            "judged, chance among so many held back."
        )
    else:
        yield "No operation is on both sides."
    changed = [each for each in answer.findings if each.status != STAYED]
    yield ""
    if changed:
        yield from table(_FINDINGS, [_finding(each) for each in changed[:limit]])
    else:
        yield f"No finding is gone or new; {len(answer.findings)} stayed."


def _row(change: OperationChange) -> list[str]:
    queries, mean = change.figure(QUERIES), change.figure(DURATION)
    return [
        code(name_of(change.key)),
        f"{change.before.count:,} → {change.after.count:,}",
        _from_to(queries.before, queries.after, decimal),
        _from_to(mean.before, mean.after, ms),
        changed_by(mean),
        interval(mean),
        marked(change.verdict),
    ]


def _from_to(before: float | None, after: float | None, show: Callable[[float], str]) -> str:
    return " → ".join(ABSENT if value is None else show(value) for value in (before, after))


def _finding(change: FindingChange) -> list[str]:
    shown = change.shown
    queries = ABSENT if change.queries_removed is None else f"{-change.queries_removed:+,.0f}"
    return [
        marked(change.status),
        code(shown.summary or change.key.fingerprint),
        code(change.key.operation),
        queries,
        code(shown.call_site) if shown.call_site else ABSENT,
    ]
