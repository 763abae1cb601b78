"""Health: the score, its interval, and the points lost per cause."""

from __future__ import annotations

import math

import pytest

from otel_verein.analysis.health import level, operation_health, total_health, wilson
from otel_verein.analysis.histogram import Distribution
from otel_verein.analysis.operations import BREACHES, OperationKey, OperationStats
from otel_verein.config.schema import Health

CONFIG = Health(objective=0.9, minimum_operations=30)


def stats(name: str = "GET /", count: int = 100, bad: int = 0, **breaches: int) -> OperationStats:
    """An operation of which *bad* are not good, for the causes given."""
    return OperationStats(
        key=OperationKey("shop", name, "server"),
        count=count,
        errors=breaches.get("error", 0),
        duration=Distribution(count, 1.0, 0.01, 0.01, 5, ()),
        queries=None,
        db_duration=None,
        breaches=dict.fromkeys(BREACHES, 0) | breaches,
        bad=bad,
        kept=0,
        sampled_out=count,
    )


@pytest.mark.parametrize(
    ("bad", "score"),
    [(0, 100.0), (5, 50.0), (10, 0.0), (40, 0.0)],
    ids=["all good", "half the budget", "the whole budget", "far beyond"],
)
def test_score_is_the_budget_that_is_left(bad: int, score: float):
    """With an objective of 90 %, each bad operation in a hundred takes ten points, down to 0."""
    assert operation_health(stats(bad=bad, error=bad), CONFIG).score == pytest.approx(score)


def test_interval_holds_the_score():
    """The bounds are the scores of the 95 % Wilson interval of the share of good operations."""
    health = operation_health(stats(count=1000, bad=20, error=20), CONFIG)

    low, high = wilson(980, 1000)
    assert (low, high) == (pytest.approx(0.96930, abs=1e-5), pytest.approx(0.98701, abs=1e-5))
    assert health.low == pytest.approx(100 * (1 - (1 - low) / 0.1))
    assert health.high == pytest.approx(100 * (1 - (1 - high) / 0.1))
    assert health.low < health.score < health.high  # type: ignore[operator]


@pytest.mark.parametrize(("good", "n"), [(30, 30), (0, 30), (1, 30)])
def test_wilson_stays_a_share(good: int, n: int):
    """The interval never leaves 0 to 1 and always has a width."""
    low, high = wilson(good, n)

    assert 0 <= low < high <= 1


def test_below_the_minimum_is_unknown():
    """29 operations give no score, neither alone nor in total; 30 do."""
    few, enough = stats(count=29), stats(count=30)

    assert (operation_health(few, CONFIG).score, operation_health(few, CONFIG).n) == (None, 29)
    assert (total_health([few], CONFIG).score, total_health([few], CONFIG).level) == (None, "unknown")
    assert operation_health(enough, CONFIG).score == 100.0
    assert total_health([enough], CONFIG).level == "excellent"


def test_loss_makes_health_unknown():
    """A service that lost telemetry has no score, and then neither has the total; lost points are unknown."""
    total = total_health([stats()], CONFIG, {"shop"})

    assert operation_health(stats(), CONFIG, {"shop"}).score is None
    assert operation_health(stats(), CONFIG, {"another"}).score == 100.0
    assert (total.score, total.level, total.worst_operation) == (None, "unknown", None)
    assert total.lost == {"error": None, "duration": None, "queries": None}


def test_total_weighs_by_traffic_and_counts_rare_operations():
    """The total is the mean of the scores by traffic, also of those too rare for a score of their own."""
    total = total_health(
        [stats("a", count=300), stats("b", count=80, bad=8, queries=8), stats("c", count=20, bad=1, error=1)],
        CONFIG,
    )

    assert total.score == pytest.approx((100 * 300 + 0 * 80 + 50 * 20) / 400)
    assert (total.n, total.worst_operation) == (400, "b")


def test_lost_points_add_up_by_their_causes():
    """The points lost are shared out by how often each cause was counted; database time counts as time."""
    total = total_health(
        [stats(bad=4, error=1, duration=1, db_duration=1, queries=1), stats("b", bad=2, queries=2)], CONFIG
    )

    assert total.lost == {
        "error": pytest.approx(5.0),
        "duration": pytest.approx(10.0),
        "queries": pytest.approx(5.0 + 10.0),
    }
    assert total.score is not None
    assert math.fsum(points for points in total.lost.values() if points) == pytest.approx(100 - total.score)


def test_n_plus_one_alone_is_not_bad():
    """A finding is no broken budget: the operation is still good."""
    assert total_health([stats(n_plus_one=50)], CONFIG).score == 100.0


@pytest.mark.parametrize("contradiction", [{"bad": 0, "error": 3}, {"bad": 3}], ids=["no any", "no cause"])
def test_counters_that_contradict_give_no_score(contradiction: dict[str, int]):
    """When breaches are counted without their sum, or the sum without a cause, good is not known."""
    assert operation_health(stats(**contradiction), CONFIG).score is None
    assert total_health([stats(**contradiction)], CONFIG).level == "unknown"


def test_objective_of_one_has_no_budget():
    """With an objective of 100 %, one bad operation takes all points."""
    strict = Health(objective=1.0, minimum_operations=30)

    assert operation_health(stats(), strict).score == 100.0
    assert operation_health(stats(bad=1, error=1), strict).score == 0.0


@pytest.mark.parametrize(
    ("score", "word"),
    [
        (100.0, "excellent"),
        (95.0, "excellent"),
        (94.9, "good"),
        (90.0, "good"),
        (89.9, "fair"),
        (80.0, "fair"),
        (79.9, "poor"),
        (70.0, "poor"),
        (69.9, "critical"),
        (0.0, "critical"),
        (None, "unknown"),
    ],
)
def test_level_names_the_score(score: float | None, word: str):
    """Each level begins at its bound, by default those that the report has always had."""
    assert level(score, Health()) == word


def test_level_goes_by_the_configuration():
    """The bounds are options, so a stricter team reads the same score differently."""
    strict = Health(excellent=99.0, good=98.0, fair=97.0, poor=96.0)

    words = [level(score, strict) for score in (99.0, 98.9, 97.9, 96.9, 95.9)]

    assert words == ["excellent", "good", "fair", "poor", "critical"]
