"""How operations went on from step to step, and where that changed."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from otel_verein.analysis.change_points import SIDE, Level, change_points, rhythm_is_known
from otel_verein.analysis.histogram import spread
from otel_verein.analysis.operations import OperationKey
from otel_verein.analysis.times import rfc3339
from otel_verein.sources.base import Steps
from otel_verein.sources.rows import StepRow

SCHEMA: Final = 1
_TAIL: Final = 0.95
_SECOND: Final = 1_000_000_000

CHANCE: Final = 0.05
"""How probable any change is to be told where there is none, over all series of one answer."""


@dataclass(frozen=True, slots=True)
class Point:
    """One step that begins at ``start_ns``; None for what is not known, such as a mean of nothing.

    ``count`` is how many operations it rests on, weighted where ``estimated``; ``rate`` is per second, None where the
    source has steps of several lengths.
    """

    start_ns: int
    count: float
    rate: float | None
    error_share: float | None
    bad_share: float | None
    duration_mean_s: float | None
    duration_p95_s: float | None
    queries_mean: float | None
    db_mean_s: float | None
    estimated: bool

    def as_dict(self) -> dict[str, Any]:
        """The JSON object."""
        rest = {name: value for name, value in asdict(self).items() if name != "start_ns"}
        return {"start": rfc3339(self.start_ns)} | rest


FIGURES: Final[Mapping[str, Callable[[Point], float | None]]] = {
    "rate": lambda point: point.rate,
    "error_share": lambda point: point.error_share,
    "duration_mean_s": lambda point: point.duration_mean_s,
    "duration_p95_s": lambda point: point.duration_p95_s,
    "queries_mean": lambda point: point.queries_mean,
}
"""The figures that changes are looked for in."""


@dataclass(frozen=True, slots=True)
class Change:
    """The level of one figure changed with the step that begins at ``at_ns``."""

    figure: str
    at_ns: int
    level: Level

    def as_dict(self) -> dict[str, Any]:
        """The JSON object; ``chance`` is the probability of such a change in a series without one."""
        level = self.level
        return {
            "figure": self.figure,
            "at": rfc3339(self.at_ns),
            "before": level.before,
            "after": level.after,
            "steps_before": level.steps_before,
            "steps_after": level.steps_after,
            "difference": level.difference,
            "interval": level.interval.as_dict(),
            "relative": level.relative,
            "relative_interval": None if level.relative_interval is None else level.relative_interval.as_dict(),
            "chance": level.chance,
        }


@dataclass(frozen=True, slots=True)
class Series:
    """The steps of one operation, or of all together where ``key`` is None, the earliest first."""

    key: OperationKey | None
    points: tuple[Point, ...]
    changes: tuple[Change, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The JSON object; service, operation and kind are None for all together."""
        names = dict.fromkeys(("service", "operation", "kind")) if self.key is None else asdict(self.key)
        return {
            **names,
            "points": [point.as_dict() for point in self.points],
            "changes": [change.as_dict() for change in self.changes],
        }


@dataclass(frozen=True, slots=True)
class Trend:
    """All operations together, then the operations, the one with the most time first; ``left_out`` is how many more.

    Changes were looked for in ``looked_at`` series of figures, which chance was held back over.
    """

    step_s: int
    total: Series
    operations: tuple[Series, ...]
    left_out: int
    looked_at: int
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The JSON object: every key always present, None for what is not known."""
        return {
            "schema": SCHEMA,
            "step_s": self.step_s,
            "looked_at": self.looked_at,
            "total": self.total.as_dict(),
            "operations": [each.as_dict() for each in self.operations],
            "left_out": self.left_out,
            "notes": list(self.notes),
        }


def trended(steps: Steps, limit: int, margin: float) -> Trend:
    """The trend of *steps* with at most *limit* operations; changes below *margin*, a share of it, are not told."""
    rows: dict[OperationKey, list[StepRow]] = defaultdict(list)
    for row in steps.rows:
        rows[OperationKey(row.service, row.operation, row.kind)].append(row)
    order = sorted(rows, key=lambda key: (-math.fsum(row.duration_s or 0.0 for row in rows[key]), key))
    plain = [Series(None, points(steps, steps.rows))]
    plain += [Series(key, points(steps, rows[key])) for key in order[:limit]]
    long_enough = [(series, name) for series in plain for name in FIGURES if len(_known(series, name)) >= 2 * SIDE]
    chance = CHANCE / max(1, len(long_enough))
    series = [replace(each, changes=tuple(_changes(each, chance, margin))) for each in plain]
    return Trend(
        step_s=steps.step_s,
        total=series[0],
        operations=tuple(series[1:]),
        left_out=len(order) - len(order[:limit]),
        looked_at=len(long_enough),
        notes=(*steps.notes, *_notes(series[0], len(long_enough))),
    )


def points(steps: Steps, rows: Iterable[StepRow]) -> tuple[Point, ...]:
    """What *rows*, some or all of those of *steps*, come to step by step, the earliest first."""
    length = None if steps.mixed else steps.step_s
    by_start: dict[int, list[StepRow]] = defaultdict(list)
    for row in rows:
        by_start[row.start_ns].append(row)
    return tuple(_point(start, by_start[start], length) for start in sorted(by_start))


def _notes(total: Series, looked_at: int) -> Iterator[str]:
    if not looked_at:
        yield f"no change can be told from fewer than {2 * SIDE} whole steps"
    elif not rhythm_is_known(_seconds(total.points)):
        yield "less than three days: a change may be the rhythm of the day"


def _point(start_ns: int, rows: Sequence[StepRow], step_s: int | None) -> Point:
    count = math.fsum(row.count for row in rows)
    values = spread(count, [(row.scale, row.buckets) for row in rows])
    return Point(
        start_ns=start_ns,
        count=count,
        rate=None if step_s is None else count / step_s,
        error_share=math.fsum(row.errors for row in rows) / count if count else None,
        bad_share=math.fsum(row.bad for row in rows) / count if count else None,
        duration_mean_s=_mean(rows, lambda row: row.duration_s),
        duration_p95_s=values.percentile(_TAIL) if count and any(row.buckets for row in rows) else None,
        queries_mean=_mean(rows, lambda row: row.queries),
        db_mean_s=_mean(rows, lambda row: row.db_s),
        estimated=any(row.estimated for row in rows),
    )


def _mean(rows: Sequence[StepRow], value: Callable[[StepRow], float | None]) -> float | None:
    """The mean over the operations that say it."""
    known = [(amount, row.count) for row in rows if (amount := value(row)) is not None]
    count = math.fsum(number for _, number in known)
    return math.fsum(amount for amount, _ in known) / count if count else None


def _known(series: Series, name: str) -> list[tuple[Point, float]]:
    """The steps that say a figure; a rate without those at the ends, which may not be whole."""
    points = series.points[1:-1] if name == "rate" else series.points
    return [(point, value) for point in points if (value := FIGURES[name](point)) is not None]


def _changes(series: Series, chance: float, margin: float) -> Iterator[Change]:
    for name in FIGURES:
        known = _known(series, name)
        values, points = [value for _, value in known], [point for point, _ in known]
        for level in change_points(values, chance, margin, _seconds(points)):
            yield Change(name, points[level.at].start_ns, level)


def _seconds(points: Sequence[Point]) -> list[int]:
    return [point.start_ns // _SECOND for point in points]
