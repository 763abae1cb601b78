"""The report as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otel_verein.analysis.health import OperationHealth
from otel_verein.analysis.operations import OperationStats
from otel_verein.api.report import Report
from otel_verein.rendering.markdown.cells import code, marked, table
from otel_verein.rendering.markdown.findings import finding_lines
from otel_verein.rendering.words import amount, decimal, estimated_from, figure, lost, many, moment, ms, name_of, whole

_OPERATIONS: Final = 10
_FINDINGS: Final = 10
_HEADS: Final = ("operation", "n:", "errors:", "queries:", "p95:", "ms p50:", "ms p95:", "health:")


def render(report: Report, source: str) -> str:
    """The whole report, short: the operations with the most time, and the findings that waste the most."""
    return "\n".join(_lines(report, source))


def _lines(report: Report, source: str) -> Iterator[str]:
    count = report.count
    health = report.health
    score = "unknown" if health.score is None else f"{health.score:.1f} {health.level}"
    yield f"### Health {marked(score)} (n = {health.n:,})"
    yield ""
    if health.score is not None:
        yield f"Points lost: {marked(lost(health.lost))}."
    if report.start is not None and report.end is not None:
        yield f"{many(count, 'operation')}, {moment(report.start)} to {moment(report.end)} UTC, from {code(source)}."
    yield ""
    if report.operations:
        yield from table(_HEADS, [_row(stats, each) for stats, each in report.operations[:_OPERATIONS]])
        hidden = len(report.operations) - _OPERATIONS
        if hidden > 0:
            yield ""
            yield f"And {many(hidden, 'operation name')} more."
    yield ""
    if report.estimated:
        samples = sum(stats.duration.samples for stats, _ in report.operations)
        yield estimated_from(samples)
        yield ""
    yield f"#### {many(len(report.findings), 'finding')}"
    yield ""
    yield from finding_lines(report.findings, count, _FINDINGS)


def _row(stats: OperationStats, health: OperationHealth) -> list[str]:
    return [
        code(name_of(stats.key)),
        amount(stats.duration),
        f"{stats.errors:,}",
        figure(stats.queries, lambda values: values.mean, decimal),
        figure(stats.queries, lambda values: values.whole_percentile(0.95), whole),
        figure(stats.duration, lambda values: values.percentile(0.50), ms),
        figure(stats.duration, lambda values: values.percentile(0.95), ms),
        "unknown" if health.score is None else decimal(health.score),
    ]
