"""The report as plain text for a terminal of 120 columns."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence

from otel_verein import semconv
from otel_verein.analysis.findings import Finding
from otel_verein.analysis.health import UNKNOWN, OperationHealth
from otel_verein.analysis.histogram import Distribution
from otel_verein.analysis.operations import OperationStats
from otel_verein.api.report import Report
from otel_verein.cli.terminal import printable

_WIDTH = 120
_ABSENT = "-"
_BREACH_LETTERS = {"error": "e", "duration": "d", "queries": "q", "db_duration": "t", "n_plus_one": "n"}
_INSTALLED = re.compile(r"\S*/(?:site|dist)-packages/")
_HEADINGS = ("operation", "n", "err", "mean", "p95", "max", "p50", "p95", "p99", "db %", "breaches", "health")
_GROUPS = {"queries": (3, 6), "duration ms": (6, 9)}
"""The headings above the headings: from which column on, and up to which."""

_LEGEND = (
    "breaches: operations with e error, d duration, q queries, t database time, n N+1.",
    f"{_ABSENT} none or not measured; {UNKNOWN}: too few operations, or loss in the pipeline.",
)


def render(report: Report, place: str, limit: int, operation: str | None = None) -> str:
    """The whole report as text; at most *limit* rows of each table."""
    lines = [
        *_header(report, place, operation),
        "",
        *_operations(report, limit),
        "",
        *_findings(report, limit),
        *_tail(report),
    ]
    return "\n".join(line.rstrip() for line in lines)


def _header(report: Report, place: str, operation: str | None) -> Iterator[str]:
    count = sum(stats.count for stats, _ in report.operations)
    services = sorted({stats.key.service for stats, _ in report.operations})
    matching = f" matching {operation!r}" if operation else ""
    yield _clean(f"{', '.join(services) or 'no service'}: {_many(count, 'operation')}{matching}, from {place}")
    if report.start is not None and report.end is not None:
        seconds = (report.end - report.start).total_seconds()
        yield f"window   {report.start:%Y-%m-%d %H:%M:%S} to {report.end:%Y-%m-%d %H:%M:%S} UTC ({seconds:.0f} s)"
    yield _health_line(report)
    yield _loss_line(report)


def _health_line(report: Report) -> str:
    health = report.health
    if health.score is None:
        return f"health   {UNKNOWN} (n = {health.n})"
    lost = ", ".join(f"{cause} {points:.1f}" for cause, points in health.lost.items() if points)
    worst = f"; worst: {_clean(health.worst_operation)}" if health.worst_operation else ""
    return f"health   {health.score:.1f} {health.level} (n = {health.n}); lost: {lost or 'nothing'}{worst}"


def _loss_line(report: Report) -> str:
    loss = report.loss
    if loss.started is None or loss.kept is None or loss.sampled_out is None:
        return f"loss     {UNKNOWN}: no counters were found"
    reasons = ", ".join(f"{_clean(reason)} {amount}" for reason, amount in loss.dropped.items() if amount)
    line = (
        f"loss     started {loss.started} = kept {loss.kept} + sampled out {loss.sampled_out}; "
        f"kept {loss.kept} = exported {loss.exported} + dropped {sum(loss.dropped.values())}"
    ) + (f" ({reasons})" if reasons else "")
    missing = loss.started - loss.kept - loss.sampled_out
    return f"{line}; {missing:+d} not accounted for" if missing else line


def _operations(report: Report, limit: int) -> Iterator[str]:
    if not report.operations:
        yield "No operation was measured."
        return
    several = len({stats.key.service for stats, _ in report.operations}) > 1
    rows = [_row(stats, health, several) for stats, health in report.operations[:limit]]
    yield from _table(rows)
    hidden = len(report.operations) - limit
    if hidden > 0:
        yield f"... and {_many(hidden, 'operation name')} more (--limit)"
    yield from _LEGEND


def _row(stats: OperationStats, health: OperationHealth, with_service: bool) -> tuple[str, ...]:
    queries, key = stats.queries, stats.key
    name = key.operation if key.kind == "server" else f"{key.operation} ({key.kind})"
    breaches = " ".join(
        f"{letter}{stats.breaches[name]}" for name, letter in _BREACH_LETTERS.items() if stats.breaches[name]
    )
    return (
        _clean(f"{key.service}: {name}" if with_service else name),
        str(stats.count),
        str(stats.errors),
        _figure(queries, lambda values: values.mean, _decimal),
        _figure(queries, lambda values: values.whole_percentile(0.95), _whole),
        _figure(queries, lambda values: values.maximum, _whole),
        _figure(stats.duration, lambda values: values.percentile(0.50), _ms),
        _figure(stats.duration, lambda values: values.percentile(0.95), _ms),
        _figure(stats.duration, lambda values: values.percentile(0.99), _ms),
        _ABSENT if stats.db_share is None else f"{stats.db_share * 100:.0f}",
        breaches or _ABSENT,
        UNKNOWN if health.score is None else f"{health.score:.1f}",
    )


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in (_HEADINGS, *rows)) for column in range(len(_HEADINGS))]
    others = sum(widths[1:]) + 2 * len(widths[1:])
    widths[0] = min(widths[0], max(24, _WIDTH - others))
    starts = [sum(widths[:column]) + 2 * column for column in range(len(widths) + 1)]
    top = ""
    for title, (first, end) in _GROUPS.items():
        top = top.ljust(starts[first]) + title.center(starts[end] - starts[first] - 2, "-")
    yield top
    for row in (_HEADINGS, *rows):
        cells = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        yield "  ".join([_cut(row[0], widths[0]).ljust(widths[0]), *cells])


def _findings(report: Report, limit: int) -> Iterator[str]:
    count = sum(stats.count for stats, _ in report.operations)
    if not report.findings:
        yield f"No finding in {_many(count, 'operation')}."
        return
    yield f"{_many(len(report.findings), 'finding')} in {_many(count, 'operation')}, the most time wasted first"
    for number, finding in enumerate(report.findings[:limit], start=1):
        yield ""
        yield from _finding(number, finding)
    hidden = len(report.findings) - limit
    if hidden > 0:
        yield ""
        yield f"... and {_many(hidden, 'finding')} more (--limit)"


def _finding(number: int, finding: Finding) -> Iterator[str]:
    time = UNKNOWN if finding.time_wasted_s is None else f"{finding.time_wasted_s:.3f} s"
    yield _cut(
        f"{number}. {finding.severity.upper()} {_kind(finding)}: {finding.repeats_mean:.1f} repeats "
        f"(max {finding.repeats_max}) in {_many(finding.operations_seen, 'operation')}; "
        f"wasted {_many(finding.queries_wasted, 'query', 'queries')}, time {time}",
        _WIDTH,
    )
    summary = finding.summary or f"statement {finding.fingerprint}"
    yield _cut(f"   {_clean(finding.operation)}   {_clean(summary)}", _WIDTH)
    site = finding.call_site
    if site is None:
        yield f"   at {UNKNOWN}"
    else:
        line = "" if site.line is None else f":{site.line}"
        function = "" if site.function is None else f" in {_clean(site.function)}"
        yield f"   at {_clean(_short(site.file))}{line}{function}"
    for frame in finding.stack if site is None else finding.stack[1:]:
        yield f"      called from {_clean(_short(frame))}"
    if finding.statement:
        yield _cut(f"   {_clean(finding.statement)}", _WIDTH)


def _kind(finding: Finding) -> str:
    """The kind of *finding* in words that claim no more than what was seen."""
    if finding.kind == "duplicate":
        return "duplicate, equal parameters"
    if finding.verb in ("insert", "update", "delete"):
        return "repeated write (N+1)"
    return "repeated query (N+1)" if finding.kind == "n_plus_one" else _clean(finding.kind)


def _tail(report: Report) -> Iterator[str]:
    yield from _ignored(report)
    if report.unattributed_queries:
        yield ""
        yield (
            f"{_many(report.unattributed_queries, 'query', 'queries')} ran outside any operation "
            "(start-up, threads without context): in no figure above."
        )
        yield "A span around that work makes an operation of it."
    if report.internal_errors:
        sites = ", ".join(f"{_clean(site)} {amount}" for site, amount in report.internal_errors.items())
        yield ""
        yield f"otel-verein itself had faults, figures may be incomplete: {sites}"


def _ignored(report: Report) -> Iterator[str]:
    if report.ignored:
        yield ""
    for each in report.ignored:
        name, rule = _clean(each.name), each.rule
        if rule is None:
            who = "the code itself" if each.name == semconv.IGNORED_BY_CODE else f"a rule that is gone: {name}"
            yield f"ignored {_many(each.findings, 'finding')} by {who}"
        elif each.expired:
            yield _cut(
                f"ignore rule expired on {rule.until}: {name} ({_clean(rule.reason)}); remove or renew it", _WIDTH
            )
        elif not each.findings:
            yield _cut(f"ignore rule without use: {name} ({_clean(rule.reason)}); remove it", _WIDTH)
        else:
            yield _cut(
                f"ignored {_many(each.findings, 'finding')} until {rule.until}: {name} ({_clean(rule.reason)})", _WIDTH
            )


def _short(path: str) -> str:
    """*path*, or a frame that starts with one, from the working directory or the installed package on."""
    here = os.getcwd().rstrip("/") + "/"
    installed = _INSTALLED.sub("", path, count=1)
    return installed if installed != path else path.removeprefix(here)


def _figure(
    values: Distribution | None,
    pick: Callable[[Distribution], float | None],
    show: Callable[[float], str],
) -> str:
    picked = None if values is None else pick(values)
    return _ABSENT if picked is None else show(picked)


def _decimal(value: float) -> str:
    return f"{value:.1f}"


def _whole(value: float) -> str:
    return f"{value:.0f}"


def _ms(seconds: float) -> str:
    milliseconds = seconds * 1000
    return f"{milliseconds:.0f}" if milliseconds >= 100 else f"{milliseconds:.1f}"


def _many(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


def _clean(text: str) -> str:
    """*text* on one line, without characters that would steer the terminal."""
    return " ".join(printable(text).split())
