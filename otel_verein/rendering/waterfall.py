"""One trace as rows of a waterfall, whatever its parents claim."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from otel_verein import semconv

if TYPE_CHECKING:
    from otel_verein.store.traces import TraceSpan

KINDS: Final = {2: "server", 3: "client", 4: "producer", 5: "consumer"}
"""The kinds of OTLP that are worth a word."""

_ERROR = 2


@dataclass(frozen=True, slots=True)
class Repeats:
    """What a summary span stands for: how many calls, and the times of one of them; None where it does not say."""

    count: int
    min_s: float | None
    avg_s: float | None
    max_s: float | None
    total_s: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """One span: where it stands in the tree, and from when to when in shares of the trace.

    ``start_s`` is since the first span began. ``repeats`` is None for a span that stands for itself.
    """

    span: TraceSpan
    depth: int
    start_s: float
    duration_s: float
    start_share: float
    width_share: float
    repeats: Repeats | None
    attributes: Mapping[str, Any]

    @property
    def failed(self) -> bool:
        """Whether the span has the status error."""
        return self.span.status == _ERROR


@dataclass(frozen=True, slots=True)
class Waterfall:
    """A trace of ``spans`` spans, of which the first rows are shown; ``start_ns`` since the epoch."""

    trace_id: str
    start_ns: int
    duration_s: float
    services: tuple[str, ...]
    spans: int
    rows: tuple[Row, ...]


def waterfall(spans: Sequence[TraceSpan], most: int | None = None) -> Waterfall:
    """The waterfall of *spans*, which are not empty; *most* rows, those left out are the ones that took least."""
    first = min(span.start_ns for span in spans)
    last = max(span.start_ns + span.duration_ns for span in spans)
    kept = _longest(spans, most)
    length = max(1, last - first)
    rows = tuple(_row(span, depth, first, length) for span, depth in tree(kept))
    services = tuple(sorted({span.service for span in spans}))
    return Waterfall(spans[0].trace_id, first, (last - first) / 1e9, services, len(spans), rows)


def tree(spans: Sequence[TraceSpan]) -> Iterator[tuple[TraceSpan, int]]:
    """Each span once, in the order of the starts below each parent, with its depth; whatever parents claim."""
    there = {span.span_id for span in spans}
    below: dict[str | None, list[TraceSpan]] = defaultdict(list)
    for span in spans:
        below[span.parent_span_id if span.parent_span_id in there else None].append(span)
    seen: set[str] = set()
    for top in [*below[None], *spans]:  # spans that are their own ancestors hang below none of the first
        waiting = [(top, 0)]
        while waiting:
            span, depth = waiting.pop()
            if span.span_id not in seen:
                seen.add(span.span_id)
                yield span, depth
                waiting += [(each, depth + 1) for each in reversed(below[span.span_id])]


def _longest(spans: Sequence[TraceSpan], most: int | None) -> Sequence[TraceSpan]:
    if most is None or len(spans) <= most:
        return spans
    chosen = {id(span) for span in sorted(spans, key=lambda span: -span.duration_ns)[:most]}
    return [span for span in spans if id(span) in chosen]


def _row(span: TraceSpan, depth: int, first: int, length: int) -> Row:
    attributes = plain(span.attributes)
    return Row(
        span=span,
        depth=depth,
        start_s=(span.start_ns - first) / 1e9,
        duration_s=span.duration_ns / 1e9,
        start_share=(span.start_ns - first) / length,
        width_share=span.duration_ns / length,
        repeats=_repeats(attributes),
        attributes=attributes,
    )


def plain(text: str) -> dict[str, Any]:
    """Attributes of OTLP/JSON as values by key; empty for a text that is none."""
    try:
        listed = json.loads(text) if text else []
    except ValueError:
        return {}
    if not isinstance(listed, list):
        return {}
    pairs = [(each.get("key"), _value(each.get("value"))) for each in listed if isinstance(each, dict)]
    return {key: value for key, value in pairs if isinstance(key, str)}


def _value(holder: object) -> Any:
    if not isinstance(holder, dict) or not holder:
        return None
    ((shape, value), *_) = holder.items()
    if shape == "intValue":
        try:
            return int(value)
        except (TypeError, ValueError):
            return None
    if shape == "arrayValue" and isinstance(value, dict):
        return [_value(each) for each in value.get("values", ())]
    return value


def _repeats(attributes: Mapping[str, Any]) -> Repeats | None:
    count = attributes.get(semconv.AGG_SPAN_COUNT)
    if attributes.get(semconv.AGG_IS_SUMMARY) is not True or not isinstance(count, int):
        return None
    return Repeats(
        count,
        _seconds(attributes.get(semconv.AGG_DURATION_MIN_NS)),
        _seconds(attributes.get(semconv.AGG_DURATION_AVG_NS)),
        _seconds(attributes.get(semconv.AGG_DURATION_MAX_NS)),
        _seconds(attributes.get(semconv.AGG_DURATION_TOTAL_NS)),
    )


def _seconds(nanoseconds: object) -> float | None:
    if isinstance(nanoseconds, bool) or not isinstance(nanoseconds, (int, float)) or not math.isfinite(nanoseconds):
        return None
    return nanoseconds / 1e9
