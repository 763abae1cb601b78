"""A trend on a terminal: a line of marks for each figure, and when its level changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.text import Text

from otel_verein.analysis.trend import FIGURES, Series, Trend
from otel_verein.rendering.terminal.screen import text, wrapped
from otel_verein.rendering.trending import NAMES, change
from otel_verein.rendering.words import many, moment_ns, name_of

_MARKS: Final = "▁▂▃▄▅▆▇█"
_UNKNOWN: Final = "·"
_LABELS: Final = 34
_NS: Final = 1_000_000_000


def lines(answer: Trend, width: int) -> Iterator[Text]:
    """All operations together, then each, every line at most *width* columns."""
    points = answer.total.points
    if not points:
        yield text("No operation was measured.")
        return
    first, last = moment_ns(points[0].start_ns), moment_ns(points[-1].start_ns)
    yield from wrapped(f"{many(len(points), 'step')} of {answer.step_s} s, from {first} to {last} UTC", width)
    every = range(points[0].start_ns, points[-1].start_ns + 1, answer.step_s * _NS)
    for series in (answer.total, *answer.operations):
        yield text("")
        yield from _series(series, every, width)
    if answer.left_out:
        yield text("")
        yield text(f"... and {many(answer.left_out, 'operation name')} more (--limit)")
    yield text("")
    yield text(f"{_UNKNOWN} nothing is known of the step; marks are from 0 up to the highest step of their line")


def _series(series: Series, every: Sequence[int], width: int) -> Iterator[Text]:
    count = sum(point.count for point in series.points)
    about = "about " if any(point.estimated for point in series.points) else ""
    name = "all operations" if series.key is None else name_of(series.key)
    yield text(f"{name} (n = {about}{count:,.0f})", "bold")
    there = {point.start_ns: point for point in series.points}
    for figure, value in FIGURES.items():
        label, shown = NAMES[figure]
        values = [None if start not in there else value(there[start]) for start in every]
        known = [each for each in values if each is not None]
        if not known:
            continue
        bounds = f"{shown(min(known))} to {shown(max(known))}"
        yield text(f"  {label:<11} {marks(values, max(8, width - _LABELS))}  {bounds}")
    for each in series.changes:
        yield from wrapped(f"  {change(each)}", width, 4)


def marks(values: Sequence[float | None], width: int) -> str:
    """A mark for each value, from nothing to the highest; means of neighbours where there are more than *width*."""
    size = -(-len(values) // width)
    groups = [
        [each for each in values[start : start + size] if each is not None] for start in range(0, len(values), size)
    ]
    means = [sum(group) / len(group) if group else None for group in groups]
    top = max((each for each in means if each is not None), default=0.0) or 1.0
    last = len(_MARKS) - 1
    return "".join(_UNKNOWN if each is None else _MARKS[round(each / top * last)] for each in means)
