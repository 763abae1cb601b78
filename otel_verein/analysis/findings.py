"""Findings: what costs more than it has to, how often, at which line, and what mending it saves.

This module holds the record, and the findings that are repeats; those about single statements are in
:mod:`otel_verein.analysis.statements`, those about whole operations in :mod:`otel_verein.analysis.findings_operations`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from otel_verein.config.schema import NPlusOne
from otel_verein.sources.rows import FindingRow

N_PLUS_ONE: Final = "n_plus_one"
DUPLICATE: Final = "duplicate"
SLOW_QUERY: Final = "slow_query"
LOOKS_UNINDEXED: Final = "looks_unindexed"
CHATTY: Final = "chatty"
ERRORS: Final = "errors"
KINDS: Final = (N_PLUS_ONE, DUPLICATE, SLOW_QUERY, LOOKS_UNINDEXED, CHATTY, ERRORS)

COUNTED: Final = "counted"
SAMPLED: Final = "sampled"

SEVERITIES: Final = ("low", "medium", "high", "critical")
"""From the least to the worst."""

VERBS = ("select", "insert", "update", "delete")


@dataclass(frozen=True, slots=True)
class CallSite:
    """The line of the application that ran the statement; None for what is not known."""

    file: str
    line: int | None
    function: str | None


@dataclass(frozen=True, slots=True)
class Saving:
    """What mending a finding saves in the time that was looked at, and ``how`` that was computed, from how many.

    ``queries`` and ``time_s`` are computed from the data, never a share that is usual; None where it cannot be told.
    ``time_error_s`` is half the width of the 95 % interval of an estimate, at least; 0 for what was counted.
    """

    queries: int | None
    time_s: float | None
    how: str
    time_error_s: float | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that costs more than it has to, in one operation.

    ``why`` says what was measured. ``basis``: ``counted`` over all operations, or ``sampled``, an estimate from kept
    traces and their weights; ``n`` is what it rests on: runs of repeats, calls that were seen, or operations.
    ``time_wasted_s`` is what it takes beyond what is due: of repeats, the time of all but one; of a slow statement, the
    time beyond the bound; of errors, the time of what failed. ``call_p*_s`` are percentiles of one call of a slow
    statement.

    ``repeats_*`` are those of repeats, of a sequence of statements its turns; for a slow statement ``repeats_mean`` is
    its calls per operation. ``statement`` is None and ``fingerprint`` empty for what is about a whole operation.
    ``stack`` holds the call site and its callers, innermost first; ``via`` is the function of the library ``orm`` that
    the call site went into.
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
    repeats_mean: float | None
    repeats_max: int | None
    queries_wasted: int | None
    time_wasted_s: float | None
    severity: str
    call_site: CallSite | None
    stack: tuple[str, ...]
    example_trace_id: str | None
    orm: str | None = None
    orm_version: str | None = None
    via: str | None = None
    basis: str = COUNTED
    n: int = 0
    call_p50_s: float | None = None
    call_p95_s: float | None = None
    why: str = ""
    saving: Saving = Saving(None, None, "")

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def findings(rows: Iterable[FindingRow], config: NPlusOne) -> tuple[Finding, ...]:
    """The repeats, those that waste the most time first, of unknown time last.

    They are counted, not estimated: an operation with a finding is always kept.
    """
    groups: dict[tuple[object, ...], list[FindingRow]] = defaultdict(list)
    for row in rows:
        site = (row.file, row.line, row.function)
        groups[row.service, row.operation, row.kind, row.fingerprint, site].append(row)
    return by_waste(_finding(group, config) for group in groups.values())


def by_waste(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """*found*, what wastes the most time first: how long it takes, times how often it happens; of unknown time last."""
    return tuple(sorted(found, key=_order))


def severity(repeats: int, config: NPlusOne) -> str:
    """The word for the most repeats that one operation had."""
    if repeats > config.critical_repeats:
        return "critical"
    if repeats > config.high_repeats:
        return "high"
    return "medium" if repeats > config.medium_repeats else "low"


def verb_of(text: str | None) -> str:
    """The verb that *text*, a summary or the name of a kind of statement, begins with; ``other`` for any other."""
    words = (text or "").lower().split()
    return words[0] if words and words[0] in VERBS else "other"


def _finding(group: list[FindingRow], config: NPlusOne) -> Finding:
    worst = max(group, key=lambda row: row.repeats_max)
    wasted_ms = [row.wasted_ms for row in group if row.wasted_ms is not None]
    time_s = math.fsum(wasted_ms) / 1000 if len(wasted_ms) == len(group) else None
    operations = sum(row.operations for row in group)
    wasted = sum(row.wasted_queries for row in group)
    events, repeats = sum(row.events for row in group), sum(row.repeats_sum for row in group)
    return Finding(
        kind=worst.kind,
        verb=verb_of(worst.verb or worst.summary),
        service=worst.service,
        operation=worst.operation,
        summary=worst.summary,
        statement=worst.statement,
        fingerprint=worst.fingerprint,
        db_system=worst.db_system,
        operations_seen=operations,
        repeats_mean=repeats / events,
        repeats_max=worst.repeats_max,
        queries_wasted=wasted,
        time_wasted_s=time_s,
        severity=severity(worst.repeats_max, config),
        call_site=None if worst.file is None else CallSite(worst.file, worst.line, worst.function),
        stack=worst.stack,
        example_trace_id=worst.trace_id,
        orm=worst.orm,
        orm_version=worst.orm_version,
        via=worst.via,
        basis=COUNTED,
        n=events,
        why=f"{_what(wasted, repeats - events)}ran {repeats / events:.1f} times on the mean, {worst.repeats_max} at "
        f"most, where once could do; {events} such runs in {operations} operations",
        saving=_saving(wasted, time_s, repeats, events),
    )


def _what(wasted: int, turns: int) -> str:
    """What repeats where that is no single statement: then a turn less saves several queries."""
    return f"a sequence of {wasted / turns:.1f} statements on the mean " if 0 < turns < wasted else ""


def _saving(wasted: int, time_s: float | None, repeats: int, events: int) -> Saving:
    """All repeats but one: what one query, or one turn of a sequence, in place of each run of them saves."""
    turns = repeats - events
    timed = "their times were not told" if time_s is None else "time: the measured mean of a repeat, for each of those"
    if 0 < turns < wasted:
        how = f"all turns but one: {turns} of {repeats} in {events} runs, {wasted} queries in them; {timed}"
    else:
        how = f"all repeats but one: {wasted} of {repeats} queries in {events} runs; {timed}"
    return Saving(wasted, time_s, how, None if time_s is None else 0.0)


def _order(finding: Finding) -> tuple[float, int, int, str, str, str, str, str]:
    time = math.inf if finding.time_wasted_s is None else -finding.time_wasted_s
    site = "" if finding.call_site is None else f"{finding.call_site.file}:{finding.call_site.line}"
    worse = -SEVERITIES.index(finding.severity)
    wasted = -(finding.queries_wasted or 0)
    return time, wasted, worse, finding.service, finding.operation, finding.kind, finding.fingerprint, site
