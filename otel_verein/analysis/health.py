"""The health score: how much of the error budget is left, and what took the rest."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from otel_verein.analysis.operations import OperationStats
from otel_verein.config.schema import Health as HealthConfig

UNKNOWN = "unknown"
_FULL_SCORE = 100.0  # with the whole error budget left: the end of the scale
_Z95 = 1.959964

CAUSES = {"error": ("error",), "duration": ("duration", "db_duration"), "queries": ("queries",)}
"""The causes that points are lost to, and the breaches that count for each: database time is time."""


@dataclass(frozen=True, slots=True)
class OperationHealth:
    """The score of one operation and its 95 % interval; None when it cannot be known, never 0 for that."""

    score: float | None
    n: int
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class TotalHealth:
    """The traffic-weighted score; the points ``lost`` per cause add up to 100 - score."""

    score: float | None
    level: str
    n: int
    worst_operation: str | None
    lost: Mapping[str, float | None]


def wilson(good: int, n: int) -> tuple[float, float]:
    """The 95 % interval of the share that *good* of *n* is a sample of."""
    share = good / n
    spread = _Z95 * math.sqrt(share * (1 - share) / n + _Z95**2 / (4 * n**2))
    middle, width = share + _Z95**2 / (2 * n), 1 + _Z95**2 / n
    return max(0.0, (middle - spread) / width), min(1.0, (middle + spread) / width)


def level(score: float | None, config: HealthConfig) -> str:
    """The word for a score, from the best down."""
    if score is None:
        return UNKNOWN
    levels = (
        ("excellent", config.excellent),
        ("good", config.good),
        ("fair", config.fair),
        ("poor", config.poor),
    )
    return next((word for word, least in levels if score >= least), "critical")


def operation_health(
    stats: OperationStats, config: HealthConfig, lossy_services: Collection[str] = ()
) -> OperationHealth:
    """The health of one operation; unknown when too few were seen or its service reports loss."""
    good = _good(stats)
    if good is None or stats.count < config.minimum_operations or stats.key.service in lossy_services:
        return OperationHealth(None, stats.count, None, None)
    low, high = wilson(good, stats.count)
    return OperationHealth(
        score=_score(good / stats.count, config.objective),
        n=stats.count,
        low=_score(low, config.objective),
        high=_score(high, config.objective),
    )


def total_health(
    all_stats: Sequence[OperationStats], config: HealthConfig, lossy_services: Collection[str] = ()
) -> TotalHealth:
    """The health of all traffic.

    Operations that are too rare for a score of their own count here by their traffic; the total is unknown
    when all of them together are too few, or when any part of the pipeline reports loss.
    """
    n = sum(stats.count for stats in all_stats)
    goods = [_good(stats) for stats in all_stats]
    known = [good for good in goods if good is not None]
    if n < config.minimum_operations or lossy_services or len(known) < len(goods):
        return TotalHealth(None, UNKNOWN, n, None, dict.fromkeys(CAUSES))
    lost = dict.fromkeys(CAUSES, 0.0)
    for stats, good in zip(all_stats, known, strict=True):
        points = (_FULL_SCORE - _score(good / stats.count, config.objective)) * stats.count / n
        for cause, part in _shared_out(points, stats).items():
            lost[cause] += part
    # The score comes from the parts, so that the parts add up to it.
    score = max(0.0, _FULL_SCORE - math.fsum(lost.values()))
    return TotalHealth(score, level(score, config), n, _worst(all_stats, config), dict(lost))


def _good(stats: OperationStats) -> int | None:
    """Operations without error and within their budgets; None when the counters contradict each other."""
    if stats.bad == 0 and any(_weights(stats).values()):
        return None
    if stats.bad > 0 and not any(_weights(stats).values()):
        return None
    return max(0, stats.count - stats.bad)


def _weights(stats: OperationStats) -> dict[str, int]:
    return {cause: sum(stats.breaches[breach] for breach in breaches) for cause, breaches in CAUSES.items()}


def _shared_out(points: float, stats: OperationStats) -> dict[str, float]:
    weights = _weights(stats)
    total = sum(weights.values())
    return {cause: points * weight / total for cause, weight in weights.items()} if total else {}


def _score(share_good: float, objective: float) -> float:
    """100 with the whole budget left, 0 with none; an objective of 1 has no budget to use."""
    if share_good >= 1:
        return _FULL_SCORE
    if objective >= 1:
        return 0.0
    return _FULL_SCORE * max(0.0, 1 - (1 - share_good) / (1 - objective))


def _worst(all_stats: Iterable[OperationStats], config: HealthConfig) -> str | None:
    scored = [(operation_health(stats, config), stats) for stats in all_stats]
    below = [
        (health.score, -stats.count, stats.key.operation)
        for health, stats in scored
        if health.score is not None and health.score < _FULL_SCORE
    ]
    return min(below)[2] if below else None
