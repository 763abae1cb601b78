"""Where the figures of all operations go: rising, falling, steady, or unknown, with the numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from otel_verein.analysis.change_points import SIDE, change_points
from otel_verein.analysis.health import UNKNOWN
from otel_verein.analysis.times import rfc3339
from otel_verein.analysis.trend import CHANCE
from otel_verein.api.convenience.here import Asked
from otel_verein.api.convenience.stretches import Stretch, stretches
from otel_verein.api.trend import step_for
from otel_verein.sources.rows import Window

_SECOND: Final = 1_000_000_000
_MOST_STEPS: Final = 60

FIGURES: Final[Mapping[str, Callable[[Stretch], float | None]]] = {
    "health_score_trend": lambda stretch: stretch.score,
    "response_time_trend": lambda stretch: stretch.point.duration_mean_s,
    "query_count_trend": lambda stretch: stretch.point.queries_mean,
}
"""What is followed: the score, and the means of wall time in seconds and of queries."""


def trends(at: Asked, window: Window | None) -> dict[str, Any]:
    """The direction of each figure over *window*, where it is known, and since when.

    A direction is that of the last change point; that it is one by chance is held back over all figures together.
    """
    step_s = step_for(window, _MOST_STEPS)
    return at.source.derived(("trends", step_s, at.ask, at.config), lambda: _trends(at, step_s))


def _trends(at: Asked, step_s: int) -> dict[str, Any]:
    found = stretches(at.source.steps(step_s, at.ask), at.config)
    return {
        name: {"step_s": step_s} | _trend(found, figure, at.config.analysis.margin) for name, figure in FIGURES.items()
    }


def _trend(found: Sequence[Stretch], figure: Callable[[Stretch], float | None], least: float) -> dict[str, Any]:
    known = [(each.point.start_ns, value) for each in found if (value := figure(each)) is not None]
    told: dict[str, Any] = {
        "direction": UNKNOWN,
        "before": None,
        "after": None,
        "since": None,
        "first": known[0][1] if known else None,
        "last": known[-1][1] if known else None,
        "steps": len(known),
        "why": None,
    }
    if len(known) < 2 * SIDE:
        return told | {"why": f"{len(known)} steps say it; a direction takes {2 * SIDE}"}
    changes = change_points(
        [value for _, value in known], CHANCE / len(FIGURES), least, [start // _SECOND for start, _ in known]
    )
    if not changes:
        return told | {"direction": "steady"}
    last = changes[-1]
    return told | {
        "direction": "rising" if last.difference > 0 else "falling",
        "before": last.before,
        "after": last.after,
        "since": rfc3339(known[last.at][0]),
    }
