"""The answer on health: everything that the score is made of."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from otel_verein.api.health import health
from otel_verein.config.schema import Config, Health
from otel_verein.sources.base import Ask, Tables
from tests.unit.fixed_source import FixedSource, breaches, series

CONFIG = Config(health=Health(objective=0.9, minimum_operations=30))
SHOP = Tables(
    histograms=(
        series("duration", [0.1] * 190),
        series("duration", [0.1] * 10, status="error"),
        series("duration", [0.1] * 80, operation="POST /"),
        series("duration", [0.1] * 20, operation="GET /rare"),
    ),
    counters=(
        *breaches(error=10, queries=6, any=12),
        *breaches("POST /", duration=3, db_duration=1, any=4),
        *breaches("GET /rare", error=0, any=0),
    ),
    notes=("a line was broken",),
)


def answered(tables: Tables = SHOP, ask: Ask | None = None) -> dict[str, Any]:
    """The answer after a round trip through JSON."""
    answer = health(FixedSource(tables), CONFIG, ask or Ask()).as_dict()
    return json.loads(json.dumps(answer, allow_nan=False))  # type: ignore[no-any-return]


def test_the_score_can_be_computed_from_what_is_shown():
    """With n, bad and the objective, anybody gets to the same shares, scores, weights, parts, and total."""
    answer = answered()

    n = sum(each["n"] for each in answer["operations"])
    total = 0.0
    for each in answer["operations"]:
        score = 100 * max(0.0, 1 - (each["bad"] / each["n"]) / (1 - answer["objective"]))
        assert each["weight"] == pytest.approx(each["n"] / n)
        assert each["part"] == pytest.approx(score * each["n"] / n)
        total += score * each["n"] / n
    assert answer["health"]["score"] == pytest.approx(total) == pytest.approx(40 * 200 / 300 + 50 * 80 / 300 + 20 / 3)


def test_points_lost_add_up_in_both_directions():
    """Over operations they are those of the causes, over causes and with the score they are 100."""
    answer = answered()

    for cause, points in answer["health"]["lost"].items():
        assert points == pytest.approx(sum(each["lost"][cause] for each in answer["operations"]))
    assert math.fsum(answer["health"]["lost"].values()) + answer["health"]["score"] == pytest.approx(100)


def test_rare_operations_have_a_part_and_no_score():
    """They count in the total by their traffic, and say why they have no score of their own."""
    rare = answered()["operations"][-1]

    assert (rare["operation"], rare["score"], rare["why"]) == ("GET /rare", None, "20 operations; a score takes 30")
    assert rare["part"] == pytest.approx(100 * 20 / 300)


def test_keys():
    """Every key is there, known or not."""
    unknown = Tables(histograms=(series("duration", [0.1] * 5),))

    for answer in (answered(), answered(unknown)):
        assert " ".join(answer) == ("schema window health objective minimum_operations levels operations notes")
        assert " ".join(answer["health"]) == ("score level n worst_operation lost low high estimated effective why")
        assert " ".join(answer["operations"][0]) == (
            "service operation kind score n low high bad good share objective estimated effective why "
            "weight part lost breaches"
        )
    assert answered()["notes"] == ["a line was broken"]


def test_unknown_total_has_no_parts():
    """Where the total is not known, neither is what each operation adds or takes."""
    answer = answered(Tables(histograms=(series("duration", [0.1] * 5),)))

    assert (answer["health"]["score"], answer["health"]["why"]) == (None, "5 operations; a score takes 30")
    (only,) = answer["operations"]
    assert (only["part"], only["lost"]) == (None, {"error": None, "duration": None, "queries": None})
    assert only["weight"] == 1.0


def test_nothing_measured_is_unknown():
    """Without operations there is no score, and no division by none."""
    answer = answered(Tables())

    assert (answer["health"]["level"], answer["operations"]) == ("unknown", [])


def test_one_operation_can_be_asked_for():
    """Its name or a glob limits the answer; the weights are then those among what was asked for."""
    answer = answered(ask=Ask(operation="POST*"))

    assert [(each["operation"], each["weight"]) for each in answer["operations"]] == [("POST /", 1.0)]
    assert answer["health"]["score"] == pytest.approx(50.0)
