"""Rolling up: what hours, days and months say is what their detail says."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest

from otel_verein import semconv
from otel_verein.analysis.histogram import merge
from otel_verein.config.schema import Config
from otel_verein.sources.rows import HistogramRow
from otel_verein.store.layout import Store
from otel_verein.store.rollup import roll
from tests.unit.store_rolling import (
    DAY_S,
    HOUR,
    LATER,
    counter,
    enter,
    event,
    expire,
    files,
    point,
    rolled,
    root_span,
    rows,
    whole,
)

DURATION = f"metric = '{semconv.METRIC_DURATION}'"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path)


def test_histograms_of_different_scales_are_merged_at_the_coarsest(store: Store) -> None:
    """Count, sum, extremes and buckets are those that the analysis gets from the points themselves."""
    given = [point({-30: 4, 7: 2}, scale=5), point({100: 3, 131: 1}, scale=6), point({-3: 5}, scale=5)]
    enter(store, "points", given[:2])
    enter(store, "points", given[2:])

    rolled(store)

    expected = merge(map(_histogram, given))
    assert [expected] == [
        merge([_histogram(dict(zip(_COLUMNS, row, strict=True)))])
        for level in (3,)
        for row in rows(store, "series", level, ", ".join(f'"{name}"' for name in _COLUMNS))
    ]


_COLUMNS = ("scale", "count", "total", "minimum", "maximum", "first_index", "counts")


def _histogram(row: dict[str, object]) -> HistogramRow:
    first, counts = int(str(row["first_index"])), row["counts"]
    assert isinstance(counts, list)
    buckets = tuple((first + place, int(number)) for place, number in enumerate(counts) if number)
    count = int(float(str(row["count"])))
    total, minimum, maximum = (float(str(row[name])) for name in ("total", "minimum", "maximum"))
    return HistogramRow("m", "s", "o", "k", "ok", int(str(row["scale"])), count, total, minimum, maximum, buckets)


def test_points_that_do_not_know_their_sum_are_a_row_apart(store: Store) -> None:
    """The sum and extremes of the others stay, and nobody takes them for those of all."""
    enter(store, "points", [point({1: 2}), point({1: 3}), point({2: 4}, total=None, minimum=None, maximum=None)])

    rolled(store)

    value = 2 ** (1.5 / 32)
    expected = [(4.0, None, None, None), (5.0, pytest.approx(5 * value), value, value)]
    assert expected == rows(store, "series", 3, '"count", total, minimum, maximum')


def test_counters_add_up_by_what_tells_them_apart(store: Store) -> None:
    """One row for each detail, version and environment."""
    enter(store, "points", [counter(2, detail="sampled"), counter(3, detail="sampled"), counter(5, detail="error")])
    enter(
        store, "points", [counter(7, detail="error", version="2"), counter(11, metric="x", operation=None, kind=None)]
    )

    rolled(store)

    assert [
        ("GET /", "error", "2", 7.0),
        ("GET /", "error", None, 5.0),
        ("GET /", "sampled", None, 5.0),
        (None, None, None, 11.0),
    ] == rows(store, "series", 1, "operation, detail, version, value")


def test_percentiles_estimated_from_spans_are_within_two_percent(store: Store) -> None:
    """Of 5000 durations and query counts: count, sum and extremes exact, each percentile within 2 %."""
    rng = random.Random(20260301)
    durations = [rng.lognormvariate(-3, 1.2) for _ in range(5000)]
    queries = [rng.randrange(0, 400) for _ in durations]
    enter(store, "spans", [
        root_span(number, duration, query_count=queries[number]) for number, duration in enumerate(durations)
    ])  # fmt: skip

    rolled(store)

    for metric, values in ((semconv.METRIC_DURATION, durations), (semconv.METRIC_QUERIES, queries)):
        columns = ", ".join(f'"{name}"' for name in _COLUMNS)
        row = rows(store, "series", 3, columns, f"metric = '{metric}'")[0]
        found = merge([_histogram(dict(zip(_COLUMNS, row, strict=True)))])
        assert found is not None
        assert 5000 == found.count
        assert [found.total, found.minimum, found.maximum] == pytest.approx(
            [math.fsum(values), min(values), max(values)]
        )
        for share in (0.5, 0.9, 0.95, 0.99):
            exact = sorted(values)[math.ceil(share * 5000) - 1]
            assert exact == pytest.approx(found.percentile(share), rel=0.02)


def test_spans_are_no_estimate_for_a_service_that_is_measured(store: Store) -> None:
    """In each hour: a service with metrics counts by them; without, by its spans, each as often as its weight says."""
    enter(store, "points", [point({1: 20})])
    enter(store, "spans", [root_span(1), root_span(2, service="foreign", weight=10.0)])
    enter(store, "spans", [root_span(3, hour=HOUR + 3600, weight=4.0)], hour=HOUR + 3600)

    rolled(store)

    expected = [("foreign", "spans", 10.0), ("shop", "metrics", 20.0), ("shop", "spans", 4.0)]
    assert expected == rows(store, "series", 3, 'service, basis, "count"', DURATION)


def test_queries_that_a_collector_counts_measure_no_service(store: Store) -> None:
    """A collector's counter of queries is of services without otel-verein, whose spans are all there is."""
    enter(store, "points", [counter(50, metric=semconv.METRIC_DB_QUERIES, service="foreign")])
    enter(store, "spans", [root_span(2, service="foreign")])

    rolled(store)

    assert [("spans", 1.0)] == rows(store, "series", 3, 'basis, "count"', DURATION)


