"""Charts as inline SVG: drawn from the figures alone, readable to those who hear them, coloured by the style sheet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from otel_verein.analysis.histogram import Distribution
from otel_verein.rendering.html.markup import Html, el

_BARS = 32
_WIDTH, _HEIGHT = 320.0, 72.0
_FLOOR = 14.0
"""What is left below the bars for the words."""


def histogram(values: Distribution, show: Callable[[float], str], what: str) -> Html:
    """How often which value was measured, on a scale of equal ratios; the first bar is what was zero."""
    scale, bars = _bars(values)
    zeros = values.count - sum(bars.values())
    first = min(bars, default=0)
    places = list(range(first, max(bars, default=0) + 1)) if bars else []
    drawn: list[tuple[str, int]] = [("0", zeros)] if zeros or not bars else []
    for index in places:
        low, high = (2 ** (each / 2**scale) for each in (index, index + 1))
        drawn.append((f"{show(low)} to {show(high)}", bars.get(index, 0)))
    most = max(amount for _, amount in drawn)
    step = _WIDTH / max(len(drawn), _BARS // 2)
    rects = [
        _bar(place * step, step, amount / most, f"{label}: {amount} of {values.count}")
        for place, (label, amount) in enumerate(drawn)
        if amount
    ]
    ends = _ends(values, drawn, show)
    title = f"{what}: {values.count} measured, from {ends[0]} to {ends[1]}"
    base = _HEIGHT - _FLOOR
    axis = el("line", class_="axis", x1=0, x2=_WIDTH, y1=base, y2=base)
    left = el("text", ends[0], x=0, y=_HEIGHT - 2)
    right = el("text", ends[1], class_="end", x=len(drawn) * step, y=_HEIGHT - 2) if ends[0] != ends[1] else None
    return _svg(title, axis, rects, left, right)


def _bars(values: Distribution) -> tuple[int, Mapping[int, int]]:
    """The buckets at a scale at which there are few enough to be seen."""
    scale, bars = values.scale, Counter(dict(values.buckets))
    while bars and max(bars) - min(bars) >= _BARS:
        coarser: Counter[int] = Counter()
        for index, amount in bars.items():
            coarser[index >> 1] += amount
        scale, bars = scale - 1, coarser
    return scale, bars


def _bar(x: float, step: float, share: float, label: str) -> Html:
    room = _HEIGHT - _FLOOR - 2
    height = max(1.5, share * room)
    return el(
        "rect", el("title", label), class_="bar", x=x + 0.5, width=step - 1, y=_HEIGHT - _FLOOR - height, height=height
    )


def _ends(values: Distribution, drawn: Sequence[tuple[str, int]], show: Callable[[float], str]) -> tuple[str, str]:
    least = drawn[0][0].partition(" to ")[0] if values.minimum is None else show(values.minimum)
    most = drawn[-1][0].rpartition(" to ")[2] if values.maximum is None else show(values.maximum)
    return least, most


def stacked(parts: Mapping[str, float], whole: float, title: str) -> Html:
    """One bar that *parts* fill from the left, up to *whole*."""
    at, rects = 0.0, []
    for number, (name, size) in enumerate(parts.items()):
        width = 100 * size / whole
        if size:
            label = el("title", f"{name}: {size:.1f}")
            rects.append(el("rect", label, class_=f"part p{number}", x=f"{at:.3f}%", width=f"{width:.3f}%", height=18))
        at += width
    back = el("rect", class_="back", width="100%", height=18)
    return el("svg", back, rects, class_="stacked", role="img", aria_label=title, height=18)


def line(
    points: Sequence[tuple[float, float | None]], marks: Sequence[float], title: str, ends: tuple[str, str]
) -> Html:
    """*points* of x and y, joined where neighbours are known, from 0 up; *marks* are upright lines at their x.

    *ends* are words for the first and the last x.
    """
    known = [(x, y) for x, y in points if y is not None]
    first, last = min(x for x, _ in points), max(x for x, _ in points)
    top = max((y for _, y in known), default=0.0) or 1.0
    base = _HEIGHT - _FLOOR

    def at(x: float, y: float) -> tuple[float, float]:
        return 3 + (x - first) / ((last - first) or 1) * (_WIDTH - 6), base - y / top * (base - 4)

    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in points:
        if y is None:
            runs.append([])
        else:
            runs[-1].append(at(x, y))
    drawn = [_run(run) for run in runs if run]
    upright = [el("line", class_="mark", x1=at(x, 0)[0], x2=at(x, 0)[0], y1=0, y2=base) for x in marks]
    axis = el("line", class_="axis", x1=0, x2=_WIDTH, y1=base, y2=base)
    words = el("text", ends[0], x=0, y=_HEIGHT - 2), el("text", ends[1], class_="end", x=_WIDTH, y=_HEIGHT - 2)
    return _svg(title, axis, upright, drawn, words)


def _run(run: Sequence[tuple[float, float]]) -> Html:
    if len(run) == 1:
        return el("circle", class_="dot", cx=run[0][0], cy=run[0][1], r=2)
    return el("polyline", class_="line", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in run))


def _svg(title: str, *children: Html | Sequence[Html] | None) -> Html:
    box = f"0 0 {_WIDTH:.0f} {_HEIGHT:.0f}"
    return el("svg", *children, class_="chart", viewBox=box, role="img", aria_label=title)
