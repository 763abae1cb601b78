"""The report on a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from otel_verein import semconv
from otel_verein.analysis.bottlenecks import most_urgent
from otel_verein.analysis.health import UNKNOWN, OperationHealth
from otel_verein.analysis.operations import OperationStats
from otel_verein.api.report import Ignored, Report
from otel_verein.rendering.printable import clean
from otel_verein.rendering.terminal.findings import finding_lines, roadmap_lines
from otel_verein.rendering.terminal.screen import STYLES, fitted, text, wrapped
from otel_verein.rendering.terminal.table import Column, table
from otel_verein.rendering.words import (
    ABSENT,
    amount,
    decimal,
    estimated_from,
    figure,
    lost,
    many,
    moment,
    ms,
    name_of,
    whole,
)

_HANGING = 9
_ROADMAP = 5
"""Rows of what to mend first: the findings themselves are listed above it."""

_LETTERS = {"error": "e", "duration": "d", "queries": "q", "db_duration": "t", "n_plus_one": "n"}
_COLUMNS = (
    Column("operation"),
    Column("n"),
    Column("err"),
    Column("mean", "queries"),
    Column("p95", "queries", 2),
    Column("max", "queries", 4),
    Column("p50", "duration ms", 5),
    Column("p95", "duration ms"),
    Column("p99", "duration ms", 6),
    Column("db %", rank=3),
    Column("breaches", rank=1),
    Column("health"),
)
_LEGEND = (
    "breaches: operations with e error, d duration, q queries, t database time, n N+1.",
    f"{ABSENT} none or not measured; {UNKNOWN}: too few operations, or loss in the pipeline.",
)


def lines(report: Report, place: str, limit: int, width: int, operation: str | None = None) -> Iterator[Text]:
    """The whole report, each line at most *width* columns; at most *limit* rows of each table."""
    yield from _header(report, place, width, operation)
    yield text("")
    yield from _operations(report, limit, width)
    yield text("")
    yield from _bottlenecks(report, limit, width)
    yield from finding_lines(report.findings, report.count, limit, width)
    if len(report.roadmap) > 1:
        yield text("")
        yield from roadmap_lines(report.roadmap, min(limit, _ROADMAP), width)
    yield from _tail(report, width)


def _header(report: Report, place: str, width: int, operation: str | None) -> Iterator[Text]:
    services = sorted({stats.key.service for stats, _ in report.operations})
    matching = f" matching {operation!r}" if operation else ""
    count = many(report.count, "operation")
    yield from wrapped(clean(f"{', '.join(services) or 'no service'}: {count}{matching}, from {place}"), width)
    if report.start is not None and report.end is not None:
        length = (report.end - report.start).total_seconds()
        yield text(f"window   {moment(report.start)} to {moment(report.end)} UTC ({length:.0f} s)")
    yield from _health(report, width)
    yield from wrapped(_loss(report), width, _HANGING)


def _health(report: Report, width: int) -> Iterator[Text]:
    health = report.health
    if health.score is None:
        why = f": {clean(health.why)}" if health.why else ""
        words = f"health   {UNKNOWN} (n = {health.n}){why}"
    else:
        worst = f"; worst: {clean(health.worst_operation)}" if health.worst_operation else ""
        words = f"health   {health.score:.1f} {health.level} (n = {health.n}); lost: {lost(health.lost)}{worst}"
    for line in wrapped(words, width, _HANGING):
        line.highlight_words([health.level], STYLES.get(health.level, ""))
        yield line


def _loss(report: Report) -> str:
    loss = report.loss
    if loss.started is None or loss.kept is None or loss.sampled_out is None:
        return f"loss     {UNKNOWN}: no counters were found"
    reasons = ", ".join(f"{clean(reason)} {amount}" for reason, amount in loss.dropped.items() if amount)
    line = (
        f"loss     started {loss.started} = kept {loss.kept} + sampled out {loss.sampled_out}; "
        f"kept {loss.kept} = exported {loss.exported} + dropped {sum(loss.dropped.values())}"
    ) + (f" ({reasons})" if reasons else "")
    missing = loss.started - loss.kept - loss.sampled_out
    return f"{line}; {missing:+d} not accounted for" if missing else line


def _operations(report: Report, limit: int, width: int) -> Iterator[Text]:
    if not report.operations:
        yield text("No operation was measured.")
        return
    several = len({stats.key.service for stats, _ in report.operations}) > 1
    rows = [_row(stats, health, several) for stats, health in report.operations[:limit]]
    yield from table(_COLUMNS, rows, width)
    hidden = len(report.operations) - limit
    if hidden > 0:
        yield text(f"... and {many(hidden, 'operation name')} more (--limit)")
    for line in _LEGEND:
        yield from wrapped(line, width)
    if report.estimated:
        samples = sum(stats.duration.samples for stats, _ in report.operations)
        yield from wrapped(estimated_from(samples), width)


def _bottlenecks(report: Report, limit: int, width: int) -> Iterator[Text]:
    """The operations that something slows down, the most urgent first."""
    judged = most_urgent(report.judgements.values())
    if not judged:
        return
    yield text(f"{many(len(judged), 'operation name')} with bottlenecks, the most urgent first", "bold")
    for each in judged[:limit]:
        reasons = "; ".join(clean(reason.summary) for reason in each.bottlenecks)
        line = text(f"{each.priority:<9}{name_of(each.key)}: {reasons}")
        line.highlight_words([each.priority], STYLES.get(each.priority, ""))
        yield fitted(line, width)
    if len(judged) > limit:
        yield text(f"... and {many(len(judged) - limit, 'operation name')} more (--limit)")
    yield text("")


def _row(stats: OperationStats, health: OperationHealth, with_service: bool) -> list[str | Text]:
    queries = stats.queries
    breaches = " ".join(f"{letter}{stats.breaches[name]}" for name, letter in _LETTERS.items() if stats.breaches[name])
    share = stats.db_share
    return [
        name_of(stats.key, with_service=with_service),
        amount(stats.duration),
        text(str(stats.errors), STYLES["high"] if stats.errors else ""),
        figure(queries, lambda values: values.mean, decimal),
        figure(queries, lambda values: values.whole_percentile(0.95), whole),
        figure(queries, lambda values: values.maximum, whole),
        figure(stats.duration, lambda values: values.percentile(0.50), ms),
        figure(stats.duration, lambda values: values.percentile(0.95), ms),
        figure(stats.duration, lambda values: values.percentile(0.99), ms),
        ABSENT if share is None else f"{share * 100:.0f}",
        breaches or ABSENT,
        UNKNOWN if health.score is None else f"{health.score:.1f}",
    ]


def _tail(report: Report, width: int) -> Iterator[Text]:
    if report.ignored:
        yield text("")
    for each in report.ignored:
        yield fitted(text(ignored_words(each)), width)
    if report.unattributed_queries:
        yield text("")
        yield from wrapped(
            f"{many(report.unattributed_queries, 'query', 'queries')} ran outside any operation "
            "(start-up, threads without context): in no figure above.",
            width,
        )
        yield text("A span around that work makes an operation of it.")
    if report.internal_errors:
        sites = ", ".join(f"{clean(site)} {amount}" for site, amount in report.internal_errors.items())
        yield text("")
        yield from wrapped(f"otel-verein itself had faults, figures may be incomplete: {sites}", width)


def ignored_words(each: Ignored) -> str:
    """What became of one rule that ignores repeats, and what to do about it."""
    name, rule = clean(each.name), each.rule
    if rule is None:
        who = "the code itself" if each.name == semconv.IGNORED_BY_CODE else f"a rule that is gone: {name}"
        return f"ignored {many(each.findings, 'finding')} by {who}"
    reason = clean(rule.reason)
    if each.expired:
        return f"ignore rule expired on {rule.until}: {name} ({reason}); remove or renew it"
    if not each.findings:
        return f"ignore rule without use: {name} ({reason}); remove it"
    return f"ignored {many(each.findings, 'finding')} until {rule.until}: {name} ({reason})"
