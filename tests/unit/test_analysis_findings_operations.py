"""Findings about whole operations: many queries, and failures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from otel_verein.analysis.findings import Finding
from otel_verein.analysis.findings_operations import chatty, errors, failing_most
from otel_verein.analysis.operations import OperationStats, operations
from otel_verein.analysis.statements import statements
from otel_verein.config.schema import Analysis, Config, Health, Thresholds
from otel_verein.sources.base import Tables
from tests.unit.fixed_source import calls_of, series

CONFIG = Config(
    analysis=Analysis(chatty_queries=20, error_share=0.01),
    health=Health(minimum_operations=30, objective=0.95),
    thresholds=Thresholds(queries=50, queries_critical=100),
)


def ran(queries: Sequence[float], weight: int = 1) -> tuple[OperationStats, ...]:
    """Operations with these numbers of queries, estimated where they are weighted."""
    rows = (
        series("duration", [0.1] * len(queries), weight=weight, estimated=weight > 1),
        series("db.queries", queries, weight=weight, estimated=weight > 1),
    )
    return operations(Tables(histograms=rows))


def failed(bad: int, of: int) -> tuple[OperationStats, ...]:
    """So many failed operations, of half a second each."""
    rows = [series("duration", [0.1] * (of - bad))] if of > bad else []
    rows += [series("duration", [0.5] * bad, status="error")] if bad else []
    return operations(Tables(histograms=tuple(rows)))


def repeat(queries: int) -> Finding:
    """A finding that would save so many queries."""
    (found,) = chatty(ran([40.0] * 100), CONFIG, [])
    return replace(found, queries_wasted=queries)


@pytest.mark.parametrize(
    ("queries", "word"), [(20.0, "low"), (51.0, "medium"), (101.0, "high")], ids=["chatty", "over", "far over"]
)
def test_many_different_queries_are_chatty(queries: float, word: str):
    """From analysis.chatty_queries on the mean on; the budgets of queries say how bad it is."""
    (found,) = chatty(ran([queries] * 40), CONFIG, [])

    assert (found.kind, found.severity, found.basis, found.n) == ("chatty", word, "counted", 40)
    assert found.why == f"{queries:.1f} queries on the mean; 40 operations"
    assert (found.queries_wasted, found.time_wasted_s, found.saving.queries) == (None, None, None)


def test_few_queries_are_silent():
    """Below the option, or in fewer operations than a mean takes, nothing is said."""
    assert chatty(ran([19.0] * 40), CONFIG, []) == []
    assert chatty(ran([90.0] * 29), CONFIG, []) == []


def test_what_repeats_save_is_not_chatty():
    """Thirty queries of which fifteen are repeats are an N+1, and told as that; with five it is both."""
    stats = ran([30.0] * 100)

    assert chatty(stats, CONFIG, [repeat(1500)]) == []
    (found,) = chatty(stats, CONFIG, [repeat(500)])
    assert found.why == "30.0 queries on the mean, 25.0 without the repeats that are told apart; 100 operations"


def test_estimates_say_so():
    """Of sampled operations it says how many were seen, and judges by those, not by what they stand for."""
    (found,) = chatty(ran([20.0, 40.0] * 20, weight=10), CONFIG, [])

    assert (found.basis, found.n) == ("sampled", 40)
    assert found.why == (
        "30.0 queries on the mean (+- 3.1 at 95 %); about 400 operations (+- 118 at 95 %), estimated from 40 seen"
    )
    assert chatty(ran([30.0] * 10, weight=10), CONFIG, []) == []


@pytest.mark.parametrize(
    ("bad", "of", "word"),
    [(30, 1000, "medium"), (6, 100, "high"), (30, 200, "critical")],
    ids=["above the share", "seems past the objective", "past it for certain"],
)
def test_failures_beyond_chance_are_a_finding(bad: int, of: int, word: str):
    """The objective says how bad a share is; the time of what failed is its waste."""
    (found,) = errors(failed(bad, of), CONFIG, {})

    assert (found.kind, found.severity, found.operations_seen, found.n) == ("errors", word, bad, of)
    assert found.time_wasted_s == pytest.approx(bad * 0.5)
    assert found.saving.time_s is None


@pytest.mark.parametrize(
    ("bad", "of"), [(0, 100), (1, 40), (2, 29), (9, 1000)], ids=["none", "chance", "too few", "below the share"]
)
def test_failures_that_chance_can_do_are_silent(bad: int, of: int):
    """One of forty is 2.5 %, and says no more than that it is at least 0.4 %."""
    assert errors(failed(bad, of), CONFIG, {}) == []


def test_failing_statement_is_named():
    """The statement that failed most in kept traces of the operation is named beside its failures."""
    calls = statements(
        [calls_of({0.01: 9}, fingerprint="a", errors=2.0), calls_of({0.01: 9}, fingerprint="b", errors=0.0)]
    )

    (found,) = errors(failed(50, 100), CONFIG, failing_most(calls))

    assert found.why == (
        "50.00% failed (40.38% to 59.62% at 95 %): 50 of 100 operations; of its statements failed most in kept traces: "
        "SELECT t"
    )
