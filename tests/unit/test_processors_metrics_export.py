"""Export of the metrics: windows, temporality, failures and large payloads."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from opentelemetry.sdk.resources import Resource

from otel_verein import semconv
from otel_verein.delivery import Delivery, Outcome
from otel_verein.faults import Faults
from otel_verein.processors.metrics import Measures
from tests.unit.measures import MINUTE, Clock, Collected, Foreign, exported, measured


def test_a_failed_export_loses_nothing() -> None:
    """What could not be written goes out with the next success, once."""
    measures, collected = Measures(10, faults=Faults()), Collected()
    collected.failing = True
    measures.add(measured())
    assert not exported(measures, collected)
    collected.failing = False
    measures.add(measured())

    assert exported(measures, collected)
    assert exported(measures, collected)

    assert [point.count for point in collected.points(semconv.METRIC_DURATION)] == [2]


def test_cumulative_sums_grow() -> None:
    """With cumulative temporality every export holds all so far."""
    measures, collected = Measures(10, cumulative=True, faults=Faults()), Collected()
    for _ in range(3):
        measures.add(measured())
        exported(measures, collected)

    assert [point.count for point in collected.points(semconv.METRIC_DURATION)] == [1, 2, 3]


def test_empty_process_exports_nothing() -> None:
    """A process in which nothing happened makes no request, with either temporality."""
    for cumulative in (False, True):
        measures, collected = Measures(5, cumulative=cumulative, faults=Faults()), Collected()

        assert (True, 0) == (exported(measures, collected), collected.asked)


def test_delta_windows_are_contiguous_over_idle_collections() -> None:
    """After collections in which nothing happened, the next window begins where the last one that was sent ended."""
    clock = Clock()
    measures, collected = Measures(5, faults=Faults(), clock=clock), Collected()
    for happens in (True, False, False, True):
        clock.now += MINUTE
        if happens:
            measures.add(measured())
        exported(measures, collected)

    first, second = collected.windows(semconv.METRIC_DURATION)
    assert first[1] == second[0]
    assert (3, 3) == (round((second[1] - second[0]) / MINUTE), len({*first, *second}))


def test_window_of_a_failed_export_goes_on() -> None:
    """Sums that were given back keep their start; what is new in the same export begins later."""
    clock = Clock()
    measures, collected = Measures(5, faults=Faults(), clock=clock), Collected()
    measures.add(measured("GET /a"))
    exported(measures, collected)
    clock.now += MINUTE
    measures.add(measured("GET /a"))
    collected.failing = True
    exported(measures, collected)
    clock.now += MINUTE
    measures.add(measured("GET /a"))
    collected.failing = False
    exported(measures, collected)

    (first, second) = collected.windows(semconv.METRIC_DURATION)
    assert first[1] == second[0]
    assert [1, 2] == [point.count for point in collected.points(semconv.METRIC_DURATION)]


@pytest.mark.parametrize("cumulative", [False, True], ids=["delta", "cumulative"])
def test_clock_that_is_set_back_makes_no_window_end_before_it_begins(cumulative: bool) -> None:
    """A step of the wall clock by an hour neither reverses nor repeats a window."""
    clock = Clock()
    measures, collected = Measures(5, cumulative=cumulative, faults=Faults(), clock=clock), Collected()
    for step in (MINUTE, -60 * MINUTE, MINUTE):
        clock.now += step
        measures.add(measured())
        exported(measures, collected)

    windows = collected.windows(semconv.METRIC_DURATION)
    ends = [end for _, end in windows]
    assert sorted(set(ends)) == ends
    assert all(start < end for start, end in windows)
    assert cumulative or all(before[1] == after[0] for before, after in itertools.pairwise(windows))


def test_cumulative_series_are_complete_and_start_once() -> None:
    """Each cumulative export has every series, also those that did not change, since the same start."""
    measures, collected = Measures(5, cumulative=True, faults=Faults()), Collected()
    measures.add(measured("GET /a", reason="sampled"))
    exported(measures, collected)
    measures.add(measured("GET /b"))
    exported(measures, collected)

    points = collected.points(semconv.METRIC_DURATION)
    assert ["GET /a", "GET /a", "GET /b"] == [point.attributes[semconv.OPERATION] for point in points]
    assert 1 == len({point.start_time_unix_nano for point in points})
    assert [1, 1] == [point.value for point in collected.points(semconv.METRIC_KEPT)]


def test_idle_cumulative_sums_go_out_once_a_minute() -> None:
    """So a backend does not take a quiet process for a dead one, and a quiet process costs little."""
    clock = Clock()
    measures, collected = Measures(5, cumulative=True, faults=Faults(), clock=clock), Collected()
    measures.add(measured())
    for _ in range(10):
        exported(measures, collected)
        clock.now += MINUTE // 2

    assert [1] * 5 == [point.count for point in collected.points(semconv.METRIC_DURATION)]


@pytest.mark.parametrize("cumulative", [False, True], ids=["delta", "cumulative"])
def test_exports_that_nobody_asked_for_keep_their_distance(cumulative: bool) -> None:
    """Between two of them lies the time that was set; a flush does not wait for it, and nothing is lost."""
    clock = Clock()
    measures = Measures(5, cumulative=cumulative, every_s=10, faults=Faults(), clock=clock)
    collected = Collected()
    for _ in range(30):
        clock.now += MINUTE // 60
        measures.add(measured())
        measures.export(collected, Resource.get_empty(), asked=False)
    periodic = [point.count for point in collected.points(semconv.METRIC_DURATION)]
    exported(measures, collected)
    counts = [point.count for point in collected.points(semconv.METRIC_DURATION)]

    assert ([1, 11, 21] if cumulative else [1, 10, 10]) == periodic
    assert 30 == (counts[-1] if cumulative else sum(counts))


def test_failed_cumulative_export_is_tried_again() -> None:
    """With the next collection, also when nothing else has happened."""
    measures, collected = Measures(5, cumulative=True, faults=Faults()), Collected()
    measures.add(measured())
    collected.failing = True
    exported(measures, collected)
    collected.failing = False

    assert exported(measures, collected)
    assert [1] == [point.count for point in collected.points(semconv.METRIC_DURATION)]


@pytest.mark.parametrize("how", ["raising", "failing"])
def test_exporter_of_somebody_else_loses_nothing(how: str) -> None:
    """An exporter that raises, or fails without a reason, is asked again with the same sums; a fault is reported."""
    faults, collected = Faults(on_first=lambda site, fault: None), Collected()
    measures, foreign = Measures(5, faults=faults), Foreign(collected)
    measures.add(measured())
    setattr(foreign, how, True)
    assert not exported(measures, foreign)
    setattr(foreign, how, False)

    assert exported(measures, foreign)
    assert [1] == [point.count for point in collected.points(semconv.METRIC_DURATION)]
    assert int(how == "raising") == faults.counts["export.metrics"]


def test_large_payload_is_sent_in_halves() -> None:
    """What an endpoint finds too large goes out in smaller pieces, each series once."""
    measures, collected = Measures(5000, faults=Faults()), Collected(most_points=50)
    for index in range(1200):
        measures.add(measured(f"GET /{index}", reason="sampled" if index == 7 else None))

    assert exported(measures, collected)
    names = Counter(point.attributes[semconv.OPERATION] for point in collected.points(semconv.METRIC_DURATION))
    assert (1200, {1}) == (len(names), set(names.values()))
    assert 1200 == collected.total(semconv.METRIC_KEPT) + collected.total(semconv.METRIC_SAMPLED_OUT)


def test_series_that_is_too_large_alone_is_let_go_and_counted() -> None:
    """The same refused payload is not sent for ever."""
    measures, collected = Measures(5, faults=Faults()), Collected(most_points=3)
    measures.add(measured())

    assert [True, True] == [exported(measures, collected) for _ in range(2)]
    assert 2 == collected.asked
    assert [4] == [point.value for point in collected.points(semconv.METRIC_POINTS_LOST)]


def test_outage_between_two_parts_sends_each_series_once() -> None:
    """Parts that were taken are not sent again; the others keep the start of their window."""
    measures, collected = Measures(5000, faults=Faults()), Collected(takes=1)
    for index in range(1200):
        measures.add(measured(f"GET /{index}"))
    assert not exported(measures, collected)
    collected.takes = None
    exported(measures, collected)

    names = Counter(point.attributes[semconv.OPERATION] for point in collected.points(semconv.METRIC_DURATION))
    assert (1200, {1}) == (len(names), set(names.values()))
    assert 1 == len({start for start, _ in collected.windows(semconv.METRIC_DURATION)})


def test_points_that_an_endpoint_rejects_are_counted() -> None:
    """An answer that says how many points were not taken, although the request was, is believed and not repeated."""
    measures, collected = Measures(5, faults=Faults()), Collected()
    collected.rejected = 2
    measures.add(measured())

    assert [True, True] == [exported(measures, collected) for _ in range(2)]
    assert [2] == [point.value for point in collected.points(semconv.METRIC_POINTS_LOST)][:1]
    assert [1] == [point.count for point in collected.points(semconv.METRIC_DURATION)]


def test_payload_that_an_exporter_takes_on_is_not_given_back() -> None:
    """An exporter that answers SUCCESS has the payload, whatever it tells about a rest that it will send later."""
    measures, collected = Measures(5, faults=Faults()), Collected()
    collected.tells = Delivery(Outcome.LATER, "the second half waits")
    measures.add(measured())

    assert [True, True] == [exported(measures, collected) for _ in range(2)]
    assert [1] == [point.count for point in collected.points(semconv.METRIC_DURATION)]
