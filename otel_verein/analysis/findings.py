"""Findings over all operations: how often, how much they waste, how severe, at which line."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from otel_verein.config.schema import NPlusOne
from otel_verein.sources.base import FindingRow

VERBS = ("select", "insert", "update", "delete")


@dataclass(frozen=True, slots=True)
class CallSite:
    """The line of the application that ran the statement; None for what is not known."""

    file: str
    line: int | None
    function: str | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One statement, or sequence, repeated at one call site of one operation.

    ``time_wasted_s`` is measured: the time of all repeats but one, at their mean. ``stack`` holds the call
    site and its callers, innermost first.
    """

    kind: str
    verb: str
    service: str
    operation: str
    summary: str | None
    statement: str | None
    fingerprint: str
    db_system: str | None
    operations_seen: int
    repeats_mean: float
    repeats_max: int
    queries_wasted: int
    time_wasted_s: float | None
    severity: str
    call_site: CallSite | None
    stack: tuple[str, ...]
    example_trace_id: str | None


def findings(rows: Iterable[FindingRow], config: NPlusOne) -> tuple[Finding, ...]:
    """The findings, those that waste the most time first, of unknown time last."""
    groups: dict[tuple[object, ...], list[FindingRow]] = defaultdict(list)
    for row in rows:
        site = (row.file, row.line, row.function)
        groups[row.service, row.operation, row.kind, row.fingerprint, site].append(row)
    found = [_finding(group, config) for group in groups.values()]
    return tuple(sorted(found, key=_order))


def severity(repeats: int, config: NPlusOne) -> str:
    """The word for the most repeats that one operation had."""
    if repeats > config.critical_repeats:
        return "critical"
    if repeats > config.high_repeats:
        return "high"
    return "medium" if repeats > config.medium_repeats else "low"


def _finding(group: list[FindingRow], config: NPlusOne) -> Finding:
    worst = max(group, key=lambda row: row.repeats_max)
    wasted_ms = [row.wasted_ms for row in group if row.wasted_ms is not None]
    return Finding(
        kind=worst.kind,
        verb=_verb(worst.verb or worst.summary or ""),
        service=worst.service,
        operation=worst.operation,
        summary=worst.summary,
        statement=worst.statement,
        fingerprint=worst.fingerprint,
        db_system=worst.db_system,
        operations_seen=sum(row.operations for row in group),
        repeats_mean=sum(row.repeats_sum for row in group) / sum(row.events for row in group),
        repeats_max=worst.repeats_max,
        queries_wasted=sum(row.wasted_queries for row in group),
        time_wasted_s=math.fsum(wasted_ms) / 1000 if len(wasted_ms) == len(group) else None,
        severity=severity(worst.repeats_max, config),
        call_site=None if worst.file is None else CallSite(worst.file, worst.line, worst.function),
        stack=worst.stack,
        example_trace_id=worst.trace_id,
    )


def _verb(text: str) -> str:
    words = text.lower().split()
    return words[0] if words and words[0] in VERBS else "other"


def _order(finding: Finding) -> tuple[float, int, str, str, str, str]:
    time = math.inf if finding.time_wasted_s is None else -finding.time_wasted_s
    site = "" if finding.call_site is None else f"{finding.call_site.file}:{finding.call_site.line}"
    return time, -finding.queries_wasted, finding.service, finding.operation, finding.fingerprint, site
