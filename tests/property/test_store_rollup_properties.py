"""What holds of rollups, however their inputs are cut, ordered and weighted."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_verein import semconv
from otel_verein.analysis.histogram import merge
from otel_verein.processors.sampling.tracestate import ALL, LOW_BITS, threshold_of, weight_of
from otel_verein.sources.rows import HistogramRow
from otel_verein.store.rolling.merging import (
    merged_entities,
    merged_findings,
    merged_series,
    most_counted,
    only_those,
)
from otel_verein.store.rolling.sql import (
    entities_of_roots,
    findings_of_events,
    findings_once,
    roots_once,
    series_of_roots,
)
from otel_verein.store.tables import ENTITIES, FINDINGS, ROLLED_FINDINGS, SERIES, SPANS, Table

PERIOD = 1_772_000_000 // 3600 * 3600
Rows = list[dict[str, Any]]

numbers = st.integers(0, 1000).map(float)
buckets = st.lists(st.integers(0, 50).map(float), max_size=12)
series_rows = st.builds(
    lambda index, counts, scale, zero, known, operation, version: {
        "period": PERIOD, "basis": "metrics", "service": "shop", "version": version, "metric": semconv.METRIC_DURATION,
        "operation": operation, "kind": "server", "status": "ok", "shape": "exponential", "scale": scale,
        "count": sum(counts) + zero, "zero_count": zero, "total": 2.0 if known else None, "minimum": 0.5,
        "maximum": 2.0, "first_index": index, "counts": counts, "samples": 1, "first_ns": index,
        "last_ns": 2**32,
    },
    st.one_of(st.integers(-40, 40), st.integers(-(2**31), 2**31 - 20)), buckets, st.integers(-2, 20), numbers,
    st.booleans(), st.sampled_from(["a", "b", None]), st.sampled_from(["1", None]),
)  # fmt: skip
entity_rows = st.builds(
    lambda name, counts, index: {
        "period": PERIOD, "service": "shop", "operation": "a", "entity_type": "user", "entity_id": name,
        "count": sum(counts), "errors": 1.0, "breached": 0.0, "samples": 1, "duration_sum_s": 2.0,
        "duration_max_s": float(index), "scale": 6, "first_index": index, "counts": counts, "queries_sum": None,
        "queries_max": None, "db_ms_sum": 1.0,
    },
    st.sampled_from(["u1", "u2", "other", None]), buckets, st.integers(-300, 300),
)  # fmt: skip
finding_rows = st.builds(
    lambda fingerprint, repeats, trace, wasted: {
        "period": PERIOD, "service": "shop", "operation": "a", "kind": "n_plus_one", "fingerprint": fingerprint,
        "file": None, "line": 3, "events": 2, "operations": 1, "repeats_sum": repeats + 1, "repeats_max": repeats,
        "wasted_queries": repeats, "wasted_ms": wasted, "total_ms": 3.0, "summary": f"s{trace}", "stack": [f"f{trace}"],
        "trace_id": bytes([trace]) * 16,
    },
    st.sampled_from(["f1", "f2"]), st.integers(1, 4), st.integers(0, 3), st.one_of(st.none(), st.just(2.0)),
)  # fmt: skip
MERGES = [
    pytest.param(SERIES, series_rows, lambda rows: merged_series(rows, PERIOD), id="series"),
    pytest.param(ENTITIES, entity_rows, lambda rows: merged_entities(rows, PERIOD), id="entities"),
    pytest.param(ROLLED_FINDINGS, finding_rows, lambda rows: merged_findings(rows, PERIOD), id="findings"),
]


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database for all examples."""
    with duckdb.connect(":memory:", config={"threads": 1}) as opened:
        yield opened


def arrow(table: Table, rows: Rows) -> pa.Table:
    """The rows as a table; columns that they leave out are null."""
    return pa.table({name: [row.get(name) for row in rows] for name in table.schema.names}, schema=table.schema)


