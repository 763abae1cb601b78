"""Findings as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otel_verein.analysis.advice import advise
from otel_verein.analysis.findings import Finding
from otel_verein.api.findings import FindingsAnswer
from otel_verein.rendering.markdown.cells import code, marked, table
from otel_verein.rendering.words import ABSENT, kind, known, many, place, seconds, subject, window

_HEADS: Final = ("", "severity", "finding", "where", "seen in:", "saves queries:", "time:", "mend")


def render(answer: FindingsAnswer, source: str, limit: int) -> str:
    """The whole answer, with at most *limit* findings."""
    return "\n".join(
        [
            f"### {many(len(answer.findings), 'finding')} in {many(answer.operations, 'operation')}",
            "",
            f"{window(answer.window)}, from {code(source)}.",
            "",
            *finding_lines(answer.findings, answer.operations, limit),
        ]
    )


def finding_lines(found: Sequence[Finding], operations: int, limit: int) -> Iterator[str]:
    """A table of at most *limit* findings in so many *operations*."""
    if not found:
        yield f"No finding in {many(operations, 'operation')}."
        return
    yield from table(_HEADS, [_row(rank, finding) for rank, finding in enumerate(found[:limit], start=1)])
    if len(found) > limit:
        yield ""
        yield f"And {many(len(found) - limit, 'finding')} more that waste less."


def _row(rank: int, finding: Finding) -> list[str]:
    about = subject(finding)
    return [
        str(rank),
        marked(finding.severity),
        f"{marked(kind(finding))}<br>{code(finding.operation)}" + (f"<br>{code(about)}" if about else ""),
        code(place(finding.call_site)) if finding.call_site else ABSENT,
        f"{finding.operations_seen:,}",
        known(finding.saving.queries, "{:,}".format),
        known(finding.time_wasted_s, seconds),
        marked(advise(finding).title),
    ]
