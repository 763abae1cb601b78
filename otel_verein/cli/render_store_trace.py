"""One trace as a tree: when each span began after the first, how long it took, and what it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from otel_verein.cli.render_store import many
from otel_verein.cli.terminal import printable
from otel_verein.rendering.waterfall import tree

if TYPE_CHECKING:
    from otel_verein.store.traces import TraceSpan

_KINDS = {2: "server", 3: "client", 4: "producer", 5: "consumer"}
_ERROR = 2
_NS_PER_MS = 1_000_000
_NS_PER_S = 1_000_000_000
_DEEPEST = 40


def render_trace(spans: Sequence[TraceSpan]) -> str:
    """Every span below its parent; one whose parent is not there stands at the left."""
    first = min(span.start_ns for span in spans)
    last = max(span.start_ns + span.duration_ns for span in spans)
    services = ", ".join(sorted({printable(span.service) for span in spans}))
    began = datetime.fromtimestamp(first / _NS_PER_S, timezone.utc)
    lines = [
        f"trace {spans[0].trace_id}: {many(len(spans), 'span')} of {services}, {(last - first) / _NS_PER_MS:.1f} ms, "
        f"from {began:%Y-%m-%d %H:%M:%S} UTC on",
        f"{'start ms':>10}  {'ms':>9}  span",
    ]
    for span, depth in tree(spans):
        start, took = (span.start_ns - first) / _NS_PER_MS, span.duration_ns / _NS_PER_MS
        lines.append(f"{start:>10.1f}  {took:>9.1f}  {'  ' * min(depth, _DEEPEST)}{_words(span, depth)}")
    return "\n".join(lines)


def _words(span: TraceSpan, depth: int) -> str:
    marks = [span.service, *([_KINDS[span.kind]] if span.kind in _KINDS else [])]
    if span.tier and not depth:
        marks.append(f"tier {span.tier}")
    if span.status == _ERROR:
        marks.append(f"ERROR {span.status_message}" if span.status_message else "ERROR")
    return printable(f"{span.name}  [{', '.join(marks)}]")