def asked(database: duckdb.DuckDBPyConnection, query: str, **relations: pa.Table) -> Rows:
    """The answer to *query* over *relations*."""
    with database.cursor() as cursor:
        for name, relation in relations.items():
            cursor.register(name, relation)
        answer = cursor.execute(query)
        names = [column[0] for column in answer.description or ()]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def shuffled(rows: Sequence[dict[str, Any]], seed: int) -> Rows:
    """The rows in another order."""
    return random.Random(seed).sample(list(rows), len(rows))


@pytest.mark.parametrize(("table", "row", "merged"), MERGES)
def test_merging_in_two_goes_is_merging_in_one(
    database: duckdb.DuckDBPyConnection, table: Table, row: st.SearchStrategy[dict[str, Any]], merged: Any
) -> None:
    """merge(merge(a, b), c) = merge(a, merge(b, c)) = merge(a, b, c), to the last count, in any order of rows."""

    @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(row, max_size=4), st.lists(row, max_size=4), st.lists(row, min_size=1, max_size=4), st.integers())
    def holds(a: Rows, b: Rows, c: Rows, seed: int) -> None:
        query = merged("rows")
        once = asked(database, query, rows=arrow(table, shuffled([*a, *b, *c], seed)))
        left = asked(database, query, rows=arrow(table, [*asked(database, query, rows=arrow(table, [*a, *b])), *c]))
        right = asked(database, query, rows=arrow(table, [*asked(database, query, rows=arrow(table, [*c, *b])), *a]))
        assert once == left == right

    holds()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(entity_rows, min_size=1, max_size=8), st.integers(1, 4))
def test_of_entities_that_are_not_told_apart_nothing_is_lost(
    database: duckdb.DuckDBPyConnection, rows: Rows, most: int
) -> None:
    """Every sum stays, at most so many have an id, and none of those has less than one that lost it."""
    given_rows = arrow(ENTITIES, rows)
    kept = f"({most_counted('rows', 'count', most)})"

    whole = asked(database, merged_entities("rows", PERIOD), rows=given_rows)
    found = asked(database, merged_entities(only_those("rows", kept), PERIOD), rows=given_rows)

    for name in ("count", "errors", "samples", "duration_sum_s", "db_ms_sum"):
        assert sum(row[name] for row in rows) == sum(row[name] for row in found)
    assert sum(sum(row["counts"]) for row in rows) == sum(sum(row["counts"]) for row in found)
    amounts = {row["entity_id"]: row["count"] for row in whole if row["entity_id"] != "other"}
    left = {row["entity_id"]: row["count"] for row in found if row["entity_id"] != "other"}
    assert min(most, len(amounts)) == len(left)
    assert sorted(amounts.values())[-len(left) :] == sorted(left.values()) or not left


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(series_rows.map(lambda row: {**row, "total": 2.0, "first_index": row["first_index"] % 80 - 40}),
                min_size=1, max_size=8))  # fmt: skip
def test_merged_histograms_are_those_of_the_analysis(database: duckdb.DuckDBPyConnection, rows: Rows) -> None:
    """Scale, count, sum, extremes and every bucket, as :mod:`otel_verein.analysis.histogram` adds them up."""
    same = [{**row, "operation": "a", "version": None} for row in rows]

    found = asked(database, merged_series("rows", PERIOD), rows=arrow(SERIES, same))

    assert [merge(map(_histogram, same))] == [merge([_histogram(row)]) for row in found]


def _histogram(row: dict[str, Any]) -> HistogramRow:
    filled = tuple((row["first_index"] + place, int(number)) for place, number in enumerate(row["counts"]) if number)
    values = (row["total"], row["minimum"], row["maximum"], filled)
    return HistogramRow("m", "s", "o", "k", "ok", row["scale"], int(row["count"]), *values)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 20), st.sampled_from(["long", "medium", "short", ""])), min_size=1, max_size=40),
    st.integers(),
)
def test_duplicates_count_once_in_any_order(
    database: duckdb.DuckDBPyConnection, sent: list[tuple[int, str]], seed: int
) -> None:
    """Spans with one id are one, with the weight of the longest tier; findings of one place are one."""
    weights = {"long": 1.0, "medium": 2.0, "short": 4.0, "": 8.0}
    spans = [_span(n, tier, weights[tier]) for n, tier in random.Random(seed).sample(sent, len(sent))]

    roots = asked(database, roots_once("spans"), spans=arrow(SPANS, spans))
    found = [{**span, "kind": "n_plus_one"} for span in spans]
    events = asked(database, findings_once("found"), found=arrow(FINDINGS, found))

    longest = {n: min(weights[tier] for number, tier in sent if number == n) for n, _ in sent}
    assert sorted(longest.values()) == sorted(root["weight"] for root in roots)
    assert len(longest) == len(events)


