"""Findings: what is one, what it wastes, how severe it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from otel_verein.analysis.findings import CallSite, Saving, by_waste, findings, severity
from otel_verein.config.schema import NPlusOne
from otel_verein.sources.rows import FindingRow

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


def test_saving_is_all_repeats_but_one():
    """It is counted from finding events, says from how many, and where times are not told says that."""
    (found,) = findings([ROW], CONFIG)
    (untimed,) = findings([replace(ROW, wasted_ms=None)], CONFIG)

    assert found.saving == Saving(
        28,
        pytest.approx(0.037),
        "all repeats but one: 28 of 30 queries in 2 runs; time: the measured mean of a repeat, for each of those",
        0.0,
    )
    assert untimed.saving == Saving(
        28, None, "all repeats but one: 28 of 30 queries in 2 runs; their times were not told"
    )
    assert (found.basis, found.n) == ("counted", 2)
    assert found.why == "ran 15.0 times on the mean, 20 at most, where once could do; 2 such runs in 2 operations"


def test_turns_of_a_sequence_save_all_their_statements():
    """Where a turn is several statements, more queries are saved than turns, and the sentences say so."""
    (found,) = findings([replace(ROW, wasted_queries=84)], CONFIG)

    assert found.saving.how == (
        "all turns but one: 28 of 30 in 2 runs, 84 queries in them; time: the measured mean of a repeat, for each of "
        "those"
    )
    assert found.why == (
        "a sequence of 3.0 statements on the mean ran 15.0 times on the mean, 20 at most, where once could do; 2 such "
        "runs in 2 operations"
    )


def test_library_is_that_of_the_worst():
    """The library, its version and its function come with the call site; unknown where the event did not say."""
    told = replace(ROW, orm="django", orm_version="5.2", via="django.db.models.query:QuerySet.get", repeats_max=40)

    (found,) = findings([ROW, told], CONFIG)
    (without,) = findings([ROW], CONFIG)

    assert (found.orm, found.orm_version, found.via) == ("django", "5.2", "django.db.models.query:QuerySet.get")
    assert (without.orm, without.orm_version, without.via) == (None, None, None)


def test_equal_waste_goes_by_severity():
    """Where nothing is known of time or queries, the more severe comes first."""
    (found,) = findings([replace(ROW, wasted_ms=None)], CONFIG)
    unknown = [replace(found, queries_wasted=None, severity=word) for word in ("low", "critical", "medium")]

    assert [each.severity for each in by_waste(unknown)] == ["critical", "medium", "low"]
