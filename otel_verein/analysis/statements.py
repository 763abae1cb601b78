"""Single statements: what they cost, which of them are slow, and which look as if they lacked an index.

All of it is an estimate from the queries of kept traces and their weights, and says from how many.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from otel_verein.analysis.findings import (
    LOOKS_UNINDEXED,
    SAMPLED,
    SLOW_QUERY,
    CallSite,
    Finding,
    Saving,
    verb_of,
)
from otel_verein.analysis.histogram import Z95, Spread, spread
from otel_verein.config.schema import Config, Thresholds
from otel_verein.sources.rows import StatementRow

StatementKey = tuple[str, str, str]
"""Service, operation, and the fingerprint of a statement, or its text where it has none."""

_MIDDLE: Final = 0.5
_TAIL: Final = 0.95
_MOST: Final = 0.5
_SELECT: Final = re.compile(r"\s*SELECT\b", re.I)
_FROM: Final = re.compile(r"\bFROM\b", re.I)
_WHERE: Final = re.compile(r"\bWHERE\b", re.I)
_SEVERAL_TABLES: Final = re.compile(r"\bJOIN\b|,|\bSELECT\b|\(", re.I)
_READS_MORE: Final = re.compile(
    r"\b(?:COUNT|SUM|AVG|MIN|MAX|GROUP_CONCAT|STRING_AGG|ARRAY_AGG|SLEEP|PG_SLEEP)\s*\(|\bDISTINCT\b|\bGROUP\s+BY\b|"
    r"\bUNION\b|\bINTERSECT\b|\bEXCEPT\b|\bSELECT\b|\bFOR\s+(?:UPDATE|SHARE|NO\s+KEY)\b",
    re.I,
)
_ORDER: Final = re.compile(r"\bORDER\s+BY\b", re.I)
_LIMIT: Final = re.compile(r"\b(?:LIMIT|FETCH|OFFSET)\b", re.I)
_EXPLAIN: Final = {
    "postgresql": "EXPLAIN (ANALYZE, BUFFERS)",
    "mysql": "EXPLAIN ANALYZE",
    "mariadb": "ANALYZE FORMAT=JSON",
    "sqlite": "EXPLAIN QUERY PLAN",
}


@dataclass(frozen=True, slots=True)
class StatementStats:
    """One statement in one operation.

    ``calls``, ``errors``, ``total_s`` and ``operations`` are estimates, ``samples`` is how many calls were seen.
    ``rows`` is the mean of returned rows, over ``rows_share`` of the calls; None where no driver said them.
    """

    service: str
    operation: str
    fingerprint: str
    summary: str | None
    statement: str | None
    db_system: str | None
    verb: str
    calls: float
    errors: float
    total_s: float
    max_s: float
    operations: float
    samples: int
    rows: float | None
    rows_share: float
    times: Spread
    call_site: CallSite | None
    trace_id: str | None

    @property
    def key(self) -> StatementKey:
        """What tells it apart."""
        return self.service, self.operation, self.fingerprint or self.statement or ""

    @property
    def weight(self) -> float:
        """How many calls one that was seen stands for, on the mean."""
        return self.calls / self.samples

    @property
    def calls_each(self) -> float:
        """Calls of one operation that ran it, on the mean."""
        return self.calls / self.operations if self.operations else 1.0

    @property
    def calls_error(self) -> float:
        """Half the width of the 95 % interval of ``calls``, at least.

        The variance of Horvitz and Thompson, with operations kept one by one, and as if all weighed the same and made
        as many calls.
        """
        return Z95 * math.sqrt(self.calls * max(0.0, self.weight - 1) * self.calls_each)

    def excess(self, bound_s: float) -> tuple[float, float]:
        """The time of all calls beyond *bound_s* each, and half the width of its 95 % interval, as for the calls."""
        squares = self.times.squares_above(bound_s)
        error = Z95 * math.sqrt(squares * max(0.0, self.weight - 1) * self.calls_each)
        return self.times.above(bound_s)[1], error

    def time_s(self, share: float) -> float | None:
        """The time of one call that *share* of all calls are within."""
        value = self.times.percentile(share)
        return None if value is None else min(value, self.max_s)


def statements(rows: Iterable[StatementRow]) -> tuple[StatementStats, ...]:
    """The statements, the one that takes the most time first."""
    groups: dict[StatementKey, list[StatementRow]] = defaultdict(list)
    for row in rows:
        groups[row.service, row.operation, row.fingerprint or row.statement or ""].append(row)
    return tuple(sorted((_merged(group) for group in groups.values()), key=lambda each: (-each.total_s, each.key)))


def slow_statements(
    stats: Iterable[StatementStats], config: Config, repeated: Mapping[StatementKey, int]
) -> list[Finding]:
    """The statements of which one call in twenty takes longer than ``thresholds.slow_query_s``.

    Judged by the 95th percentile: the mean of a few calls is that of its slowest, and a maximum is one bad moment. So
    ``health.minimum_operations`` calls have to have been seen. *repeated* says how many queries the findings of a
    statement would save already: such a one is told a second time only when its calls are slow in the middle, too, and
    only with the calls that would be left.
    """
    found = (_slow(each, config, _repeated(each, repeated)) for each in stats)
    return [finding for finding in found if finding is not None]


def repeated_queries(repeats: Iterable[Finding]) -> dict[StatementKey, int]:
    """How many queries of which statement the findings *repeats* save; by fingerprint, and by text."""
    saved: defaultdict[StatementKey, int] = defaultdict(int)
    for finding in repeats:
        for name in {finding.fingerprint, finding.statement} - {"", None}:
            saved[finding.service, finding.operation, name or ""] += finding.queries_wasted or 0
    return dict(saved)


def looks_unindexed(stats: StatementStats, bound_s: float, few_rows: int) -> bool:
    """Whether the data looks as if no index served the condition of a statement.

    It reads one table by a condition, returns *few_rows* or less, and takes longer than *bound_s* in the middle, not
    just in the tail, where waiting would show. What reads more than it returns is not judged: aggregates, the first
    rows of an order, and what takes locks; nor is it where the driver did not say the rows of most calls.
    """
    middle = stats.time_s(_MIDDLE)
    if middle is None or middle <= bound_s or stats.rows is None or stats.rows_share < _MOST:
        return False
    return stats.rows <= few_rows and reads_one_table(stats.statement)


def reads_one_table(statement: str | None) -> bool:
    """Whether *statement* reads rows of one table by a condition, and returns what it reads."""
    text = statement or ""
    start = _SELECT.match(text)
    tables = _FROM.search(text, start.end()) if start else None
    condition = _WHERE.search(text, tables.end()) if tables else None
    if start is None or tables is None or condition is None:
        return False
    if _SEVERAL_TABLES.search(text[tables.end() : condition.start()]) or _READS_MORE.search(text, start.end()):
        return False
    order = _ORDER.search(text, condition.end())
    return order is None or _LIMIT.search(text, order.end()) is None


def explain(db_system: str | None) -> str:
    """The words before a statement that let the database tell how it runs it."""
    return _EXPLAIN.get((db_system or "").lower(), "EXPLAIN")


def _repeated(stats: StatementStats, repeated: Mapping[StatementKey, int]) -> int:
    names = (stats.fingerprint, stats.statement or "")
    return max(repeated.get((stats.service, stats.operation, name), 0) for name in names)


def _slow(stats: StatementStats, config: Config, repeated: int) -> Finding | None:
    thresholds = config.thresholds.of(stats.operation)
    bound_s = thresholds.slow_query_s
    middle, tail = stats.time_s(_MIDDLE), stats.time_s(_TAIL)
    if stats.samples < config.health.minimum_operations or middle is None or tail is None or tail <= bound_s:
        return None
    if repeated and middle <= bound_s:
        return None
    unindexed = looks_unindexed(stats, bound_s, config.analysis.few_rows)
    saving = _saving(stats, bound_s, repeated)
    why = (
        f"one call takes {middle:.3g} s in the middle, {tail:.3g} s at the 95th percentile; {stats.total_s:.3g} s in "
        f"about {stats.calls:.0f} calls (+- {stats.calls_error:.0f} at 95 %), estimated from {stats.samples} seen"
    )
    if unindexed:
        why += (
            f"; for {stats.rows:.3g} rows of one table, which looks as if no index served its condition: ask the "
            f"database with {explain(stats.db_system)}"
        )
    return Finding(
        kind=LOOKS_UNINDEXED if unindexed else SLOW_QUERY,
        verb=stats.verb,
        service=stats.service,
        operation=stats.operation,
        summary=stats.summary,
        statement=stats.statement,
        fingerprint=stats.fingerprint,
        db_system=stats.db_system,
        operations_seen=round(stats.operations),
        repeats_mean=stats.calls_each,
        repeats_max=None,
        queries_wasted=0,
        time_wasted_s=saving.time_s,
        severity=_severity(middle, tail, thresholds),
        call_site=stats.call_site,
        stack=(),
        example_trace_id=stats.trace_id,
        basis=SAMPLED,
        n=stats.samples,
        call_p50_s=middle,
        call_p95_s=tail,
        why=why,
        saving=saving,
    )


def _saving(stats: StatementStats, bound_s: float, repeated: int) -> Saving:
    """The time beyond the bound; of calls that another finding saves already, nothing."""
    over = stats.times.above(bound_s)[0]
    excess_s, error_s = stats.excess(bound_s)
    left = max(0.0, 1 - repeated / stats.calls)
    beside = ", of the calls that are left without its repeats" if repeated else ""
    return Saving(
        queries=0,
        time_s=excess_s * left,
        how=f"the time beyond {bound_s:g} s of about {over:.0f} calls{beside}, estimated from {stats.samples} seen: "
        "what is saved if no call takes longer than that; whether it can be had shows only when it is tried",
        time_error_s=error_s * left,
    )


def _severity(middle: float, tail: float, thresholds: Thresholds) -> str:
    """By what one call does to the budget of database time of its whole operation."""
    if tail > thresholds.db_duration_critical_s:
        return "critical"
    if tail > thresholds.db_duration_s:
        return "high"
    return "medium" if middle > thresholds.slow_query_s else "low"


def _merged(group: list[StatementRow]) -> StatementStats:
    first = max(group, key=lambda row: row.total_s)
    placed = next((row for row in sorted(group, key=lambda row: -row.total_s) if row.file is not None), None)
    calls = math.fsum(row.calls for row in group)
    known = math.fsum(row.rows_known for row in group)
    return StatementStats(
        service=first.service,
        operation=first.operation,
        fingerprint=first.fingerprint or "",
        summary=first.summary,
        statement=first.statement,
        db_system=first.db_system,
        verb=verb_of(first.verb or first.summary),
        calls=calls,
        errors=math.fsum(row.errors for row in group),
        total_s=math.fsum(row.total_s for row in group),
        max_s=max(row.max_s for row in group),
        operations=math.fsum(row.operations for row in group),
        samples=sum(row.samples for row in group),
        rows=math.fsum(row.rows for row in group) / known if known > 0 else None,
        rows_share=known / calls if calls > 0 else 0.0,
        times=spread(calls, [(row.scale, row.buckets) for row in group]),
        call_site=None if placed is None else CallSite(placed.file or "", placed.line, placed.function),
        trace_id=max(group, key=lambda row: row.max_s).trace_id,
    )
