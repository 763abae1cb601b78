"""What slows one operation down, how urgent it is, and a word for how it does."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from otel_verein.analysis.findings import (
    DUPLICATE,
    ERRORS,
    LOOKS_UNINDEXED,
    N_PLUS_ONE,
    SEVERITIES,
    SLOW_QUERY,
    Finding,
)
from otel_verein.analysis.operations import OperationKey, OperationStats, resting_on
from otel_verein.config.schema import Config

HIGH_QUERY_COUNT: Final = "high_query_count"
SLOW_OPERATION: Final = "slow_operation"
SLOW_QUERIES: Final = "slow_queries"
UNKNOWN: Final = "unknown"

_TAIL: Final = 0.95
_URGENT: Final = ("high", "critical")
_SEVERAL: Final = 2
_MANY: Final = 3


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """One reason why an operation is slow, or will be.

    ``value`` is what was measured, in ``unit``, and ``threshold`` what it is above; ``n`` is how many operations the
    value rests on, of a finding how many it was seen in.
    """

    kind: str
    severity: str
    service: str
    operation: str
    value: float | None
    threshold: float | None
    unit: str
    n: int
    summary: str

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What holds for one operation: a word for its speed, its ``level``; its ``priority``, and its bottlenecks."""

    key: OperationKey
    level: str
    priority: str
    bottlenecks: tuple[Bottleneck, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON, the bottlenecks by their number."""
        return {
            **asdict(self.key),
            "level": self.level,
            "priority": self.priority,
            "bottlenecks": len(self.bottlenecks),
        }


def most_urgent(judged: Iterable[Judgement]) -> list[Judgement]:
    """Those with bottlenecks, the most urgent first."""
    found = (each for each in judged if each.bottlenecks)
    return sorted(found, key=lambda each: -SEVERITIES.index(each.priority))


def judgements(
    all_stats: Sequence[OperationStats], found: Iterable[Finding], config: Config
) -> dict[OperationKey, Judgement]:
    """Every operation judged by its budgets and by the findings in it."""
    by_name: defaultdict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in found:
        by_name[finding.service, finding.operation].append(finding)
    return {
        stats.key: _judgement(stats, by_name[stats.key.service, stats.key.operation], config) for stats in all_stats
    }


def bottlenecks(stats: OperationStats, found: Iterable[Finding], config: Config) -> tuple[Bottleneck, ...]:
    """The bottlenecks of one operation, of which *found* are the findings.

    Queries and wall time are judged by their 95th percentile: a mean is within its budget while one in ten is far
    beyond, and a maximum is one bad moment of many. Below ``health.minimum_operations`` there is no such figure, so
    that only findings count, which are facts however often they come.
    """
    return (*_over_budget(stats, config), *(_of_finding(each, config) for each in found if _slows(each)))


def priority(severities: Iterable[str]) -> str:
    """How urgent an operation is whose bottlenecks, and failures, are of these severities.

    Any critical one: critical. More than two high: high. One high, or more than three of any: medium. Else low.
    """
    counts = Counter(severities)
    if counts["critical"]:
        return "critical"
    if counts["high"] > _SEVERAL:
        return "high"
    return "medium" if counts["high"] or counts.total() > _MANY else "low"


def level(stats: OperationStats, config: Config) -> str:
    """The word for how fast an operation is, by the 95th percentiles of its queries and its wall time.

    It is the worse of the two: ``excellent`` up to ``thresholds.*_excellent``, ``good`` within the budget, ``poor``
    beyond it, ``critical`` beyond the second. Unknown below ``health.minimum_operations``; by time alone where no
    driver was watched.
    """
    thresholds = config.thresholds.of(stats.key.operation)
    duration = stats.duration.percentile(_TAIL)
    if resting_on(stats) < config.health.minimum_operations or duration is None:
        return UNKNOWN
    words = ("excellent", "good", "poor", "critical")
    bounds = (thresholds.duration_excellent_s, thresholds.duration_s, thresholds.duration_critical_s)
    worst = sum(duration > bound for bound in bounds)
    if stats.queries is not None:
        queries = stats.queries.whole_percentile(_TAIL)
        if queries is None:
            return UNKNOWN
        limits = (thresholds.queries_excellent, thresholds.queries, thresholds.queries_critical)
        worst = max(worst, sum(queries > limit for limit in limits))
    return words[worst]


def _judgement(stats: OperationStats, found: Sequence[Finding], config: Config) -> Judgement:
    reasons = bottlenecks(stats, found, config)
    # Failures are no bottleneck, but nothing is less urgent for failing fast.
    severities = [*(each.severity for each in reasons), *(each.severity for each in found if each.kind == ERRORS)]
    few = resting_on(stats) < config.health.minimum_operations
    word = UNKNOWN if few and not severities else priority(severities)
    return Judgement(stats.key, level(stats, config), word, reasons)


def _over_budget(stats: OperationStats, config: Config) -> Iterable[Bottleneck]:
    if resting_on(stats) < config.health.minimum_operations:
        return
    thresholds = config.thresholds.of(stats.key.operation)
    queries = None if stats.queries is None else stats.queries.whole_percentile(_TAIL)
    duration = stats.duration.percentile(_TAIL)
    if queries is not None and queries > thresholds.queries:
        yield _of_operation(
            stats, HIGH_QUERY_COUNT, (queries, thresholds.queries, thresholds.queries_critical), "{query}", "queries"
        )
    if duration is not None and duration > thresholds.duration_s:
        yield _of_operation(
            stats, SLOW_OPERATION, (duration, thresholds.duration_s, thresholds.duration_critical_s), "s", "s"
        )


def _of_operation(
    stats: OperationStats, kind: str, figures: tuple[float, float, float], unit: str, word: str
) -> Bottleneck:
    value, bound, second = figures
    n = round(resting_on(stats))
    about = f"an estimate as good as {n} operations seen" if stats.estimated else f"{n} operations"
    return Bottleneck(
        kind=kind,
        severity="high" if value > second else "medium",
        service=stats.key.service,
        operation=stats.key.operation,
        value=value,
        threshold=second if value > second else bound,
        unit=unit,
        n=n,
        summary=f"{value:.3g} {word} at the 95th percentile of {about}; the budget is {bound:g}",
    )


def _slows(finding: Finding) -> bool:
    """Of repeats only those that are severe: the others are findings, and no bottleneck."""
    if finding.kind in (N_PLUS_ONE, DUPLICATE):
        return finding.severity in _URGENT
    return finding.kind in (SLOW_QUERY, LOOKS_UNINDEXED)


def _of_finding(finding: Finding, config: Config) -> Bottleneck:
    repeated = finding.kind in (N_PLUS_ONE, DUPLICATE)
    limits = config.n_plus_one
    bound = limits.critical_repeats if finding.severity == "critical" else limits.high_repeats
    return Bottleneck(
        kind=N_PLUS_ONE if repeated else SLOW_QUERIES,
        severity=finding.severity,
        service=finding.service,
        operation=finding.operation,
        value=finding.repeats_max if repeated else finding.call_p95_s,
        threshold=bound if repeated else config.thresholds.of(finding.operation).slow_query_s,
        unit="{query}" if repeated else "s",
        n=finding.operations_seen,
        summary=f"{finding.summary or finding.statement or finding.fingerprint}: {finding.why}",
    )
