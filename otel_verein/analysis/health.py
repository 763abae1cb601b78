"""The health score: how much of the error budget is left, and what took the rest.

By hand, from what an answer shows: of one operation, share = good / n and score = 100 x max(0, 1 - (1 - share) /
(1 - objective)); of all, the sum of score x weight, where weight = n / all n. The points that an operation loses,
(100 - score) x weight, go to the causes in the proportion of their breaches.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from otel_verein.analysis.intervals import wilson
from otel_verein.analysis.operations import OperationStats, resting_on
from otel_verein.config.schema import Health as HealthConfig

UNKNOWN = "unknown"
_FULL_SCORE = 100.0  # with the whole error budget left: the end of the scale

CAUSES = {"error": ("error",), "duration": ("duration", "db_duration"), "queries": ("queries",)}
"""The causes that points are lost to, and the breaches that count for each: database time is time."""


@dataclass(frozen=True, slots=True)
class OperationHealth:
    """The score of one operation and its 95 % interval; None when it cannot be known, never 0 for that.

    ``why`` says why it is not known; what was counted is there all the same, unless the counters contradict each other.
    ``n`` is how many there were, ``bad`` of them with an error or past a budget;
    where that is ``estimated`` from sampled spans, ``effective`` is how many seen in full would say as much.
    """

    score: float | None
    n: int
    low: float | None
    high: float | None
    bad: int | None = None
    good: int | None = None
    share: float | None = None
    objective: float | None = None
    estimated: bool = False
    effective: float | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class TotalHealth:
    """The traffic-weighted score and its 95 % interval; the points ``lost`` per cause add up to 100 - score."""

    score: float | None
    level: str
    n: int
    worst_operation: str | None
    lost: Mapping[str, float | None]
    low: float | None = None
    high: float | None = None
    estimated: bool = False
    effective: float | None = None
    why: str | None = None


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
    """The health of one operation; unknown when too few were seen or its service reports loss.

    The interval is Wilson's. That of an estimate takes the effective sample size for n, which makes it too wide rather
    than too narrow: bad operations are all kept, only the good ones are a sample.
    """
    doubt = _doubt(stats)
    if doubt is not None:
        return OperationHealth(
            None,
            stats.count,
            None,
            None,
            objective=config.objective,
            estimated=stats.estimated,
            effective=resting_on(stats),
            why=doubt,
        )
    known = unjudged(stats, config)
    lossy = {stats.key.service} & set(lossy_services)
    why = _loss(lossy) or _few(resting_on(stats), config)
    return known if why is None else replace(known, score=None, low=None, high=None, why=why)


def total_health(
    all_stats: Sequence[OperationStats], config: HealthConfig, lossy_services: Collection[str] = ()
) -> TotalHealth:
    """The health of all traffic.

    Operations that are too rare for a score of their own count here by their traffic; the total is unknown
    when all of them together are too few, or when any part of the pipeline reports loss.

    The interval is that of a sum of independent parts of which each has its own (MOVER, Zou and Donner 2008).
    """
    n = sum(stats.count for stats in all_stats)
    estimated = any(stats.estimated for stats in all_stats)
    effective = _effective(all_stats)
    doubts = (_doubt(stats) for stats in all_stats)
    why = next(filter(None, doubts), None) or _loss(lossy_services) or _few(effective, config)
    if why is not None:
        nothing = dict.fromkeys(CAUSES)
        return TotalHealth(None, UNKNOWN, n, None, nothing, estimated=estimated, effective=effective, why=why)
    lost = dict.fromkeys(CAUSES, 0.0)
    below, above = [], []
    for stats in all_stats:
        weight = stats.count / n
        part = unjudged(stats, config)
        score, low, high = part.score or 0.0, part.low or 0.0, part.high or 0.0
        below.append((weight * (score - low)) ** 2)
        above.append((weight * (high - score)) ** 2)
        for cause, points in lost_by_cause(stats, score, weight).items():
            lost[cause] += points
    # The score comes from the parts, so that the parts add up to it.
    score = max(0.0, _FULL_SCORE - math.fsum(lost.values()))
    return TotalHealth(
        score=score,
        level=level(score, config),
        n=n,
        worst_operation=_worst(all_stats, config),
        lost=dict(lost),
        low=max(0.0, score - math.sqrt(math.fsum(below))),
        high=min(_FULL_SCORE, score + math.sqrt(math.fsum(above))),
        estimated=estimated,
        effective=effective,
    )


def lost_by_cause(stats: OperationStats, score: float, weight: float) -> dict[str, float]:
    """The points of the total that one operation of that *score* and *weight* loses, to each cause that it has."""
    points = (_FULL_SCORE - score) * weight
    counts = _by_cause(stats)
    total = sum(counts.values())
    return {cause: points * count / total for cause, count in counts.items()} if total else {}


def unjudged(stats: OperationStats, config: HealthConfig) -> OperationHealth:
    """What the figures of one operation come to, however few they are and whatever is to be said against them."""
    n, effective = stats.count, resting_on(stats)
    good = max(0, n - stats.bad)
    share = good / n
    low, high = wilson(share * effective, effective)
    return OperationHealth(
        score=score_of(share, config.objective),
        n=n,
        low=score_of(low, config.objective),
        high=score_of(high, config.objective),
        bad=n - good,
        good=good,
        share=share,
        objective=config.objective,
        estimated=stats.estimated,
        effective=effective,
    )


def _doubt(stats: OperationStats) -> str | None:
    """Why it cannot be told which of them were good; None if it can."""
    return _never_judged(stats) or _contradiction(stats)


def _never_judged(stats: OperationStats) -> str | None:
    """Spans that otel-verein has not tagged say nothing of budgets: that they broke none is not known."""
    if not stats.estimated or (stats.queries is not None and stats.queries.count >= stats.count):
        return None
    return (
        f"{stats.key.service}: {stats.key.operation}: some of its spans were not tagged by otel-verein, so nobody "
        "judged them; ask for other services by name"
    )


def _contradiction(stats: OperationStats) -> str | None:
    """What in the counters of an operation cannot be, None when they agree."""
    counted = any(_by_cause(stats).values())
    said = None
    if stats.bad == 0 and counted:
        said = "breaches, but no operation that has one"
    elif stats.bad > 0 and not counted:
        said = "bad operations, but no breach"
    elif stats.errors and not stats.bad:
        said = "failed operations, but none that is bad"
    return None if said is None else f"the counters of {stats.key.operation} contradict each other: {said}"


def _loss(services: Collection[str]) -> str | None:
    return f"telemetry of {', '.join(sorted(services))} was lost" if services else None


def _few(effective: float, config: HealthConfig) -> str | None:
    least = config.minimum_operations
    return None if effective >= least else f"{effective:.0f} operations; a score takes {least}"


def _effective(all_stats: Iterable[OperationStats]) -> float:
    """How many operations all of them rest on: (sum of w)^2 / sum of w^2, as for one."""
    n = variance = 0.0
    for stats in all_stats:
        n += stats.count
        variance += stats.duration.variance if stats.estimated else 0.0
    return n**2 / (variance + n) if n else 0.0


def _by_cause(stats: OperationStats) -> dict[str, int]:
    return {cause: sum(stats.breaches[breach] for breach in breaches) for cause, breaches in CAUSES.items()}


def score_of(share_good: float, objective: float) -> float:
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
