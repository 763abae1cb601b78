"""Waterfalls of single traces."""

from __future__ import annotations

from typing import Any, Final

from otel_verein import semconv
from otel_verein.rendering.html.markup import Html, el, joined
from otel_verein.rendering.waterfall import KINDS, Row, Waterfall
from otel_verein.rendering.words import cut, fine_ms, known, many, moment_ns, ms

_DEEPEST: Final = 12
_ATTRIBUTES: Final = 12
_LONGEST: Final = 300


def waterfall(trace: Waterfall, about: str) -> Html:
    """One trace, folded until it is looked at; *about* says why it is here."""
    services = ", ".join(trace.services)
    root = trace.rows[0].span.name if trace.rows else ""
    facts = f"{ms(trace.duration_s)} ms, {many(trace.spans, 'span')} of {services}"
    head = el("summary", el("strong", root), " ", el("span", facts, class_="quiet"), el("span", about, class_="why"))
    began = el("p", f"trace {trace.trace_id}, from {moment_ns(trace.start_ns)} UTC on", class_="quiet")
    hidden = trace.spans - len(trace.rows)
    more = el("p", f"{many(hidden, 'span')} that took less left out.", class_="quiet") if hidden > 0 else None
    rows = el("div", [_row(row) for row in trace.rows], class_="rows")
    return el("details", head, began, rows, more, class_="trace", id=f"trace-{trace.trace_id}")


def _row(row: Row) -> Html:
    span = row.span
    marks = [span.service, *([KINDS[span.kind]] if span.kind in KINDS else [])]
    name = el(
        "span",
        el("span", cut(span.name, _LONGEST), class_="what"),
        _folded(row),
        el("span", "error", class_="badge critical") if row.failed else None,
        class_=f"name i{min(row.depth, _DEEPEST)}",
    )
    times = _took(row)
    classes = " ".join(filter(None, ("bar", "failed" if row.failed else "", "folded" if row.repeats else "")))
    width = max(0.4, 100 * row.width_share)
    start = min(100 * row.start_share, 100 - width)
    rect = el("rect", class_=classes, x=f"{max(0.0, start):.2f}%", width=f"{width:.2f}%", y=3, height=10, rx=2)
    lane = el("svg", rect, class_="lane", height=16, aria_hidden="true")
    facts = [("start", f"{row.start_s * 1000:.1f} ms"), ("kind", ", ".join(marks))]
    if span.status_message:
        facts.append(("message", span.status_message))
    told = [(key, _shown(value)) for key, value in row.attributes.items() if key not in semconv.AGGREGATION]
    facts += told[:_ATTRIBUTES]
    more = el("dl", [joined(el("dt", key), el("dd", cut(value, _LONGEST))) for key, value in facts])
    return el("details", el("summary", name, times, lane), more, class_="span")


def _took(row: Row) -> Html:
    """What the span took; a summary span the sum of its calls, while its bar is from the first to the last."""
    repeats = row.repeats
    if repeats is None or repeats.total_s is None:
        return el("span", f"{fine_ms(row.duration_s)} ms", class_="took")
    title = f"the sum of {many(repeats.count, 'call')}; from the first to the last {ms(row.duration_s)} ms went by"
    return el("span", f"{fine_ms(repeats.total_s)} ms", class_="took", title=title)


def _folded(row: Row) -> Html | None:
    repeats = row.repeats
    if repeats is None:
        return None
    least, mean, most = (known(value, fine_ms) for value in (repeats.min_s, repeats.avg_s, repeats.max_s))
    words = f"min {least} / avg {mean} / max {most} ms"
    return el("span", el("b", f"\u00d7 {repeats.count}"), " ", words, class_="repeats")


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else ", ".join(map(str, value)) if isinstance(value, list) else str(value)
