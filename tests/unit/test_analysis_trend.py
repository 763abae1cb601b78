"""Trends: what each step says, and which changes are told."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace

import pytest

from otel_verein.analysis.trend import trended
from otel_verein.sources.base import Steps
from otel_verein.sources.rows import StepRow

HOUR_NS = 3_600_000_000_000
ROW = StepRow(
    start_ns=0, service="shop", operation="GET /", kind="server", count=10.0, errors=1.0, bad=2.0, duration_s=2.0,
    queries=30.0, db_s=1.0, scale=4, buckets=((-40, 10.0),),
)  # fmt: skip
OTHER = replace(ROW, operation="job", kind="internal", count=30.0, duration_s=1.0, queries=None, db_s=None)


def test_step_says_what_is_known():
    """Rates per second, shares and means; all together only over what says it."""
    trend = trended(Steps(3600, (ROW, OTHER)), 10, 0.05)

    (point,) = trend.operations[0].points
    assert (point.rate, point.error_share, point.bad_share) == (10 / 3600, 0.1, 0.2)
    assert (point.duration_mean_s, point.queries_mean, point.db_mean_s) == (0.2, 3.0, 0.1)
    assert point.duration_p95_s == pytest.approx(2 ** (-39.5 / 16))
    (total,) = trend.total.points
    assert (total.count, total.queries_mean, total.duration_mean_s) == (40.0, 3.0, 0.075)
    assert trend.operations[1].points[0].queries_mean is None


def test_partial_rows_of_a_step_are_added_up():
    """A source may hand over one step in parts."""
    whole = trended(Steps(3600, (ROW, ROW)), 10, 0.05)

    assert (whole.operations[0].points[0].count, whole.operations[0].points[0].queries_mean) == (20.0, 3.0)


def test_rate_of_steps_of_several_lengths_is_unknown():
    """An hour among minutes would look like a rush of sixty minutes in one."""
    trend = trended(Steps(60, (ROW,), ("coarser ones, too",), mixed=True), 10, 0.05)

    assert (trend.total.points[0].rate, trend.total.points[0].count) == (None, 10.0)
    assert trend.total.points[0].duration_mean_s == 0.2


def test_operations_beyond_the_limit_are_counted():
    """The one with the most time comes first; all together are still all."""
    trend = trended(Steps(3600, (OTHER, ROW)), 1, 0.05)

    assert [series.key.operation for series in trend.operations if series.key] == ["GET /"]
    assert (trend.left_out, trend.total.points[0].count) == (1, 40.0)


def steps(seed: int, n: int, factor: float) -> Steps:
    """So many hours of one operation that takes *factor* as long from the middle on."""
    chance = random.Random(seed)
    rows = [
        replace(
            ROW,
            start_ns=place * HOUR_NS,
            count=float(100 + chance.randint(-5, 5)),
            duration_s=100 * math.exp(chance.gauss(0, 0.1)) * (factor if place >= n // 2 else 1),
            queries=300.0,
        )
        for place in range(n)
    ]
    return Steps(3600, tuple(rows))


def test_change_is_told_where_it_came():
    """Of the figure that changed, in the operation and in all together; of no other."""
    trend = trended(steps(1, 100, 1.5), 10, 0.05)

    changes = [(change.figure, change.at_ns // HOUR_NS) for change in trend.operations[0].changes]
    assert [figure for figure, _ in changes] == ["duration_mean_s"]
    assert abs(changes[0][1] - 50) <= 2
    assert [change.figure for change in trend.total.changes] == ["duration_mean_s"]
    assert trend.looked_at == 10


def test_noise_tells_nothing():
    """Of 100 trends without a change, each with ten series, 5 at most tell one."""
    told = [trended(steps(seed, 48, 1.0), 10, 0.0) for seed in range(100)]

    assert sum(bool(trend.total.changes or trend.operations[0].changes) for trend in told) <= 5


def test_few_steps_are_said_to_be_few():
    """No change can be told, which is not the same as none."""
    assert trended(steps(1, 8, 3.0), 10, 0.05).notes == ("no change can be told from fewer than 12 whole steps",)
    assert trended(steps(1, 48, 1.0), 10, 0.05).notes == (
        "less than three days: a change may be the rhythm of the day",
    )
    assert trended(steps(1, 80, 1.0), 10, 0.05).notes == ()


def test_nothing_is_an_empty_trend():
    """No steps, no figures."""
    trend = trended(Steps(60, (), ("a note",)), 10, 0.05)

    assert (trend.total.points, trend.operations, trend.left_out) == ((), (), 0)
    assert trend.notes[0] == "a note"


def test_answer_is_json():
    """All keys, and moments as texts."""
    plain = trended(steps(1, 100, 1.5), 10, 0.05).as_dict()

    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["total"]["operation"] is None
    assert plain["operations"][0]["points"][1]["start"] == "1970-01-01T01:00:00.000Z"
    assert plain["operations"][0]["changes"][0]["at"].startswith("1970-01-03T0")
