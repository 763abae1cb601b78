"""All operations together, step by step, with the score of each step."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from otel_verein.analysis.health import score_of
from otel_verein.analysis.operations import OperationKey
from otel_verein.analysis.trend import Point, points
from otel_verein.config.schema import Config
from otel_verein.sources.base import Steps
from otel_verein.sources.rows import StepRow


@dataclass(frozen=True, slots=True)
class Stretch:
    """One step; ``score`` is the health in it, None where too few operations were seen."""

    point: Point
    score: float | None

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        told = self.point.as_dict()
        return {"start": told.pop("start"), "health_score": self.score, **told}


def stretches(steps: Steps, config: Config) -> tuple[Stretch, ...]:
    """Every step of *steps*, the earliest first, scored as the total is: by traffic over the operations."""
    rows: defaultdict[int, list[StepRow]] = defaultdict(list)
    for row in steps.rows:
        rows[row.start_ns].append(row)
    return tuple(Stretch(point, _score(rows[point.start_ns], config)) for point in points(steps, steps.rows))


def _score(rows: list[StepRow], config: Config) -> float | None:
    counts: defaultdict[OperationKey, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for row in rows:
        both = counts[OperationKey(row.service, row.operation, row.kind)]
        both[0] += row.count
        both[1] += row.bad
    total = math.fsum(count for count, _ in counts.values())
    if total < config.health.minimum_operations:
        return None
    objective = config.health.objective
    parts = (count * score_of(1 - min(1.0, bad / count), objective) for count, bad in counts.values() if count)
    return math.fsum(parts) / total
