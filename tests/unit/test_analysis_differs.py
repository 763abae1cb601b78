"""What tells slow operations from normal ones; silent where nothing does."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from otel_verein.analysis.differs import BUDGET, P95, Differences, differences
from otel_verein.config.schema import Config
from otel_verein.sources.base import Roots
from otel_verein.sources.rows import RootRow

ROW = RootRow(
    trace_id="01", span_id="01", service="shop", operation="GET /", kind="server", start_ns=0, duration_s=0.1,
    error=False, weight=1.0, queries=None, db_s=None, breaches=(), entity_type=None, entity_id=None, items=None,
)  # fmt: skip


def rows(make: Callable[[random.Random, bool], RootRow], n: int = 400, slow: int = 40, seed: int = 1) -> list[RootRow]:
    """So many operations, the first of them slow."""
    chance = random.Random(seed)
    return [
        replace(
            make(chance, place < slow), duration_s=(1.0 if place < slow else 0.1) + place / 1e6, trace_id=f"{place}"
        )
        for place in range(n)
    ]


def answer(found: list[RootRow], by: str = P95, limit: int = 25) -> Differences:
    """The differences in all of these."""
    return differences(Roots(tuple(found), len(found)), Config(), by, limit)


def with_attribute(name: str, slow: float, normal: float) -> Callable[[random.Random, bool], RootRow]:
    """Operations that have the attribute with these probabilities."""

    def make(chance: random.Random, is_slow: bool) -> RootRow:
        there = chance.random() < (slow if is_slow else normal)
        return replace(ROW, attributes={name: "yes" if there else "no"})

    return make


def test_attribute_of_the_slow_ones_comes_first():
    """The share among slow and normal ones, its difference with an interval, and the lift."""
    found = answer([replace(row, breaches=("duration",) if row.duration_s > 0.5 else ()) for row in rows(
        with_attribute("tenant", 0.9, 0.1))], BUDGET)  # fmt: skip

    first = found.differences[0]
    assert (found.slow, found.normal, first.name) == (40, 360, "tenant")
    assert (first.slow, first.normal) == (pytest.approx(0.9, abs=0.1), pytest.approx(0.1, abs=0.05))
    assert abs(first.strength) == pytest.approx(abs(first.slow - first.normal))
    assert first.interval.low > 0 or first.interval.high < 0
    assert first.lift is not None
    assert first.lift > 4 or first.lift < 0.5
    assert first.samples > 40


def test_what_tells_nothing_is_not_told():
    """Ten attributes by the toss of a coin: of 50 answers, 3 at most tell one of them."""

    def make(chance: random.Random, is_slow: bool) -> RootRow:
        return replace(ROW, queries=chance.randint(1, 9), attributes={f"a{n}": chance.choice("xy") for n in range(10)})

    told = [answer(rows(make, seed=seed)).differences for seed in range(50)]

    assert sum(bool(each) for each in told) <= 3


def test_figure_is_ranked_by_how_well_it_separates():
    """Queries that are always more are worth 1, whatever their numbers; the medians are told."""
    found = answer(
        rows(lambda chance, is_slow: replace(ROW, queries=100 if is_slow else chance.randint(1, 9)), slow=20)
    )

    first = next(each for each in found.differences if each.name == "queries")
    assert (first.strength, first.value, first.slow) == (1.0, None, 100)
    assert (first.normal, first.lift) == (5, None)
    assert 0.8 < first.interval.low < first.interval.high == 1.0


def test_unique_ids_explain_nothing():
    """An attribute whose values nearly every operation has alone is named, and left out."""
    found = answer(rows(lambda chance, _: replace(ROW, attributes={"request.id": str(chance.random())})))

    assert found.skipped == ("request.id",)
    assert [each for each in found.differences if each.name == "request.id"] == []


def test_our_own_marks_and_statements_are_left_out():
    """That a slow operation broke its budget is no reason, and no SQL is ever shown."""

    def make(chance: random.Random, is_slow: bool) -> RootRow:
        word = "slow" if is_slow else "fast"
        return replace(ROW, attributes={"verein.severity": word, "db.query.text": word, "db.statement": word})

    assert answer(rows(make)).differences == ()


def test_attribute_that_is_only_missing_is_told():
    """Not to have it is a value, too."""
    found = answer(rows(lambda _, is_slow: replace(ROW, attributes={} if is_slow else {"cache": "hit"}), slow=20))

    assert {(each.name, each.value) for each in found.differences} == {("cache", "(absent)"), ("cache", "hit")}


def test_weights_count():
    """One kept trace of ten stands for ten: shares are of all operations."""
    light, heavy = (replace(ROW, attributes={"a": value}, weight=weight) for value, weight in (("x", 1.0), ("y", 10.0)))
    normal = [replace(light if place % 2 else heavy, duration_s=0.1 + place / 1e6) for place in range(300)]
    slow = [replace(light, duration_s=1.0 + place / 1e6, breaches=("duration",)) for place in range(30)]

    found = answer(normal + slow, BUDGET)

    first = next(each for each in found.differences if each.value == "x")
    assert (first.slow, first.normal) == (1.0, pytest.approx(1 / 11))


def test_too_few_are_said_to_be_few():
    """Nothing is told, with the reason."""
    found = answer(rows(with_attribute("tenant", 1.0, 0.0), n=29, slow=10))

    assert (found.differences, found.looked_at) == ((), 0)
    assert found.notes == ("1 slow and 28 normal operations are too few to tell them apart",)
    assert answer([]).notes == ("0 slow and 0 normal operations are too few to tell them apart",)


def test_sample_is_said_to_be_one():
    """Figures of a part are not passed off as those of all."""
    found = differences(Roots(tuple(rows(with_attribute("a", 1.0, 0.0))), 9000), Config(), P95, 25)

    assert found.notes == ("a sample of 400 of 9000 kept operations",)


def test_answer_is_json():
    """All keys, plain values, at most the limit."""
    plain = answer(rows(with_attribute("tenant", 0.9, 0.1)), limit=1).as_dict()

    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert len(plain["differences"]) == 1
    assert plain["bound_s"] > 0.1
