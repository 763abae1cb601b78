"""The sums that a file has to keep through compaction and rolling up, taken from the file itself.

They are what proves that nothing was lost: what is written to the journal when a file is made has to come out of the
file again, and those of a file made of others have to be the sums of theirs.

- spans: ``spans`` and ``duplicates``, rows that were left out since another row is of the same span
- findings: ``events``, ``repeats``, ``duplicates``
- points and series: ``operations``, ``seconds`` and ``queries`` as the metrics of all operations counted them,
  ``values`` of all counters, ``observations`` of all histograms
- series and entities from spans: ``samples``
- others: ``points``
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import duckdb

from otel_verein import semconv
from otel_verein.store.parquet import DUPLICATES
from otel_verein.store.records import Totals

_SERIES: Final = f"""
    round(coalesce(sum("count") FILTER (metric = '{semconv.METRIC_DURATION}'{{metrics}}), 0)) AS operations,
    coalesce(sum(total) FILTER (metric = '{semconv.METRIC_DURATION}'{{metrics}}), 0) AS seconds,
    round(coalesce(sum(total) FILTER (metric = '{semconv.METRIC_QUERIES}'{{metrics}}), 0)) AS queries,
    round(coalesce(sum("value") FILTER (shape = 'sum'{{metrics}}), 0), 3) AS "values",
    round(coalesce(sum("count") FILTER (shape = 'exponential'{{metrics}}), 0)) AS observations
"""
_SUMS: Final = {
    ("spans", 0): "count(*) AS spans, {duplicates} AS duplicates",
    ("findings", 0): "count(*) AS events, coalesce(sum(repeats), 0) AS repeats, {duplicates} AS duplicates",
    ("points", 0): _SERIES.format(metrics=""),
    ("others", 0): "count(*) AS points",
    ("series", 1): _SERIES.format(metrics=" AND basis = 'metrics'")
    + ", coalesce(sum(samples) FILTER (basis = 'spans' AND metric = '"
    + semconv.METRIC_DURATION
    + "'), 0) AS samples",
    ("findings", 1): "coalesce(sum(events), 0) AS events, coalesce(sum(repeats_sum), 0) AS repeats, "
    "{duplicates} AS duplicates",
    ("entities", 1): "coalesce(sum(samples), 0) AS samples",
}
_REALS: Final = frozenset(("seconds", "values"))
_RELATIVE: Final = 1e-9
"""By how much the sums of seconds may differ: adding in another order rounds differently."""


def totals_of(kind: str, level: int, path: Path, connection: duckdb.DuckDBPyConnection | None = None) -> Totals:
    """The sums of the file at *path*, read from it; raises ``duckdb.Error`` when it cannot be."""
    database = connection or duckdb.connect(":memory:", config={"threads": 1})
    columns = _SUMS[kind, min(level, 1)].format(duplicates="$duplicates")
    arguments: dict[str, object] = {"file": str(path)}
    if "$duplicates" in columns:
        arguments["duplicates"] = duplicates_of(path, database)
    answer = database.execute(f"SELECT {columns} FROM read_parquet($file, hive_partitioning = false)", arguments)
    names = [column[0] for column in answer.description or ()]
    (values,) = answer.fetchall()  # what is not read to its end blocks the connection
    return {name: _plain(name, value) for name, value in zip(names, values, strict=True)}


def duplicates_of(path: Path, connection: duckdb.DuckDBPyConnection) -> int:
    """How many rows the footer of the file says were left out of it."""
    found = connection.execute(
        "SELECT decode(value) FROM parquet_kv_metadata($file) WHERE decode(key) = $key",
        {"file": str(path), "key": DUPLICATES},
    ).fetchall()
    return int(found[0][0]) if found else 0


def added(totals: Iterable[Totals]) -> dict[str, float]:
    """The sums of all of them, by name."""
    sums: dict[str, float] = {}
    for each in totals:
        for name, value in each.items():
            sums[name] = sums.get(name, 0) + value
    return sums


def same(name: str, one: float, other: float) -> bool:
    """Whether two sums of that name are equal, as far as they can be."""
    if name in _REALS:
        return abs(one - other) <= max(_RELATIVE * max(abs(one), abs(other)), 1e-6)
    return one == other


def _plain(name: str, value: Any) -> float:
    return float(value) if name in _REALS else int(value)