def _span(number: int, tier: str, weight: float, **more: Any) -> dict[str, Any]:
    """A local root, and, by the same row, a finding event of it."""
    return {
        "trace_id": number.to_bytes(16, "big"), "span_id": number.to_bytes(8, "big"), "tier": tier, "weight": weight,
        "root": True, "start_ns": PERIOD * 10**9, "duration_ns": 1, "service": "shop", "name": "n", "operation": "n",
        "kind": 2, "status": 0, "ordinal": 0, "repeats": 5, "fingerprint": "f", **more,
    }  # fmt: skip


@pytest.mark.parametrize("ratio", [1.0, 1 / 3, 0.1, 0.01])
def test_weights_of_what_was_sampled_add_up_to_what_there_was(
    database: duckdb.DuckDBPyConnection, ratio: float
) -> None:
    """Of 50,000 operations, sampled by the threshold that ``ot=th`` tells, the estimate is within 4 sigma, and the
    sum in the rollup is the sum of the weights to the last digit that doubles have."""
    threshold, rng, n = threshold_of(ratio), random.Random(20260301), 50_000
    kept = [trace for trace in (rng.getrandbits(128) for _ in range(n)) if trace & LOW_BITS >= threshold]
    weight = weight_of(threshold)
    spans = [
        {**_span(1, "short", weight, entity_type="t", entity_id=str(trace % 3)), "trace_id": trace.to_bytes(16, "big")}
        for trace in kept
    ]
    roots, sampled = f"({roots_once('sampled')})", arrow(SPANS, spans)

    by_operation = asked(database, merged_series(f"({series_of_roots(roots)})", PERIOD), sampled=sampled)
    by_entity = asked(database, merged_entities(f"({entities_of_roots(roots)})", PERIOD), sampled=sampled)

    counted = [row["count"] for row in by_operation if row["metric"] == semconv.METRIC_DURATION]
    expected = pytest.approx(len(kept) * weight, rel=1e-12)
    assert [expected] == counted
    assert expected == math.fsum(row["count"] for row in by_entity)
    assert expected == sum(sum(row["counts"]) for row in by_operation if row["metric"] == semconv.METRIC_DURATION)
    probability = 1 - threshold / ALL
    assert abs(counted[0] - n) <= 4 * math.sqrt(n * (1 - probability) / probability)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 30), st.booleans()), min_size=1, max_size=20),
    st.integers(0, 20),
)
def test_findings_of_two_halves_are_those_of_the_whole(
    database: duckdb.DuckDBPyConnection, given_events: list[tuple[int, int, bool]], cut: int
) -> None:
    """Wherever the events of an hour are cut, if no operation is: counts, sums, and the worst of them."""
    events = [
        _span(place, "", 1.0, ordinal=0, repeats=repeats, statements=1, queries=repeats, kind="n_plus_one",
              total_ms=None if unknown else 4.0, fingerprint=f"f{of % 2}", summary=f"s{of}")
        for place, (of, repeats, unknown) in enumerate(given_events)
    ]  # fmt: skip
    halves = [half for half in (events[:cut], events[cut:]) if half]

    whole = asked(
        database, merged_findings(f"({findings_of_events('events')})", PERIOD), events=arrow(FINDINGS, events)
    )
    parts = [row for half in halves for row in asked(database, findings_of_events("half"), half=arrow(FINDINGS, half))]
    merged = asked(database, merged_findings("parts", PERIOD), parts=arrow(ROLLED_FINDINGS, parts))

    assert [_rounded(row) for row in whole] == [_rounded(row) for row in merged]


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 9) if isinstance(value, float) else value for name, value in row.items()}
