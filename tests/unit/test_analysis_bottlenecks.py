"""Bottlenecks of an operation, its priority, and the word for how it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from otel_verein.analysis.bottlenecks import bottlenecks, judgements, level, priority
from otel_verein.analysis.findings import Finding, findings
from otel_verein.analysis.operations import OperationStats, operations
from otel_verein.analysis.statements import slow_statements, statements
from otel_verein.config.schema import Config, Health, NPlusOne, ThresholdRule, Thresholds
from otel_verein.sources.base import Tables
from otel_verein.sources.rows import FindingRow
from tests.unit.fixed_source import calls_of, series

CONFIG = Config(
    thresholds=Thresholds(
        queries=50,
        queries_critical=100,
        queries_excellent=10,
        duration_s=2.0,
        duration_critical_s=5.0,
        duration_excellent_s=0.5,
        slow_query_s=0.1,
    ),
    n_plus_one=NPlusOne(medium_repeats=5, high_repeats=10, critical_repeats=20),
    health=Health(minimum_operations=30),
)


def ran(
    queries: Sequence[float] | None = None, duration: Sequence[float] | None = None, weight: int = 1
) -> OperationStats:
    """One operation with these queries and times; fast and without queries where nothing is said."""
    times = duration or [0.1] * len(queries or [])
    rows = [series("duration", times, weight=weight, estimated=weight > 1)]
    if queries is not None:
        rows.append(series("db.queries", queries, weight=weight, estimated=weight > 1))
    (stats,) = operations(Tables(histograms=tuple(rows)))
    return stats


def repeat(repeats: int, kind: str = "n_plus_one", name: str = "f1") -> Finding:
    """A repeated statement."""
    row = FindingRow(
        "shop", "GET /", kind, name, None, None, None, 2, 2, 2 * repeats, repeats, 2 * repeats - 2, 8.0, "SELECT t",
        None, "SELECT", None, (), None,
    )  # fmt: skip
    (found,) = findings([row], CONFIG.n_plus_one)
    return found


@pytest.mark.parametrize(
    ("queries", "severity", "threshold"), [(51, "medium", 50), (100, "medium", 50), (103, "high", 100)]
)
def test_many_queries_at_the_tail(queries: int, severity: str, threshold: int):
    """Above the budget medium, above the critical one high, by the 95th percentile."""
    (found,) = bottlenecks(ran([4.0] * 90 + [float(queries)] * 10), [], CONFIG)

    assert (found.kind, found.severity, found.threshold, found.n) == ("high_query_count", severity, threshold, 100)
    assert found.value == pytest.approx(queries, rel=0.02)


@pytest.mark.parametrize(("seconds", "severity"), [(2.1, "medium"), (5.1, "high")])
def test_slow_operation(seconds: float, severity: str):
    """Wall time is judged as queries are, against its own budgets."""
    (found,) = bottlenecks(ran(duration=[0.1] * 90 + [seconds] * 10), [], CONFIG)

    assert (found.kind, found.severity, found.unit, found.n) == ("slow_operation", severity, "s", 100)


@pytest.mark.parametrize(
    "stats",
    [ran([50.0] * 100), ran([4.0] * 97 + [500.0] * 3), ran([500.0] * 29), ran([500.0] * 10, weight=50)],
    ids=["at the budget", "three of a hundred", "too few", "too few that stand for many"],
)
def test_within_the_budget_is_silent(stats: OperationStats):
    """At the budget, far beyond it now and then, or too rare to tell: no bottleneck."""
    assert bottlenecks(stats, [], CONFIG) == ()


def test_budgets_of_the_operation_hold():
    """The first entry of thresholds.operations that matches the name replaces the budget."""
    entry = ThresholdRule(operation="GET *", queries=500, queries_critical=900)
    config = replace(CONFIG, thresholds=replace(CONFIG.thresholds, operations=(entry,)))

    assert bottlenecks(ran([200.0] * 100), [], config) == ()


@pytest.mark.parametrize(("repeats", "kinds"), [(10, []), (11, ["n_plus_one"]), (21, ["n_plus_one"])])
def test_severe_repeats_are_a_bottleneck(repeats: int, kinds: list[str]):
    """An N+1 is one from severity high on, however few operations there were; also of equal parameters."""
    for kind in ("n_plus_one", "duplicate"):
        assert [each.kind for each in bottlenecks(ran([5.0]), [repeat(repeats, kind)], CONFIG)] == kinds


def test_slow_statements_are_a_bottleneck():
    """With the time of one call at the 95th percentile, and the option that it is above."""
    slow = slow_statements(statements([calls_of({0.2: 50})]), CONFIG, {})

    (found,) = bottlenecks(ran([5.0]), slow, CONFIG)

    assert (found.kind, found.severity, found.threshold, found.unit) == ("slow_queries", "medium", 0.1, "s")
    assert found.value == pytest.approx(0.2, rel=0.01)


@pytest.mark.parametrize(
    ("severities", "expected"),
    [
        ([], "low"),
        (["medium"] * 3, "low"),
        (["medium"] * 4, "medium"),
        (["low"] * 4, "medium"),
        (["high"], "medium"),
        (["high"] * 2, "medium"),
        (["high"] * 3, "high"),
        (["critical"], "critical"),
        (["high"] * 3 + ["critical"], "critical"),
    ],
)
def test_priority(severities: list[str], expected: str):
    """Any critical: critical. More than two high: high. One high, or more than three: medium. Else low."""
    assert priority(severities) == expected


@pytest.mark.parametrize(
    ("stats", "expected"),
    [
        (ran([10.0] * 40), "excellent"),
        (ran([11.0] * 40), "good"),
        (ran([10.0] * 40, [0.6] * 40), "good"),
        (ran([51.0] * 40), "poor"),
        (ran([10.0] * 40, [5.5] * 40), "critical"),
        (ran(duration=[0.1] * 40), "excellent"),
        (ran([10.0] * 29), "unknown"),
    ],
    ids=["both excellent", "queries", "time", "over budget", "critical time", "no driver watched", "too few"],
)
def test_level_is_the_worse_of_queries_and_time(stats: OperationStats, expected: str):
    """A word by the 95th percentiles and the thresholds, unknown where there are too few for one."""
    assert level(stats, CONFIG) == expected


def test_rare_operations_have_no_priority_but_by_their_findings():
    """Of three operations nothing is known that makes them low; a finding is a fact all the same."""
    rare = ran([5.0] * 3)

    assert judgements([rare], [], CONFIG)[rare.key].priority == "unknown"
    assert judgements([rare], [repeat(30)], CONFIG)[rare.key].priority == "critical"
    assert judgements([ran([5.0] * 30)], [], CONFIG)[rare.key].priority == "low"


def test_findings_of_other_operations_do_not_count():
    """Service and name tell to whom a finding belongs."""
    stats = ran([5.0] * 30)

    judged = judgements([stats], [replace(repeat(30), operation="GET /other")], CONFIG)

    assert judged[stats.key].bottlenecks == ()
