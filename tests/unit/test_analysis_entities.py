"""Costs by entity: exact sums, other as the rest, unknown where something is not known."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from otel_verein.analysis.entities import EntityCost, entity_costs
from otel_verein.sources.base import Entities
from otel_verein.sources.rows import EntityRow

ROW = EntityRow(
    service="shop", operation="GET /member", entity_type="member", entity_id="7", count=10.0, errors=1.0, breached=2.0,
    samples=5, duration_s=2.0, duration_max_s=0.9, scale=4, buckets=((-40, 10.0),), queries=40.0, queries_max=9,
    db_s=1.0, items=None, items_s=None,
)  # fmt: skip


def entities(*rows: EntityRow, most: int = 20) -> tuple[EntityCost, ...]:
    """The costs by entity."""
    return entity_costs(Entities(rows), most).entities


def test_cost_of_one_entity_over_its_operations():
    """Sums over operations, means per operation, and the share of all."""
    second = replace(ROW, operation="job", count=30.0, duration_s=1.0, queries=20.0, queries_max=3, errors=0.0)
    rest = replace(ROW, entity_id="8", duration_s=1.0, queries=40.0)

    cost, _ = entities(ROW, second, rest)

    assert (cost.entity_id, cost.operations, cost.count, cost.samples) == ("7", ("GET /member", "job"), 40.0, 10)
    assert (cost.time_s, cost.time_share, cost.mean_s) == (3.0, 0.75, 0.075)
    assert (cost.queries, cost.queries_share, cost.queries_mean, cost.queries_max) == (60.0, 0.6, 1.5, 9)
    assert (cost.error_share, cost.breached_share, cost.max_s, cost.db_s) == (0.025, 0.1, 0.9, 2.0)
    assert cost.p95_s == pytest.approx(2 ** (-39.5 / 16))


def test_the_rest_is_other_together_with_what_the_source_folded():
    """Most time first; what is not told apart is one, and last however large it is."""
    rows = [replace(ROW, entity_id=str(number), duration_s=float(number)) for number in (1, 2, 3)]
    folded = replace(ROW, entity_id="other", duration_s=100.0)

    answer = entity_costs(Entities((*rows, folded)), 2)

    assert [(cost.entity_id, cost.time_s) for cost in answer.entities] == [("3", 3.0), ("2", 2.0), ("other", 101.0)]
    assert (answer.entities_seen, answer.types[0].time_s) == (3, 106.0)
    assert sum(cost.time_share or 0 for cost in answer.entities) == pytest.approx(1.0)


def test_cost_of_an_item_of_a_batch():
    """Time and queries per item, over the operations that said their items."""
    batch = replace(ROW, operation="import", items=500.0, items_s=2.0)

    (cost,) = entities(batch, replace(ROW, duration_s=8.0))

    assert (cost.items, cost.item_s) == (500.0, 0.004)
    assert cost.queries_per_item == 0.08


def test_queries_per_item_are_unknown_when_only_some_said_their_items():
    """The queries of those that did not say them cannot be taken out."""
    (cost,) = entities(replace(ROW, items=500.0, items_s=1.0))

    assert (cost.item_s, cost.queries_per_item) == (0.002, None)


def test_ids_that_are_not_kept():
    """Types have their cost all the same, and the note says which option keeps ids."""
    answer = entity_costs(Entities((replace(ROW, entity_id=None),)), 20)

    assert (answer.entities, answer.ids_kept, answer.types[0].time_share) == ((), False, 1.0)
    assert answer.notes[0] == (
        "5 of 5 operations do not say which entity; ids are kept where `privacy.entity_ids` is `keep`"
    )


def test_queries_that_were_not_watched_are_unknown():
    """One operation without a driver makes the sum unknown, not smaller."""
    (cost,) = entities(ROW, replace(ROW, operation="job", queries=None, queries_max=None, db_s=None))

    assert (cost.queries, cost.queries_share, cost.queries_mean, cost.queries_max, cost.db_s) == (None,) * 5


def test_no_entity_at_all():
    """It is said how operations say what they are about."""
    answer = entity_costs(Entities((), ("a note",)), 20)

    assert (answer.types, answer.entities, answer.ids_kept) == ((), (), None)
    assert answer.notes == ("a note", "no operation said what it is about; `otel_verein.entity` does")


def test_answer_is_json():
    """All keys, also of what is unknown."""
    plain = entity_costs(Entities((ROW,)), 20).as_dict()

    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["entities"][0]["items"] is None
