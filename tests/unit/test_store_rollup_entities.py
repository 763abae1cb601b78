"""What operations were about: the most frequent are told apart, and of the others nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from otel_verein import semconv
from otel_verein.store.layout import Store
from tests.unit.store_rolling import HOUR, enter, files, rolled, root_span, rows

DURATION = f"metric = '{semconv.METRIC_DURATION}'"
PIECE = 20_000
"""Root spans of one file."""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path)


def test_entities_beyond_the_most_counted_are_one(store: Store) -> None:
    """The two most counted of the period have their own rows; of the others of an operation and type all is one."""
    numbers = iter(range(1, 100))
    amounts = {"a": 5, "b": 4, "c": 3, "d": 2, None: 1}
    enter(store, "spans", [
        root_span(next(numbers), 0.5, entity_type="user", entity_id=name, query_count=3, db_ms=2.0, status=status)
        for name, amount in amounts.items() for status in [2, *[0] * (amount - 1)]
    ])  # fmt: skip
    enter(store, "spans", [
        root_span(next(numbers), **own) for own in (
            {"operation": "POST /", "entity_type": "user", "entity_id": "e"},
            {"operation": "POST /", "entity_type": "user", "entity_id": "a", "weight": 2.0},
            {"operation": "POST /", "entity_type": "club", "entity_id": "a"}, {},
        )
    ])  # fmt: skip

    rolled(store, entities_per_hour=2)

    columns = (
        'operation, entity_type, entity_id, "count", errors, breached, samples, duration_sum_s, queries_sum, '
        "queries_max, db_ms_sum, counts"
    )
    expected = [
        ("GET /", "user", "a", 5.0, 1.0, 1.0, 5, 2.5, 15.0, 3, 10.0, [5.0]),
        ("GET /", "user", "b", 4.0, 1.0, 1.0, 4, 2.0, 12.0, 3, 8.0, [4.0]),
        ("GET /", "user", "other", 6.0, 3.0, 3.0, 6, 3.0, 18.0, 3, 12.0, [6.0]),
        ("POST /", "club", "other", 1.0, 0.0, 0.0, 1, pytest.approx(0.1), None, None, None, [1.0]),
        ("POST /", "user", "other", 3.0, 0.0, 0.0, 2, pytest.approx(0.3), None, None, None, [3.0]),
    ]
    assert [expected] * 3 == [rows(store, "entities", level, columns) for level in (1, 2, 3)]


def test_what_does_not_fit_into_memory_is_merged_in_parts(store: Store) -> None:
    """With 64 MB for 3000 entities of 40 operations: the same rows, each operation's in one piece."""
    enter(store, "spans", [
        root_span(number, 0.01 + number % 9, operation=f"GET /{number % 40}", entity_type="user", entity_id=str(number))
        for number in range(3000)
    ])  # fmt: skip

    result = rolled(store, memory_mb=64, entities_per_hour=3000)

    assert () == result.problems
    found = rows(store, "entities", 3, 'operation, entity_id, "count"')
    assert sorted(((f"GET /{number % 40}", str(number), 1.0) for number in range(3000)), key=repr) == found
    assert [(40, 3000.0)] == rows(store, "series", 3, 'count(*), sum("count")', DURATION)


def test_what_was_one_already_is_told_apart_by_nobody(store: Store) -> None:
    """The day adds up what its hours say: the most counted of all of it, and never "other" as one of them."""
    names = iter(range(1, 100))
    for hour, amounts in enumerate(({"a": 3, "b": 1, "c": 1}, {"b": 4, "a": 1, "d": 2})):
        begin = HOUR + 3600 * hour
        enter(store, "spans", [
            root_span(next(names), hour=begin, entity_type="user", entity_id=name)
            for name, amount in amounts.items() for _ in range(amount)
        ], hour=begin)  # fmt: skip

    rolled(store, entities_per_hour=1)

    assert [("a", 3.0), ("b", 4.0), ("other", 2.0), ("other", 3.0)] == rows(store, "entities", 1, 'entity_id, "count"')
    assert [("b", 4.0, 4), ("other", 8.0, 8)] == rows(store, "entities", 2, 'entity_id, "count", samples')


@pytest.mark.parametrize(
    ("operations", "entities", "roots"),
    [
        pytest.param(50, 400, 20_000, id="20000 roots"),
        pytest.param(300, 1000, 1_000_000, id="1000000 roots", marks=[pytest.mark.soak]),
    ],
)
def test_many_entities_of_many_operations_stay_few_rows(
    store: Store, operations: int, entities: int, roots: int
) -> None:
    """As many as are told apart, and at most one more for each operation; all are counted."""
    for first in range(0, roots, PIECE):
        enter(store, "spans", [
            root_span(
                number, 0.001 * (1 + number % 997), operation=f"GET /{number % operations}", entity_type="user",
                entity_id=str(number // operations * 7919 % entities), start_ns=HOUR * 10**9 + number,
            )
            for number in range(first, first + PIECE)
        ])  # fmt: skip

    result = rolled(store, memory_mb=150)

    assert () == result.problems
    for level in (1, 2, 3):
        assert [(True, 1000, float(roots), float(roots), roots)] == rows(
            store, "entities", level,
            f"count(*) <= {1000 + operations}, count(*) FILTER (entity_id <> 'other'), "
            'sum("count"), sum(list_sum(counts)), sum(samples)',
        )  # fmt: skip
    assert [roots] * 3 == [files(store, "entities", level)[0].totals["samples"] for level in (1, 2, 3)]
