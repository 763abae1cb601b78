"""What a comparison promises, over many pairs: noise is no change, a change is found, figures add up."""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_verein.analysis.compare import compared
from otel_verein.analysis.compare_sides import Side
from otel_verein.analysis.snapshots import Snapshot, decoded, encoded
from otel_verein.config.schema import Analysis, Config, Health
from otel_verein.sources.base import ALL
from tests.unit.two_sides import operation, side

CONFIG = replace(Config(), health=Health(minimum_operations=30), analysis=Analysis(margin=0.05, error_share=0.01))
NAMES = ("GET /", "GET /cart", "POST /order", "job", "GET /list")


def traffic(chance: random.Random, n: int, spread: float, factor: float = 1.0) -> Side:
    """Five operations with log-normal times and queries that vary."""
    rows = [
        row
        for name in NAMES
        for row in operation(
            [0.02 * factor * math.exp(chance.gauss(0, spread)) for _ in range(n)],
            [chance.randint(1, 9) for _ in range(n)],
            name,
        )
    ]
    return side(*rows)


@pytest.mark.parametrize(("n", "spread"), [(30, 0.5), (100, 0.8), (60, 1.5)], ids=["few", "usual", "heavy tail"])
def test_same_traffic_twice_is_not_worse(n: int, spread: float):
    """Of 200 pairs of sides from one distribution, 5 % at most read worse or better, though 30 figures are judged."""
    seen: Counter[str] = Counter()
    for seed in range(200):
        chance = random.Random(seed)
        seen[compared(traffic(chance, n, spread), traffic(chance, n, spread), CONFIG).verdict] += 1

    assert seen["worse"] <= 10
    assert seen["better"] <= 10


def test_true_change_is_found():
    """A fifth more time, at 1000 operations a side of usual spread, is found in 39 of 40 pairs at least."""
    found = 0
    for seed in range(40):
        chance = random.Random(seed)
        found += compared(traffic(chance, 1000, 0.8), traffic(chance, 1000, 0.8, 1.2), CONFIG).verdict == "worse"

    assert found >= 39


counts = st.lists(st.integers(0, 300), min_size=1, max_size=40)


@settings(deadline=None)
@given(before=counts, after=counts)
def test_queries_removed_is_exact(before: list[int], after: list[int]):
    """Mean before times operations after, less the queries after; the other way round it has the other sign."""
    first, second = (side(*operation([0.01] * len(each), each)) for each in (before, after))

    expected = Fraction(sum(before) * len(after), len(before)) - sum(after)

    assert compared(first, second, CONFIG).queries_removed == float(expected)
    back = compared(second, first, CONFIG).queries_removed
    assert back is not None
    assert (back > 0, back < 0) == (expected < 0, expected > 0)


@settings(deadline=None)
@given(
    durations=st.lists(st.floats(0, 1e6, allow_nan=False), min_size=1, max_size=60),
    factor=st.floats(0.1, 10),
)
def test_worse_one_way_is_better_the_other(durations: list[float], factor: float):
    """No figure is worse both ways, and every figure is in the answer with a verdict."""
    first, second = side(*operation(durations)), side(*operation([value * factor for value in durations]))

    there, back = (compared(*pair, CONFIG).operations[0].figures for pair in ((first, second), (second, first)))

    for one, two in zip(there, back, strict=True):
        assert {one.verdict, two.verdict} not in ({"worse"}, {"better"})


@settings(deadline=None)
@given(durations=st.lists(st.floats(0, 1e6, allow_nan=False), min_size=1, max_size=60), queries=counts)
def test_snapshot_survives_its_file(durations: list[float], queries: list[int]):
    """A baseline says later just what it said when it was taken."""
    measured = side(*operation(durations, [*queries, *queries]))
    snapshot = Snapshot("nightly", 3, 1_764_072_000_000_000_000, "files", ALL, measured, {"service.version": ("1.2",)})

    assert decoded(encoded(snapshot)) == snapshot
