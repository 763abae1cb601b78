"""A comparison on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.text import Text

from otel_verein.analysis.compare import Comparison, OperationChange
from otel_verein.analysis.compare_figures import DURATION, QUERIES, TAIL
from otel_verein.analysis.compare_findings import STAYED, FindingChange
from otel_verein.analysis.compare_sides import Side
from otel_verein.rendering.changes import changed_by, interval, removed
from otel_verein.rendering.printable import clean
from otel_verein.rendering.terminal.screen import STYLES, fitted, text, verdict, wrapped
from otel_verein.rendering.terminal.table import Column, table
from otel_verein.rendering.words import ABSENT, decimal, many, ms, name_of, window

_REASONS: Final = 8
_COLUMNS: Final = (
    Column("operation"),
    Column("before", "n", 5),
    Column("after", "n", 5),
    Column("before", "queries mean", 1),
    Column("after", "queries mean", 1),
    Column("before", "ms mean", 4),
    Column("after", "ms mean", 4),
    Column("change", "ms mean", 2),
    Column("95 %", "ms mean", 3),
    Column("p95", "change", 6),
    Column("verdict", left=True),
)
_STYLES: Final = {"gone": STYLES["better"], "new": STYLES["worse"], "unclear": STYLES["inconclusive"]}


def lines(answer: Comparison, limit: int, width: int) -> Iterator[Text]:
    """The verdict, its reasons, and at most *limit* rows of each table, each line at most *width* columns."""
    yield Text.assemble("verdict  ", verdict(answer.verdict, answer.verdict.upper()))
    yield from wrapped(f"before   {_side(answer.before)}", width, 9)
    yield from wrapped(f"after    {_side(answer.after)}", width, 9)
    yield from wrapped(f"queries  {removed(answer)}", width, 9)
    for reason in answer.reasons[:_REASONS]:
        yield from wrapped(f"- {clean(reason)}", width, 2)
    if len(answer.reasons) > _REASONS:
        yield text(f"- and {many(len(answer.reasons) - _REASONS, 'reason')} more (--json)")
    yield text("")
    if answer.operations:
        several = len({each.key.service for each in answer.operations}) > 1
        yield from table(_COLUMNS, [_row(each, several) for each in answer.operations[:limit]], width)
        if len(answer.operations) > limit:
            yield text(f"... and {many(len(answer.operations) - limit, 'operation name')} more (--limit)")
        yield from wrapped(
            f"worse or better: the 95 % interval is beyond {answer.margin:.0%}; "
            f"{many(answer.tested, 'figure')} judged, held back what may well be chance among so many.",
            width,
        )
    else:
        yield text("No operation is on both sides.")
    yield from _one_sided(answer, limit, width)
    yield from _findings(answer, limit, width)


def _side(side: Side) -> str:
    return f"{clean(side.name)}: {many(side.count, 'operation')}, {window(side.window)}"


def _row(change: OperationChange, several: bool) -> list[str | Text]:
    queries, mean, tail = (change.figure(name) for name in (QUERIES, DURATION, TAIL))
    return [
        name_of(change.key, with_service=several),
        str(change.before.count),
        str(change.after.count),
        *(ABSENT if value is None else decimal(value) for value in (queries.before, queries.after)),
        *(ABSENT if value is None else ms(value) for value in (mean.before, mean.after)),
        changed_by(mean),
        interval(mean),
        changed_by(tail),
        verdict(change.verdict),
    ]


def _one_sided(answer: Comparison, limit: int, width: int) -> Iterator[Text]:
    for sides, when in ((answer.only_before, "only before"), (answer.only_after, "only after")):
        if sides:
            yield text("")
            names = [f"{name_of(each.key)} (n = {each.count})" for each in sides[:limit]]
            more = [f"{len(sides) - limit} more"] if len(sides) > limit else []
            yield from wrapped(f"{when}: {', '.join([*names, *more])}", width, 2)


def _findings(answer: Comparison, limit: int, width: int) -> Iterator[Text]:
    changed = [each for each in answer.findings if each.status != STAYED]
    stayed = len(answer.findings) - len(changed)
    yield text("")
    yield text(f"findings: {', '.join(_counts(answer)) or 'none on either side'}")
    for change in changed[:limit]:
        yield from _finding(change, width)
    if len(changed) > limit:
        yield text(f"... and {many(len(changed) - limit, 'finding')} more (--limit)")
    if stayed and not changed:
        yield text("No finding is gone, and none is new.")


def _counts(answer: Comparison) -> Iterator[str]:
    for status in ("gone", "new", "unclear", "stayed"):
        number = sum(each.status == status for each in answer.findings)
        if number:
            yield f"{number} {status}"


def _finding(change: FindingChange, width: int) -> Iterator[Text]:
    shown = change.shown
    queries = ""
    if change.queries_removed:
        word = "fewer" if change.queries_removed > 0 else "more"
        queries = f", {abs(change.queries_removed):,.0f} queries {word}"
    words = f" {clean(change.key.operation)}   {clean(shown.summary or change.key.fingerprint)}{queries}"
    status = text(f"{change.status:>8}", _STYLES.get(change.status, ""))
    yield fitted(Text.assemble(status, text(words)), width)
    if shown.call_site:
        yield fitted(text(f"{'':9}at {clean(shown.call_site)}", "cyan"), width)
    if change.why:
        yield from wrapped(f"{'':9}{clean(change.why)}", width, 9)