def test_a_service_is_measured_before_its_first_long_operation_ends(store: Store) -> None:
    """Any metric of ours says so, also in an hour in which no operation ended."""
    enter(store, "points", [counter(1, metric=semconv.METRIC_CONFIG_INFO, shape="gauge")])
    enter(store, "spans", [root_span(1, 7200.0)])
    enter(store, "points", [point({410: 1}, hour=HOUR + 7200)], hour=HOUR + 7200)

    rolled(store)

    assert [("metrics", 1.0)] == rows(store, "series", 3, 'basis, "count"', DURATION)


def test_breaches_and_errors_of_spans_count_as_the_metrics_would(store: Store) -> None:
    """An error is one with and without otel-verein in the service; an N+1 alone is no bad operation."""
    enter(store, "spans", [
        root_span(1, breaches="error,queries", status=2), root_span(2, status=2, weight=3.0),
        root_span(3, breaches="n_plus_one"), root_span(4),
    ])  # fmt: skip

    rolled(store)

    expected = [("any", 4.0), ("error", 4.0), ("n_plus_one", 1.0), ("queries", 1.0)]
    assert expected == rows(store, "series", 3, "detail, value", f"metric = '{semconv.METRIC_BREACHES}'")
    assert [("error", 4.0), ("ok", 2.0)] == rows(store, "series", 3, 'status, "count"', DURATION)


def test_a_span_that_came_twice_counts_once(store: Store) -> None:
    """In one file, in two files, and in two tiers, of which the longer one is right."""
    enter(store, "spans", [root_span(1), root_span(1), root_span(2, weight=5.0, tier="short")], tier="short")
    enter(store, "spans", [root_span(2, weight=1.0, tier="long"), root_span(3)], tier="long")

    rolled(store)

    assert [(3.0, 3)] == rows(store, "series", 1, '"count", samples', DURATION)


def test_a_finding_that_came_twice_counts_once_and_says_so(store: Store) -> None:
    """Sums are of the events that are different; how many were left out stands in the totals."""
    enter(store, "findings", [event(1), event(1, 1, repeats=30, queries=30, total_ms=90.0), event(2)])
    enter(store, "findings", [event(2), event(3, repeats=40, queries=40, total_ms=None, summary="worst")])

    rolled(store)

    columns = "events, operations, repeats_sum, repeats_max, wasted_queries, wasted_ms, total_ms, summary, trace_id"
    expected = (4, 3, 90, 40, 86, None, None, "worst", (3).to_bytes(16, "big"))
    for level in (1, 2, 3):
        assert [expected] == rows(store, "findings", level, columns)
        totals = files(store, "findings", level)[0].totals
        assert {"events": 4, "repeats": 90, "duplicates": 1} == totals


def test_time_wasted_is_what_all_but_one_of_the_repeats_took(store: Store) -> None:
    """20 ms of 10 queries, 90 ms of 30: 18 + 87."""
    enter(store, "findings", [event(1), event(2, repeats=30, queries=30, total_ms=90.0)])

    rolled(store)

    assert [(110.0, 105.0, 38)] == rows(store, "findings", 3, "total_ms, wasted_ms, wasted_queries")


def test_a_finding_that_says_too_little_is_kept_apart(store: Store) -> None:
    """It is counted, so that nothing is lost, with no kind, so that nobody takes it for a finding."""
    enter(store, "findings", [event(1), event(2, repeats=None, queries=None), event(3, fingerprint=None)])

    rolled(store)

    assert [("n_plus_one", 1), (None, 1), (None, 1)] == rows(store, "findings", 3, "kind, events")


