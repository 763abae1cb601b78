"""One trace on a terminal: a waterfall with the numbers of what is folded."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from otel_verein.rendering.printable import clean
from otel_verein.rendering.terminal.screen import STYLES, fitted, padded, text
from otel_verein.rendering.waterfall import KINDS, Repeats, Row, Waterfall
from otel_verein.rendering.words import fine_ms, known, many, moment_ns, ms

_DEEPEST = 20
_NUMBERS = 22
_BAR_SHARE = 4
"""A quarter of the line is for the bars."""


def lines(trace: Waterfall, width: int) -> Iterator[Text]:
    """The trace, each line at most *width* columns; bars are as long as what they stand for took."""
    services = ", ".join(clean(service) for service in trace.services)
    yield fitted(
        text(
            f"trace {clean(trace.trace_id)}: {many(trace.spans, 'span')} of {services}, {ms(trace.duration_s)} ms, "
            f"from {moment_ns(trace.start_ns)} UTC on"
        ),
        width,
    )
    bar = width // _BAR_SHARE
    own = trace.rows[0].span.service if trace.rows else ""
    yield text(f"{'start ms':>10}  {'ms':>9}  {'':{bar}}  span", "bold")
    for row in trace.rows:
        numbers = f"{row.start_s * 1000:>10.1f}  {row.duration_s * 1000:>9.1f}  "
        style = STYLES["critical"] if row.failed else ""
        words = fitted(text(f"{'  ' * min(row.depth, _DEEPEST)}{_words(row, own)}", style), width - _NUMBERS - bar - 3)
        yield Text.assemble(numbers, padded(_bar(row, bar), bar, right=False), "  ", words)
    hidden = trace.spans - len(trace.rows)
    if hidden > 0:
        yield text(f"... and {many(hidden, 'span')} that took less (--limit)")


def _bar(row: Row, width: int) -> Text:
    start = min(width - 1, int(row.start_share * width))
    length = max(1, min(width - start, round(row.width_share * width)))
    mark = "▒" if row.repeats else "█"
    return Text.assemble(" " * start, (mark * length, STYLES["high"] if row.failed else "cyan"))


def _words(row: Row, own: str) -> str:
    """The name of the span, with what is not as in most: another service, a kind that is no call, an error."""
    span = row.span
    marks = [span.service] if span.service != own or not row.depth else []
    if span.kind in KINDS and KINDS[span.kind] != "client":
        marks.append(KINDS[span.kind])
    if span.tier and not row.depth:
        marks.append(f"tier {span.tier}")
    if row.failed:
        marks.append(f"ERROR {span.status_message}" if span.status_message else "ERROR")
    more = f" [{', '.join(marks)}]" if marks else ""
    return clean(f"{span.name}{folded(row.repeats)}{more}")


def folded(repeats: Repeats | None) -> str:
    """How often, and how long one took, of what a summary span stands for; empty for a span of its own."""
    if repeats is None:
        return ""
    least, mean, most = (known(value, fine_ms) for value in (repeats.min_s, repeats.avg_s, repeats.max_s))
    return f" x {repeats.count} (min {least}, avg {mean}, max {most} ms)"
