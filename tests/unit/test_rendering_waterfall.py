"""A trace as rows of a waterfall."""

from __future__ import annotations

import json
from typing import Any

from otel_verein.rendering.terminal.trace import lines
from otel_verein.rendering.waterfall import Repeats, plain, waterfall
from otel_verein.store.traces import TraceSpan
from tests.unit.otlp_lines import attributes

MS = 1_000_000


def span(number: int, parent: int | None, start_ms: float = 0, took_ms: float = 10, **more: Any) -> TraceSpan:
    """A span of service shop with these attributes, or fields of its own."""
    own = {name: more.pop(name) for name in tuple(more) if name in TraceSpan.__slots__}
    fields: dict[str, Any] = {
        "trace_id": "a" * 32,
        "span_id": f"{number:016x}",
        "parent_span_id": None if parent is None else f"{parent:016x}",
        "start_ns": round(start_ms * MS),
        "duration_ns": round(took_ms * MS),
        "service": "shop",
        "name": f"span {number}",
        "kind": 3,
        "status": 0,
        "status_message": None,
        "operation": None,
        "tier": "",
        "weight": 1.0,
        "resource": "{}",
        "scope": "{}",
        "attributes": json.dumps(attributes({key.replace("__", "."): value for key, value in more.items()})),
        "events": None,
        "links": None,
    }
    return TraceSpan(**fields | own)


def summary(number: int, parent: int, count: int) -> TraceSpan:
    """A summary span of *count* calls of 1 to 3 ms."""
    return span(
        number,
        parent,
        10,
        80,
        aggregation__is_summary=True,
        aggregation__span_count=count,
        aggregation__duration_min_ns=1 * MS,
        aggregation__duration_avg_ns=2 * MS,
        aggregation__duration_max_ns=3 * MS,
        aggregation__duration_total_ns=2 * MS * count,
    )


def test_rows_stand_below_their_parent_with_their_share_of_the_trace() -> None:
    """Depth comes from the parents, place and width from the times, in shares of the whole."""
    made = waterfall([span(1, None, 100, 100), span(2, 1, 150, 25), span(3, 2, 150, 5)])

    assert [(row.depth, row.start_share, row.width_share) for row in made.rows] == [
        (0, 0.0, 1.0),
        (1, 0.5, 0.25),
        (2, 0.5, 0.05),
    ]
    assert (made.spans, made.duration_s, made.services) == (3, 0.1, ("shop",))


def test_a_summary_span_says_what_it_stands_for() -> None:
    """Its count and the times of one call are told; a span of its own has none."""
    made = waterfall([span(1, None, 0, 100), summary(2, 1, 14)])

    assert [row.repeats for row in made.rows] == [None, Repeats(14, 0.001, 0.002, 0.003, 0.028)]


def test_parents_that_are_absent_or_in_a_circle_lose_no_span() -> None:
    """Whatever parents claim, every span is there once."""
    made = waterfall([span(1, 99), span(2, 3), span(3, 2), span(4, 4)])

    assert sorted(row.span.span_id for row in made.rows) == [f"{number:016x}" for number in (1, 2, 3, 4)]


def test_those_that_took_least_are_left_out_past_the_bound() -> None:
    """The longest are kept, in their order, and how many there were is said."""
    made = waterfall([span(number, None, number, 100 - number) for number in range(50)], 3)

    assert ([f"span {number}" for number in range(3)], 50) == ([row.span.name for row in made.rows], made.spans)


def test_attributes_that_cannot_be_read_are_none() -> None:
    """A text that is no list of attributes gives no attribute, and no error."""
    broken = ["", "{", "3", '[{"key": 1}, 2, {"key": "a"}, {"key": "b", "value": {"intValue": "x"}}]']

    assert [{}, {}, {}, {"a": None, "b": None}] == [plain(text) for text in broken]


def test_on_a_terminal_every_line_fits_and_cannot_steer_it() -> None:
    """Names of any length and content stay within the width; repeats and errors are told."""
    spans = [
        span(1, None, 0, 100, name="GET /" + "x" * 200 + "\x1b[31m\n", kind=2),
        summary(2, 1, 14),
        span(3, 1, 20, 5, status=2, status_message="no such table", service="db"),
    ]

    for width in (60, 80, 120):
        shown = [line.plain for line in lines(waterfall(spans), width)]
        assert all(len(line) <= width and line.isprintable() for line in shown), width
    assert "span 2 x 14 (min 1.0, avg 2.0, max 3.0 ms)" in shown[3]
    assert "span 3 [db, ERROR no such table]" in shown[4]
    assert "x 14" not in shown[4]


def test_what_is_left_out_is_said_on_a_terminal() -> None:
    """A trace that is cut says by how much."""
    shown = [line.plain for line in lines(waterfall([span(number, None) for number in range(9)], 2), 80)]

    assert shown[-1] == "... and 7 spans that took less (--limit)"