def test_what_reaches_too_far_gets_coarser(store: Store) -> None:
    """A point with indexes at both ends of 32 bits takes no more than 4096 buckets, and every count is in them."""
    enter(
        store, "points", [point({0: 1}, scale=20, count=2, first_index=-(2**31)), point({0: 1}, first_index=2**31 - 1)]
    )

    result = rolled(store)

    assert () == result.problems
    assert [(3.0, 2.0, True)] == rows(store, "series", 3, '"count", list_sum(counts), len(counts) <= 4096')


def test_what_came_late_is_in_its_hour_day_and_month(store: Store) -> None:
    """All three are made again; what they were before neither counts nor lies on the disk."""
    enter(store, "points", [point({1: 20})])
    enter(store, "points", [point({1: 1}, hour=HOUR + DAY_S)], hour=HOUR + DAY_S)
    rolled(store)
    before = [file.path for level in (1, 2, 3) for file in files(store, "series", level) if file.period <= HOUR]
    enter(store, "points", [point({1: 7})])

    result = rolled(store)

    assert (1, 1, 1) == (result.hours, result.days, result.months)
    assert [(27.0,), (1.0,)] == rows(store, "series", 1, '"count"')[::-1]
    assert (28.0,) == whole(store, "series", 'sum("count")')
    assert [False] * 3 == [store.path(path).exists() for path in before]


def test_what_came_after_its_detail_had_gone_stands_beside_it(store: Store) -> None:
    """The hour gets a second file, of what is new: no span or finding twice, no estimate of what is measured."""
    gone = [
        enter(store, "points", [point({1: 20})]),
        enter(store, "spans", [root_span(1), root_span(7, service="foreign")], tier="short"),
    ]
    enter(store, "spans", [root_span(2, service="foreign")], tier="long")
    rolled(store)
    expire(store, gone)
    enter(store, "spans", [root_span(2, service="foreign"), root_span(3), root_span(4, service="foreign")])

    result = rolled(store)

    assert () == result.problems
    assert 2 == len(files(store, "series", 1))
    expected = [("foreign", "spans", 3.0), ("shop", "metrics", 20.0)]
    assert expected == rows(store, "series", 2, 'service, basis, "count"', DURATION)
    assert expected == rows(store, "series", 3, 'service, basis, "count"', DURATION)


def test_a_damaged_file_is_rolled_up_by_nobody(store: Store) -> None:
    """The hour, and its day, wait and say why; the hours of other kinds and days are made."""
    damaged = enter(store, "points", [point({1: 20})])
    enter(store, "findings", [event(1)])
    enter(store, "points", [point({1: 1}, hour=HOUR + DAY_S)], hour=HOUR + DAY_S)
    place = next(file.path for file in files(store, "points", 0) if file.id == damaged)
    with store.path(place).open("r+b") as file:
        file.seek(100)
        file.write(b"\x00\x01\x02")

    result = rolled(store)

    assert (f"{place}: is not what was written; `otel-verein store verify` says more",) == result.problems
    assert [HOUR + DAY_S] == [file.period for file in files(store, "series", 1)]
    assert [] == files(store, "series", 3)
    assert 1 == len(files(store, "findings", 3))


def test_it_stops_when_it_is_told_to(store: Store) -> None:
    """What was made stays, and the rest is made the next time."""
    for number in range(3):
        enter(store, "points", [point({1: 1}, hour=HOUR + 3600 * number)], hour=HOUR + 3600 * number)
    answers = iter([False, False, True])

    first = roll(store, Config(), LATER, stop=lambda: next(answers))
    second = roll(store, Config(), LATER)

    assert (2, False) == (first.hours, first.finished)
    assert (1, 1, 1, True) == (second.hours, second.days, second.months, second.finished)


def test_nothing_is_left_to_do_when_all_is_done(store: Store) -> None:
    """A second run makes no file, and leaves nothing in the place for unfinished ones."""
    enter(store, "points", [point({1: 1})])
    enter(store, "spans", [root_span(1)])
    enter(store, "findings", [event(1)])
    rolled(store)

    result = rolled(store)

    assert (0, 0, 0, ()) == (result.hours, result.days, result.months, result.problems)
    assert [] == list(store.tmp.iterdir())
    kinds = ("series", "findings", "entities")
    counted = {file.path for kind in kinds for level in (1, 2, 3) for file in files(store, kind, level)}
    assert counted == {path for path in store.files() if path.startswith("rollup")}
