"""How figures went over time."""

from __future__ import annotations

from otel_verein.analysis.trend import FIGURES, Trend
from otel_verein.rendering.html.charts import line
from otel_verein.rendering.html.markup import Html, el, joined
from otel_verein.rendering.trending import NAMES, change
from otel_verein.rendering.words import many, moment_ns

_NS = 1_000_000_000


def trends(trend: Trend) -> Html:
    """A chart for each figure of all operations together; upright lines are where its level changed."""
    points = trend.total.points
    about = f"{many(len(points), 'step')} of {trend.step_s} s; dashed lines are where a level changed"
    notes = [el("li", note) for note in trend.notes]
    charts = [chart for name in FIGURES if (chart := _figure(trend, name)) is not None]
    return joined(
        el("p", about, class_="quiet"), el("div", charts, class_="charts"), el("ul", notes) if notes else None
    )


def _figure(trend: Trend, name: str) -> Html | None:
    """The chart of one figure; a step of which nothing is known interrupts its line."""
    label, shown = NAMES[name]
    there = {point.start_ns // _NS: FIGURES[name](point) for point in trend.total.points}
    known = [value for value in there.values() if value is not None]
    if not known:
        return None
    first, last = min(there), max(there)
    points = [(float(start), there.get(start)) for start in range(first, last + 1, trend.step_s)]
    changes = [each for each in trend.total.changes if each.figure == name]
    bounds = f"{shown(min(known))} to {shown(max(known))}"
    ends = (moment_ns(first * _NS), moment_ns(last * _NS))
    chart = line(points, [each.at_ns / _NS for each in changes], f"{label}: {bounds}", ends)
    caption = el("figcaption", el("strong", label), " ", el("span", bounds, class_="quiet"))
    return el("figure", caption, chart, [el("p", change(each), class_="quiet") for each in changes])
