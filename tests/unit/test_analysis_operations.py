"""Operations: exact counts by operation, and what stays unknown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from otel_verein.analysis.operations import OperationKey, by_impact, operations, resting_on
from otel_verein.sources.base import Tables
from otel_verein.sources.rows import CounterRow, HistogramRow

DURATION, QUERIES, DB = (f"verein.operation.{name}" for name in ("duration", "db.queries", "db.duration"))
ROW = HistogramRow(DURATION, "shop", "GET /", "server", "ok", 5, 3, 1.5, 0.5, 0.5, ((-32, 3),))


def counter(metric: str, value: int, detail: str | None = None) -> CounterRow:
    """A counter of the operation that ROW is of."""
    return CounterRow(f"verein.operation.{metric}", "shop", "GET /", "server", detail, value)


def test_status_is_merged_and_errors_are_counted():
    """Both states of an operation are one row; those with status error are its errors."""
    failed = replace(ROW, status="error", count=1, total=0.5, buckets=((-32, 1),))

    (stats,) = operations(Tables(histograms=(ROW, failed)))

    assert (stats.count, stats.errors, stats.duration.total) == (4, 1, 2.0)


def test_name_kind_and_service_tell_operations_apart():
    """The same name in another service or of another kind is another operation; most time comes first."""
    rows = (ROW, replace(ROW, service="admin", total=9.0), replace(ROW, kind="consumer", total=0.1))

    assert [stats.key for stats in operations(Tables(histograms=rows))] == [
        OperationKey("admin", "GET /", "server"),
        OperationKey("shop", "GET /", "server"),
        OperationKey("shop", "GET /", "consumer"),
    ]


def test_queries_that_were_not_measured_are_unknown():
    """Without the histogram of queries there is no figure; with zeros it is zero."""
    zeros = replace(ROW, metric=QUERIES, total=0.0, minimum=0.0, maximum=0.0, buckets=())

    (without,) = operations(Tables(histograms=(ROW,)))
    (with_zeros,) = operations(Tables(histograms=(ROW, zeros)))

    assert (without.queries, without.db_duration, without.db_share) == (None, None, None)
    assert with_zeros.queries is not None
    assert (with_zeros.queries.total, with_zeros.queries.whole_percentile(0.95)) == (0.0, 0.0)


def test_share_of_database_time():
    """The share is database time per wall time, and unknown when no wall time passed."""
    database = replace(ROW, metric=DB, total=0.3)

    (stats,) = operations(Tables(histograms=(ROW, database)))
    (instant,) = operations(Tables(histograms=(replace(ROW, total=0.0), database)))

    assert stats.db_share == pytest.approx(0.2)
    assert instant.db_share is None


def test_counters_belong_to_their_operation():
    """Breaches by name, kept over all reasons; the operations that are bad count once, under no breach."""
    counters = (
        counter("breaches", 2, "queries"),
        counter("breaches", 1, "n_plus_one"),
        counter("breaches", 2, "any"),
        counter("kept", 1, "breach"),
        counter("kept", 1, "sampled"),
        counter("sampled_out", 1),
        replace(counter("breaches", 50, "error"), operation="GET /other"),
    )

    (stats,) = operations(Tables(histograms=(ROW,), counters=counters))

    assert stats.breaches == {"error": 0, "duration": 0, "queries": 2, "db_duration": 0, "n_plus_one": 1}
    assert (stats.bad, stats.kept, stats.sampled_out) == (2, 2, 1)


def test_time_of_what_failed():
    """The wall time of failed operations is told apart; unknown where a point did not say its sum."""
    failed = replace(ROW, status="error", total=0.25)

    (known,) = operations(Tables(histograms=(ROW, failed)))
    (unknown,) = operations(Tables(histograms=(ROW, replace(failed, total=None))))
    (none,) = operations(Tables(histograms=(ROW,)))

    assert (known.errors_s, unknown.errors_s, none.errors_s) == (0.25, None, 0.0)


def test_impact_is_queries_times_frequency_times_time():
    """Where all three are large comes first, what was not measured last, and neither is the order of time."""
    queries = replace(ROW, metric=QUERIES, total=30.0)
    rows = (ROW, queries)
    rows += tuple(replace(row, operation="often", count=300, total=(row.total or 0) * 50) for row in (ROW, queries))
    rows += (replace(ROW, operation="unknown", total=900.0),)

    ordered = by_impact(operations(Tables(histograms=rows)))

    assert [stats.key.operation for stats in ordered] == ["often", "GET /", "unknown"]
    assert [stats.impact for stats in ordered] == [pytest.approx(5.0 * 75.0), pytest.approx(10.0 * 1.5), None]


def test_json_says_what_is_estimated():
    """An estimate says so, from how many spans and how wrong its count may be; what was counted has no error."""
    weighted = replace(ROW, estimated=True, count=30, samples=3, variance=270.0, buckets=((-32, 30),))

    (counted,) = operations(Tables(histograms=(ROW,)))
    (estimate,) = operations(Tables(histograms=(weighted,)))

    told = ("estimated", "samples", "count_error")
    assert [counted.as_dict()[name] for name in told] == [False, 3, 0.0]
    assert [estimate.as_dict()[name] for name in told] == [True, 3, pytest.approx(32.2, abs=0.01)]
    assert (resting_on(counted), resting_on(estimate)) == (3, pytest.approx(3.0))
