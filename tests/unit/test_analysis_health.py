"""Health: the score, its interval, and the points lost per cause."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest

from otel_verein.analysis.health import (
    OperationHealth,
    TotalHealth,
    level,
    lost_by_cause,
    operation_health,
    total_health,
)
from otel_verein.analysis.histogram import Distribution
from otel_verein.analysis.intervals import wilson
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


def test_failures_that_are_not_bad_contradict():
    """Operations that failed by their status, of which none is counted as bad, do not read healthy."""
    failing = replace(stats(), errors=3)

    assert operation_health(failing, CONFIG).score is None
    assert operation_health(failing, CONFIG).why == (
        "the counters of GET / contradict each other: failed operations, but none that is bad"
    )


def test_error_takes_no_points_without_an_error():
    """A cause of which nothing was counted takes nothing."""
    total = total_health([stats(bad=4, queries=4)], CONFIG)

    assert total.lost == {"error": 0.0, "duration": 0.0, "queries": pytest.approx(40.0)}


@pytest.mark.parametrize(
    ("given", "lossy", "why"),
    [
        (stats(count=29), (), "29 operations; a score takes 30"),
        (stats(), ("shop",), "telemetry of shop was lost"),
        (stats(bad=3), (), "the counters of GET / contradict each other: bad operations, but no breach"),
        (
            stats(bad=0, error=3),
            (),
            "the counters of GET / contradict each other: breaches, but no operation that has one",
        ),
    ],
    ids=["few", "loss", "no cause", "no any"],
)
def test_unknown_says_why(given: OperationStats, lossy: tuple[str, ...], why: str):
    """A score that is not known has its reason, the same for the operation and for the total."""
    one, total = operation_health(given, CONFIG, lossy), total_health([given], CONFIG, lossy)

    assert (one.score, one.why) == (None, why)
    assert (total.score, total.why, total.low, total.high) == (None, why, None, None)


def test_what_was_counted_is_told_without_a_score():
    """Too few or with loss, good and bad are known, so that the total can be computed; contradicting, they are not."""
    few = operation_health(stats(count=20, bad=1, error=1), CONFIG)
    lossy = operation_health(stats(bad=5, error=5), CONFIG, {"shop"})
    contradicting = operation_health(stats(bad=3), CONFIG)

    assert (few.score, few.good, few.bad, few.share, few.objective) == (None, 19, 1, 0.95, 0.9)
    assert (lossy.score, lossy.good, lossy.bad) == (None, 95, 5)
    assert (contradicting.good, contradicting.bad, contradicting.share) == (None, None, None)


def test_known_has_no_reason():
    """What is known says nothing of why it is not."""
    assert (operation_health(stats(), CONFIG).why, total_health([stats()], CONFIG).why) == (None, None)


def test_loss_elsewhere_makes_the_total_unknown():
    """A service that lost telemetry may have lost whole operations, so that it need not be among them."""
    assert total_health([stats()], CONFIG, {"another"}).why == "telemetry of another was lost"


def test_total_can_be_computed_by_hand():
    """From n, bad and objective alone: shares, scores, weights; their sum is the total, and its causes add up."""
    all_stats = [
        stats("a", count=300, bad=3, error=1, queries=3),
        stats("b", count=80, bad=8, duration=6, db_duration=2),
        stats("c", count=20, bad=1, error=1),
    ]
    total = total_health(all_stats, CONFIG)

    shown = [operation_health(each, CONFIG) for each in all_stats[:2]]
    assert [(each.n, each.good, each.bad, each.objective) for each in shown] == [(300, 297, 3, 0.9), (80, 72, 8, 0.9)]
    assert [each.share for each in shown] == [pytest.approx(0.99), pytest.approx(0.9)]
    by_hand = 300 / 400 * 90.0 + 80 / 400 * 0.0 + 20 / 400 * 50.0
    assert total.score == pytest.approx(by_hand)
    parts = [lost_by_cause(all_stats[0], 90.0, 0.75), lost_by_cause(all_stats[1], 0.0, 0.2)]
    assert parts[0] == {"error": pytest.approx(7.5 / 4), "duration": 0.0, "queries": pytest.approx(7.5 * 3 / 4)}
    assert parts[1] == {"error": 0.0, "duration": pytest.approx(20.0), "queries": 0.0}
    assert total.lost["error"] == pytest.approx(7.5 / 4 + 2.5)


def test_total_of_one_has_the_interval_of_the_one():
    """With a single operation the total is as sure as that, and holds the score."""
    only = stats(count=1000, bad=20, error=20)
    one, total = operation_health(only, CONFIG), total_health([only], CONFIG)

    assert (total.low, total.high) == (pytest.approx(one.low), pytest.approx(one.high))


def width(health: OperationHealth | TotalHealth) -> float:
    """Of an interval that is known."""
    assert health.low is not None
    assert health.high is not None
    return health.high - health.low


def test_total_is_surer_than_its_parts():
    """Errors of independent parts partly cancel: the interval of many is narrower than that of each."""
    parts = [stats(str(number), count=1000, bad=20, error=20) for number in range(25)]
    one, total = operation_health(parts[0], CONFIG), total_health(parts, CONFIG)

    assert width(total) == pytest.approx(width(one) / 5)
    assert total.low < total.score < total.high  # type: ignore[operator]


def test_interval_of_the_total_holds_what_is_true():
    """Of 400 windows of five operations of different size, about 95 % hold the score that they are drawn from."""
    chance = random.Random(11)
    true = [(2000, 0.01), (500, 0.03), (300, 0.06), (200, 0.02), (40, 0.05)]
    expected = sum(count * 100 * (1 - share / 0.1) for count, share in true) / 3040
    held = 0
    for _ in range(400):
        bad = [sum(chance.random() < share for _ in range(count)) for count, share in true]
        all_stats = [
            stats(str(place), count=count, bad=number, error=number)
            for place, ((count, _), number) in enumerate(zip(true, bad, strict=True))
        ]
        total = total_health(all_stats, CONFIG)
        assert total.low is not None
        assert total.high is not None
        held += total.low <= expected <= total.high

    assert 0.92 <= held / 400 <= 0.99


def sampled(count: int, seen: int, bad: int = 0) -> OperationStats:
    """Operations that were estimated from so many spans of one weight."""
    weight = count / seen
    given = stats(count=count, bad=bad, error=bad)
    duration = replace(given.duration, estimated=True, samples=seen, variance=seen * weight * (weight - 1))
    return replace(given, duration=duration, queries=duration)


def test_estimates_of_what_nobody_judged_give_no_score():
    """Spans without tags say nothing of budgets; that they broke none is not known, also where some have them."""
    judged = sampled(1000, 100)
    foreign = replace(judged, queries=None)
    assert judged.queries is not None
    mixed = replace(judged, queries=replace(judged.queries, count=999))
    why = (
        "shop: GET /: some of its spans were not tagged by otel-verein, so nobody judged them; "
        "ask for other services by name"
    )

    healths = [operation_health(each, CONFIG) for each in (foreign, mixed, judged)]

    assert [(each.score, each.why) for each in healths] == [(None, why), (None, why), (100.0, None)]
    assert total_health([foreign, judged], CONFIG).why == why


def test_estimates_count_for_what_was_seen():
    """A thousand operations made of 29 seen are 29; of 100 seen, the interval is that of 100."""
    few, enough = sampled(1000, 29), sampled(1000, 100, bad=20)

    assert operation_health(few, CONFIG).why == "29 operations; a score takes 30"
    assert total_health([few], CONFIG).level == "unknown"
    health, total = operation_health(enough, CONFIG), total_health([enough], CONFIG)
    assert (health.score, health.low) == (
        pytest.approx(80.0),
        pytest.approx(max(0.0, 100 * (1 - (1 - wilson(98, 100)[0]) / 0.1))),
    )
    assert (health.estimated, health.effective, total.estimated, total.effective) == (
        True,
        pytest.approx(100),
        True,
        pytest.approx(100),
    )


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
