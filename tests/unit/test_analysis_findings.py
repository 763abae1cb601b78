"""Findings: what is one, what it wastes, how severe it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from otel_verein.analysis.findings import CallSite, findings, severity
from otel_verein.config.schema import NPlusOne
from otel_verein.sources.base import FindingRow

CONFIG = NPlusOne(medium_repeats=5, high_repeats=10, critical_repeats=20)
ROW = FindingRow(
    service="shop",
    operation="GET /",
    kind="n_plus_one",
    fingerprint="f1",
    file="/srv/app/views.py",
    line=42,
    function="index",
    events=2,
    operations=2,
    repeats_sum=30,
    repeats_max=20,
    wasted_queries=28,
    wasted_ms=37.0,
    summary="SELECT author",
    statement="SELECT name FROM author WHERE id = ?",
    verb="SELECT",
    db_system="sqlite",
    stack=("/srv/app/views.py:42 in index",),
    trace_id="aa",
)


def test_rows_of_one_key_are_one_finding():
    """Partial rows add up; the example is of the worst."""
    other = replace(ROW, events=1, operations=1, repeats_sum=60, repeats_max=60, wasted_queries=59, trace_id="bb")

    (found,) = findings([ROW, other], CONFIG)

    assert (found.operations_seen, found.repeats_mean, found.repeats_max) == (3, 30.0, 60)
    assert (found.queries_wasted, found.time_wasted_s) == (87, pytest.approx(0.074))
    assert (found.verb, found.severity, found.example_trace_id) == ("select", "critical", "bb")
    assert found.call_site == CallSite("/srv/app/views.py", 42, "index")


@pytest.mark.parametrize("change", ["service", "operation", "kind", "fingerprint", "file", "line", "function"])
def test_another_key_is_another_finding(change: str):
    """What differs in place, statement or kind is not added up."""
    other = replace(ROW, **{change: 7 if change == "line" else "other"})

    assert len(findings([ROW, other], CONFIG)) == 2


def test_most_time_wasted_comes_first_and_unknown_last():
    """Findings are sorted by the time they waste; one of unknown time does not claim to waste none."""
    rows = [
        replace(ROW, fingerprint="unknown", wasted_ms=None, wasted_queries=9000),
        replace(ROW, fingerprint="none", wasted_ms=0.0),
        replace(ROW, fingerprint="much", wasted_ms=900.0),
    ]

    found = findings(rows, CONFIG)

    assert [finding.fingerprint for finding in found] == ["much", "none", "unknown"]
    assert found[-1].time_wasted_s is None


def test_unknown_call_site_is_none():
    """Without a file there is no call site, rather than an empty one."""
    (found,) = findings([replace(ROW, file=None, line=None, function=None)], CONFIG)

    assert found.call_site is None


@pytest.mark.parametrize(
    ("verb", "summary", "expected"),
    [
        ("DELETE", "x", "delete"),
        (None, "UPDATE author", "update"),
        ("MERGE", "x", "other"),
        (None, None, "other"),
    ],
)
def test_verb_is_one_of_five(verb: str | None, summary: str | None, expected: str):
    """The verb is the operation's name, else the first word of the summary, else other."""
    (found,) = findings([replace(ROW, verb=verb, summary=summary)], CONFIG)

    assert found.verb == expected


@pytest.mark.parametrize(
    ("repeats", "word"),
    [(5, "low"), (6, "medium"), (10, "medium"), (11, "high"), (20, "high"), (21, "critical")],
)
def test_severity_begins_above_its_threshold(repeats: int, word: str):
    """A severity is given for more repeats than its option says."""
    assert severity(repeats, CONFIG) == word
