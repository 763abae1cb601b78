"""Late operations: the queries after the end of one are an operation of their own, linked to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.trace import Span, use_span

from otel_verein.config import Config
from otel_verein.config.schema import Limits, Sampling
from otel_verein.instrumentation.drivers.dbapi import LedgerTracer, current_span
from otel_verein.instrumentation.drivers.table import DRIVERS
from otel_verein.ledger import UNATTRIBUTED
from tests.integration.harness import Watched

QUERY = "select name from author where id = ?"


@pytest.fixture
def watched() -> Iterator[Watched]:
    """Operations that end in memory."""
    watched = Watched()
    yield watched
    watched.shutdown()


def query(span: Span, times: int = 1) -> None:
    """Book *times* finished queries in the context of *span*."""
    tracer = LedgerTracer(next(driver for driver in DRIVERS if driver.name == "sqlite3"))
    with use_span(span, end_on_exit=False):
        for number in range(times):
            tracer.book(current_span(), QUERY, number * 100, number * 100 + 50, parameters=(number,))


def counts(watched: Watched) -> list[tuple[str, object]]:
    """Name and query count of every root."""
    return [(root.name, (root.attributes or {})["verein.db.query_count"]) for root in watched.roots()]


def test_late_queries_are_an_operation_of_their_own(watched: Watched) -> None:
    """Queries after the end of the root are counted apart from it, and the new root is linked to it."""
    root = watched.tracer.start_span("GET /orders")
    query(root, 2)
    root.end()
    query(root, 3)

    assert [("GET /orders", 2), ("GET /orders (after its end)", 3)] == counts(watched)
    (late,) = [span for span in watched.roots() if "after" in span.name]
    assert [root.get_span_context().span_id] == [link.context.span_id for link in late.links]
    assert late.context is not None
    assert late.context.trace_id != root.get_span_context().trace_id


def test_late_queries_are_judged(watched: Watched) -> None:
    """A loop that goes on after the end of its request is found as any other."""
    root = watched.tracer.start_span("GET /orders")
    root.end()
    query(root, 20)

    (late,) = [span for span in watched.roots() if "after" in span.name]

    assert ["verein.finding"] == [event.name for event in late.events]


def test_no_late_operation_without_late_queries(watched: Watched) -> None:
    """Twin: an operation that nothing outlives is followed by none."""
    root = watched.tracer.start_span("GET /orders")
    query(root, 2)
    root.end()

    assert [("GET /orders", 2)] == counts(watched)


def test_a_worker_of_one_request_takes_nothing_from_the_others(watched: Watched) -> None:
    """Work in the context of an ended request is late; a hundred other requests keep their own counts."""
    first = watched.tracer.start_span("GET /first")
    first.end()
    for number in range(100):
        other = watched.tracer.start_span(f"GET /{number}")
        query(other, number % 3)
        query(first)
        other.end()

    found = dict(counts(watched))

    assert found.pop("GET /first") == 0
    assert found.pop("GET /first (after its end)") == 100
    assert {f"GET /{number}": number % 3 for number in range(100)} == found


def test_more_late_operations_than_the_bound_are_counted_unattributed() -> None:
    """Past ``limits.late_operations`` a late query is not lost: it is unattributed."""
    watched = Watched(Config(sampling=Sampling(ratio=1.0), limits=Limits(late_operations=1)))
    UNATTRIBUTED.take()
    roots = [watched.tracer.start_span(f"GET /{number}") for number in range(3)]
    for root in roots:
        root.end()
        query(root)

    assert UNATTRIBUTED.take() == {"late": 2}
    assert ("GET /0 (after its end)", 1) in counts(watched)
    watched.shutdown()
