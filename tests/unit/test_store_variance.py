"""How sure an estimate is survives its rollups; of those that did not keep it, the least that it can be is known."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from otel_verein import semconv
from otel_verein.store.layout import Store
from otel_verein.store.rolling.sql import KNOWN_VARIANCE
from tests.unit.store_rolling import enter, rolled, root_span, rows


@pytest.mark.parametrize(
    ("row", "variance"),
    [
        ("'spans', 12.5, 40.0, NULL, 10", 12.5),
        ("'spans', NULL, 40.0, NULL, 10", 120.0),  # 10 weights of 4
        ("'spans', NULL, 0.0, 8.0, 4", 8.0),  # a counter: 4 weights of 2
        ("'spans', NULL, 3.0, NULL, 3", 0.0),
        ("'metrics', NULL, 40.0, NULL, 10", None),
    ],
)
def test_variance_of_a_row(row: str, variance: float | None):
    """As it was kept, else as if all weights were equal; what was measured has none."""
    query = f'SELECT {KNOWN_VARIANCE} FROM (VALUES ({row})) AS series (basis, variance, "count", "value", samples)'

    assert duckdb.sql(query).fetchall() == [(variance,)]


def test_variance_is_that_of_the_weights_at_every_level(tmp_path: Path):
    """The sum of w(w - 1), though their mean would say less."""
    store = Store(tmp_path)
    enter(store, "spans", [root_span(number, 0.5, weight=weight) for number, weight in enumerate((1.0, 1.0, 10.0), 1)])

    rolled(store)

    where = f"metric = '{semconv.METRIC_DURATION}'"
    assert [rows(store, "series", level, 'sum("count"), sum(variance)', where) for level in (1, 2, 3)] == [
        [(12.0, 90.0)]
    ] * 3
