"""Findings about whole operations: those that ask a lot of small questions, and those that fail."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from otel_verein.analysis.findings import CHATTY, COUNTED, ERRORS, SAMPLED, Finding, Saving
from otel_verein.analysis.intervals import wilson
from otel_verein.analysis.operations import OperationStats, resting_on
from otel_verein.analysis.statements import StatementStats
from otel_verein.config.schema import Config


def chatty(stats: Iterable[OperationStats], config: Config, repeats: Iterable[Finding]) -> list[Finding]:
    """The operations that run ``analysis.chatty_queries`` or more on the mean, those not counted that *repeats* save.

    What is left are many different statements, or few repeats of many, which no single finding tells.
    """
    saved: defaultdict[tuple[str, str], int] = defaultdict(int)
    for finding in repeats:
        saved[finding.service, finding.operation] += finding.queries_wasted or 0
    stats = list(stats)
    runs = _runs(stats)
    found = []
    for each in stats:
        name = (each.key.service, each.key.operation)
        if each.queries is None or each.queries.mean is None or resting_on(each) < config.health.minimum_operations:
            continue
        # Findings do not tell kinds apart: an operation that comes in two gets its share of what they save.
        less = saved[name] / runs[name]
        if each.queries.mean - less >= config.analysis.chatty_queries:
            found.append(_chatty(each, config, less))
    return found


def errors(
    stats: Iterable[OperationStats], config: Config, statements: Mapping[tuple[str, str], StatementStats]
) -> list[Finding]:
    """The operations of which ``analysis.error_share`` or more fail, for all that chance can do.

    The lower bound of the 95 % Wilson interval has to reach the share: with hundreds of names, some operation fails
    once in thirty by chance alone, and a share of few says little of the next. *statements* has, by service and
    operation, the statement that failed most in kept traces.
    """
    found = []
    for each in stats:
        n = resting_on(each)
        if n < config.health.minimum_operations or not each.errors:
            continue
        share = min(1.0, each.errors / each.count)
        low, high = wilson(share * n, n)
        if low >= config.analysis.error_share:
            failing = statements.get((each.key.service, each.key.operation))
            found.append(_errors(each, config, (share, low, high), failing))
    return found


def failing_most(statements: Iterable[StatementStats]) -> dict[tuple[str, str], StatementStats]:
    """By service and operation the statement with the most errors; nothing where none failed."""
    found: dict[tuple[str, str], StatementStats] = {}
    for each in statements:
        name = (each.service, each.operation)
        if each.errors > 0 and (name not in found or each.errors > found[name].errors):
            found[name] = each
    return found


def _chatty(stats: OperationStats, config: Config, less: float) -> Finding:
    mean = (stats.queries.mean if stats.queries else None) or 0.0
    thresholds = config.thresholds.of(stats.key.operation)
    left = mean - less
    word = "high" if left > thresholds.queries_critical else "medium" if left > thresholds.queries else "low"
    beside = f", {left:.1f} without the repeats that are told apart" if less else ""
    error = stats.queries.mean_error if stats.queries else None
    about = f"{mean:.1f} queries on the mean" + (f" (+- {error:.1f} at 95 %)" if error else "")
    how = "which of the queries are needed, only the code can tell"
    return _about(stats, CHATTY, word, f"{about}{beside}; {_n(stats)}", Saving(None, None, how))


def _errors(
    stats: OperationStats, config: Config, shares: tuple[float, float, float], failing: StatementStats | None
) -> Finding:
    """Critical when failures use up more than the error budget for certain, high when they seem to."""
    share, low, high = shares
    budget = 1 - config.health.objective
    word = "critical" if low > budget else "high" if share > budget else "medium"
    why = f"{share:.2%} failed ({low:.2%} to {high:.2%} at 95 %): {stats.errors} of {_n(stats)}"
    if failing is not None:
        why += f"; of its statements failed most in kept traces: {failing.summary or failing.statement or 'unknown'}"
    how = "the time of the operations that failed is known, what they would take otherwise is not"
    return _about(stats, ERRORS, word, why, Saving(None, None, how), wasted_s=stats.errors_s, seen=stats.errors)


def _about(
    stats: OperationStats,
    kind: str,
    severity: str,
    why: str,
    saving: Saving,
    wasted_s: float | None = None,
    seen: int | None = None,
) -> Finding:
    return Finding(
        kind=kind,
        verb="other",
        service=stats.key.service,
        operation=stats.key.operation,
        summary=None,
        statement=None,
        fingerprint="",
        db_system=None,
        operations_seen=stats.count if seen is None else seen,
        repeats_mean=None,
        repeats_max=None,
        queries_wasted=None,
        time_wasted_s=wasted_s,
        severity=severity,
        call_site=None,
        stack=(),
        example_trace_id=None,
        basis=SAMPLED if stats.estimated else COUNTED,
        n=round(resting_on(stats)),
        why=why,
        saving=saving,
    )


def _n(stats: OperationStats) -> str:
    if not stats.estimated:
        return f"{stats.count} operations"
    error = f"+- {stats.duration.count_error:.0f} at 95 %"
    return f"about {stats.count} operations ({error}), estimated from {stats.duration.samples} seen"


def _runs(stats: Iterable[OperationStats]) -> Mapping[tuple[str, str], int]:
    runs: defaultdict[tuple[str, str], int] = defaultdict(int)
    for each in stats:
        if each.queries is not None:
            runs[each.key.service, each.key.operation] += each.queries.count
    return runs
