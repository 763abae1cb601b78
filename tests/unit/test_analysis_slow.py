"""The slowest operations and what is known of why."""

from __future__ import annotations

import json
from dataclasses import replace

from otel_verein.analysis.operations import operations
from otel_verein.analysis.slow import SlowOperation, slow_operations
from otel_verein.config.schema import Config, Thresholds
from otel_verein.sources.base import Roots, Tables
from otel_verein.sources.rows import FindingRow, RootRow
from tests.unit.two_sides import finding, operation

ROW = RootRow(
    trace_id="0a", span_id="01", service="shop", operation="GET /", kind="server", start_ns=0, duration_s=2.0,
    error=False, weight=1.0, queries=60, db_s=1.5, breaches=("duration",), entity_type=None, entity_id=None, items=None,
)  # fmt: skip
CONFIG = replace(Config(), thresholds=Thresholds(queries=50))
MEASURED = operations(Tables(histograms=tuple(operation([0.25] * 50, [4] * 50))))


def slow(row: RootRow, *events: FindingRow) -> SlowOperation:
    """The only slow operation."""
    (only,) = slow_operations(Roots((row,), 1), MEASURED, events, CONFIG).operations
    return only


def texts(found: SlowOperation) -> list[tuple[str, str]]:
    """Its reasons."""
    return [(reason.kind, reason.text) for reason in found.reasons]


def test_reasons_of_a_slow_operation():
    """Where its time went, how many queries that were, and how far it is from the usual."""
    found = slow(ROW)

    assert (found.db_share, found.times_median) == (0.75, 8.0)
    assert texts(found) == [
        ("database", "75% of the time in the database, 60 queries"),
        ("queries", "60 queries, of a budget of 50, where 4 is the median"),
    ]


def test_finding_of_its_own_trace_is_certain():
    """One of another trace is so only by its operation, and only where this one has an N+1, too."""
    own, another = replace(finding(3, 24), trace_id="0a"), finding(3, 24)

    assert texts(slow(ROW, own))[-1] == ("finding", "n_plus_one: SELECT author, 9 times in this trace")
    assert ("finding" in dict(texts(slow(ROW, another)))) is False
    assert texts(slow(replace(ROW, breaches=("n_plus_one",)), another))[-1] == (
        "finding",
        "n_plus_one of the operation, probably here too: SELECT author",
    )


def test_time_outside_the_database():
    """Few queries and little of the time: look elsewhere; an error is told."""
    assert texts(slow(replace(ROW, queries=2, db_s=0.2, error=True))) == [
        ("outside_database", "10% of the time in the database, 2 queries"),
        ("error", "it failed"),
    ]


def test_nothing_known_is_said():
    """Where no driver was watched, there is no share, and no reason is made up."""
    found = slow(replace(ROW, queries=None, db_s=None, operation="job"))

    assert (found.db_share, found.times_median) == (None, None)
    assert texts(found) == [("unexplained", "nothing that was recorded explains it")]


def test_slowest_first_and_json():
    """In the order of time, as plain data."""
    answer = slow_operations(Roots((ROW, replace(ROW, duration_s=9.0, trace_id="0b")), 7), MEASURED, (), CONFIG)

    plain = answer.as_dict()
    assert [each["trace_id"] for each in plain["operations"]] == ["0b", "0a"]
    assert (plain["kept"], plain["operations"][0]["start"]) == (7, "1970-01-01T00:00:00.000Z")
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
