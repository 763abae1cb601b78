"""An operation counts by its span only where no metrics count it, be it hours later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from otel_verein import semconv
from otel_verein.config.schema import Config
from otel_verein.sources.store import StoreSource
from otel_verein.store.choose import Bounds
from otel_verein.store.compaction import compact
from otel_verein.store.ingest import ingest
from otel_verein.store.journal import Journal
from otel_verein.store.layout import HOUR_S, NANOSECONDS, Store
from otel_verein.store.measuring import Measuring, hours_of, told_by
from otel_verein.store.records import Contents
from otel_verein.store.rollup import roll
from tests.unit.otlp_lines import START_NS, metric, metrics_request, operation_metrics, series, spans_request, write
from tests.unit.store_rolling import (
    DAY_S,
    HOUR,
    Row,
    counter,
    enter,
    event,
    expire,
    files,
    point,
    rolled,
    root_span,
    whole,
)
from tests.unit.test_store_rollup_plan import DAY, file

CONFIG = Config()
DURATION = f"metric = '{semconv.METRIC_DURATION}'"
BY_BASIS = (
    "coalesce(sum(\"count\") FILTER (basis = 'metrics'), 0), coalesce(sum(\"count\") FILTER (basis = 'spans'), 0)"
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path)


def ending(number: int, end_s: float, **more: Any) -> Row:
    """A local root that begins half an hour after HOUR, and ends so many seconds after HOUR."""
    return root_span(number, end_s - 1800, start_ns=(HOUR + 1800) * NANOSECONDS, **more)


@pytest.mark.parametrize(
    ("end_s", "hour", "estimated"),
    [
        pytest.param(3599.0, 0, 0, id="in an hour that is measured"),
        pytest.param(3601.0, 1, 0, id="in the next hour, the first that is measured"),
        pytest.param(3300.0, 1, 0, id="when the next metrics leave in the next hour"),
        pytest.param(3299.0, 1, 1, id="too early to be on the metrics of the next hour"),
        pytest.param(3600.0 * 30, 30, 0, id="next day, in the first hour that is measured"),
        pytest.param(3600.0 * 30, 29, 1, id="after the service was measured"),
        pytest.param(3600.0 * 30, 31, 1, id="before the service was measured"),
    ],
)
def test_what_ends_where_its_service_is_measured_is_no_estimate(
    store: Store, end_s: float, hour: int, estimated: int
) -> None:
    """Its service is asked for in the hour of its start and in that of five minutes after its end, in no other."""
    enter(store, "spans", [ending(1, end_s)])
    enter(store, "points", [point({1: 20}, hour=HOUR + hour * HOUR_S)], hour=HOUR + hour * HOUR_S)

    rolled(store)

    assert (20.0, float(estimated)) == whole(store, "series", BY_BASIS, DURATION)


def test_what_is_left_of_a_later_hour_tells_what_is_measured(store: Store) -> None:
    """Its points, when they have gone its series, and when those have gone those of its day."""
    later = HOUR + 5 * HOUR_S
    enter(store, "points", [point({1: 20}, hour=later)], hour=later)
    levels = []

    for number in range(3):
        enter(store, "spans", [ending(number, 5.5 * HOUR_S)])
        rolled(store, now=HOUR + 3 * DAY_S)
        levels.append(whole(store, "series", BY_BASIS, DURATION))
        gone = [("spans", 0), ("points", 0) if number == 0 else ("series", 1)]
        expire(store, [each.id for kind, level in gone for each in files(store, kind, level)])

    assert [(20.0, 0.0)] * 3 == levels


def test_an_hour_without_figures_tells_what_is_measured(store: Store) -> None:
    """The first metrics may be none that add up; the series of the hour say that they were there."""
    gone = enter(store, "points", [counter(1, metric=semconv.METRIC_CONFIG_INFO, shape="gauge")])
    rolled(store)
    expire(store, [gone])
    enter(store, "spans", [root_span(1), root_span(2, service="foreign")])

    rolled(store)

    assert [("foreign", 1)] == [
        whole(store, "series", "any_value(service), count(*)", f"basis = 'spans' AND {DURATION}")
    ]


def test_what_comes_late_again_and_again_counts_once(store: Store) -> None:
    """What was rolled up first says it, though only the day is left of it, and a later file stands beside it."""
    gone = [enter(store, "points", [point({1: 20})]), enter(store, "findings", [event(1)])]
    rolled(store)
    kinds = ("series", "findings")
    expire(store, [*gone, *(each.id for kind in kinds for each in files(store, kind, 1))])
    counted = []

    for late in ([event(5)], [event(5), event(6, repeats=30, queries=30)], [event(6, repeats=30, queries=30)]):
        enter(store, "spans", [root_span(10 + len(counted)), root_span(1, service="foreign")])
        enter(store, "findings", late)
        result = rolled(store)
        assert () == result.problems
        by_basis = whole(store, "series", BY_BASIS, DURATION)
        counted.append((*by_basis, *whole(store, "findings", "sum(events), sum(repeats_sum), max(repeats_max)")))

    assert [(20.0, 1.0, 2, 20, 10), (20.0, 1.0, 3, 50, 30), (20.0, 1.0, 3, 50, 30)] == counted
    assert {"events": 2, "repeats": 40, "duplicates": 2} == files(store, "findings", 1)[0].totals


def spans_of(number: int, start_s: float, end_s: float, service: str = "shop") -> dict[str, Any]:
    """A request with a local root; times in seconds after START_NS."""
    request = spans_request("GET /", [], number=number, service=service)
    span = request["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    span["startTimeUnixNano"] = str(START_NS + round(start_s * NANOSECONDS))
    span["endTimeUnixNano"] = str(START_NS + round(end_s * NANOSECONDS))
    return request


def metrics_of(second: int, service: str = "shop") -> dict[str, Any]:
    """A request with three measured operations that ended by then."""
    times = {"start_ns": START_NS + (second - 5) * NANOSECONDS, "end_ns": START_NS + second * NANOSECONDS}
    return metrics_request(operation_metrics("GET /", duration=[0.1] * 3, **times), service)


def counts(store: Store, window: Bounds | None = None) -> dict[str, int]:
    """How many operations the services had, with what is not stored yet."""
    found: dict[str, int] = {}
    for row in StoreSource(store, [store.root / "otlp"], CONFIG.store, window).read().histograms:
        if row.metric == semconv.METRIC_DURATION:
            found[row.service] = found.get(row.service, 0) + row.count
    return found


def test_it_is_the_same_on_the_way(store: Store) -> None:
    """As segments, detail, compacted, and by hours, days and months, with a window and without."""
    place = store.root / "otlp"
    told = metric("verein.config.info", [(series(None), {"asInt": "1"})], shape="gauge", end_ns=START_NS + 1)
    write(
        place / "spans" / "a.jsonl", spans_of(1, 3599.9, 3600.4), spans_of(2, 10, 7 * HOUR_S, "job"),
        spans_of(3, 3599.9, 3600.4, "foreign"), spans_of(4, 20, 21, "told"), spans_of(5, HOUR_S + 20, 6000, "told"),
    )  # fmt: skip
    write(
        place / "metrics" / "a.jsonl", metrics_of(HOUR_S + 2), metrics_of(7 * HOUR_S + 2, "job"),
        metrics_request([told], "told"),
    )  # fmt: skip
    first, end_s = Bounds(START_NS, START_NS + HOUR_S * NANOSECONDS), START_NS / NANOSECONDS + 8 * HOUR_S
    with Journal.opened(store, create=True):
        found = [(counts(store), counts(store, first))]

    for act in (
        lambda: ingest(store, [place], CONFIG.store),
        lambda: compact(store, end_s + DAY_S),
        lambda: roll(store, CONFIG, end_s + 2 * DAY_S),
        lambda: roll(store, CONFIG, end_s + 40 * DAY_S),
    ):
        act()
        found.append((counts(store), counts(store, first)))

    assert [({"shop": 3, "job": 3, "foreign": 1, "told": 1}, {"foreign": 1})] * 5 == found


def test_a_late_span_counts_by_what_its_hour_says(store: Store) -> None:
    """That another hour of its day was measured does not matter while the hours are there, rolled up or not."""
    place = store.root / "otlp"
    write(place / "metrics" / "a.jsonl", metrics_of(10))
    ingest(store, [place], CONFIG.store)
    now = START_NS / NANOSECONDS + 40 * DAY_S
    roll(store, CONFIG, now)
    write(place / "spans" / "late.jsonl", spans_of(1, 60, 61), spans_of(2, 3 * HOUR_S, 3 * HOUR_S + 1))

    found = [counts(store)]
    ingest(store, [place], CONFIG.store)
    found.append(counts(store))
    roll(store, CONFIG, now)
    found.append(counts(store))

    assert [{"shop": 4}] * 3 == found


def test_spans_are_stored_with_the_end_of_the_last(store: Store) -> None:
    """That tells how far their hour has to look."""
    write(store.root / "otlp" / "spans" / "a.jsonl", spans_of(1, 10, 7200), spans_of(2, 20, 21))

    ingest(store, [store.root / "otlp"], CONFIG.store)

    (stored,) = files(store, "spans", 0)
    start = START_NS // NANOSECONDS
    assert start + 7500 == told_by(stored)
    assert {start, start + HOUR_S, start + 2 * HOUR_S} == hours_of([stored])


def test_coarse_files_are_asked_only_where_finer_ones_are_gone() -> None:
    """A day whose hours are all there, some made again, is not; nor are points that an hour covers."""
    live = (
        file(1, "points"), file(2, "points"), file(3, "series", 1), file(5, "series", 1, DAY + HOUR_S),
        file(6, "series", 2), file(7, "series", 3), file(9, "series", 2, DAY + DAY_S), file(10, "findings", 1),
        file(11, "series", 1, DAY + 2 * HOUR_S),
    )  # fmt: skip
    coverage = {3: frozenset({1}), 6: frozenset({3, 4}), 7: frozenset({6, 9}), 9: frozenset({8})}
    measuring = Measuring(Contents(live, coverage, {4: 5}))

    assert [2, 3, 5] == [each.id for each in measuring.files((DAY, DAY + HOUR_S))]
    assert [9] == [each.id for each in measuring.files((DAY + DAY_S,))]
    assert () == measuring.files(())
