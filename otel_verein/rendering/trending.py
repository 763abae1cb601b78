"""The figures of a trend, and their changes, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from otel_verein.analysis.trend import Change
from otel_verein.rendering.words import ABSENT, decimal, many, moment_ns, percent, seconds, signed_percent

NAMES: Final[Mapping[str, tuple[str, Callable[[float], str]]]] = {
    "rate": ("per second", lambda value: f"{value:.3g}"),
    "error_share": ("errors", percent),
    "duration_mean_s": ("time, mean", seconds),
    "duration_p95_s": ("time, p95", seconds),
    "queries_mean": ("queries", decimal),
}
"""How each figure is called, and how its values are written."""


def change(found: Change) -> str:
    """When a figure changed its level, from what to what, and how sure that is."""
    label, shown = NAMES[found.figure]
    level = found.level
    by = ABSENT if level.relative is None else signed_percent(level.relative)
    span = level.relative_interval
    interval = "" if span is None else f", 95 % {span.low * 100:+.0f}..{span.high * 100:+.0f} %"
    return (
        f"changed at {moment_ns(found.at_ns)}: {label} {shown(level.before)} to {shown(level.after)} "
        f"({by}{interval}; {level.steps_before} and {many(level.steps_after, 'step')})"
    )
