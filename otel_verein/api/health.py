"""How healthy the operations are, with everything that the score can be computed from again by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from otel_verein.analysis.health import (
    CAUSES,
    OperationHealth,
    TotalHealth,
    lost_by_cause,
    operation_health,
    total_health,
    unjudged,
)
from otel_verein.analysis.operations import OperationKey, OperationStats
from otel_verein.analysis.times import window_dict
from otel_verein.api.read import read
from otel_verein.config.schema import Config
from otel_verein.config.schema import Health as HealthConfig
from otel_verein.sources.base import ALL, Ask, Source
from otel_verein.sources.rows import Window

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class OperationScore:
    """One operation in the total: its ``weight`` is its part of all traffic, ``lost`` the points that it takes.

    The points are None where the total is not known. ``part`` is what it adds to the total, weight x its score; it
    has one also where it is too rare for a score of its own.
    """

    key: OperationKey
    health: OperationHealth
    weight: float
    part: float | None
    lost: Mapping[str, float | None]
    breaches: Mapping[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            **asdict(self.key),
            **asdict(self.health),
            "weight": self.weight,
            "part": self.part,
            "lost": dict(self.lost),
            "breaches": dict(self.breaches),
        }


@dataclass(frozen=True, slots=True)
class HealthAnswer:
    """The answer of :func:`health`.

    The score is the sum of the parts of ``operations``; the points lost are the sums of theirs, and score + lost = 100.
    """

    window: Window | None
    total: TotalHealth
    operations: tuple[OperationScore, ...]
    objective: float
    minimum_operations: int
    levels: Mapping[str, float]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON: every key always present, None for what is not known."""
        return {
            "schema": SCHEMA,
            "window": window_dict(self.window),
            "health": asdict(self.total),
            "objective": self.objective,
            "minimum_operations": self.minimum_operations,
            "levels": dict(self.levels),
            "operations": [each.as_dict() for each in self.operations],
            "notes": list(self.notes),
        }


def health(source: Source, config: Config, ask: Ask = ALL) -> HealthAnswer:
    """Read *source* and score what was asked for, the operation with the most traffic first.

    Raises what ``source.read`` raises.
    """
    told = read(source, ask)
    total = total_health(told.operations, config.health, told.lossy)
    options = config.health
    ordered = sorted(told.operations, key=lambda stats: (-stats.count, stats.key))
    return HealthAnswer(
        window=told.tables.window,
        total=total,
        operations=tuple(_scored(stats, total, options, told.lossy) for stats in ordered),
        objective=options.objective,
        minimum_operations=options.minimum_operations,
        levels={name: getattr(options, name) for name in ("excellent", "good", "fair", "poor")},
        notes=told.tables.notes,
    )


def _scored(stats: OperationStats, total: TotalHealth, config: HealthConfig, lossy: frozenset[str]) -> OperationScore:
    weight = stats.count / total.n
    part: float | None = None
    lost: dict[str, float | None] = dict.fromkeys(CAUSES)
    if total.score is not None:
        score = unjudged(stats, config).score or 0.0
        part = weight * score
        lost = {**dict.fromkeys(CAUSES, 0.0), **lost_by_cause(stats, score, weight)}
    return OperationScore(stats.key, operation_health(stats, config, lossy), weight, part, lost, stats.breaches)
