"""Bounds of the metrics: names, memory, threads and locks."""

from __future__ import annotations

import multiprocessing
import threading
import time
import tracemalloc

import pytest

from otel_verein import semconv
from otel_verein.faults import Faults
from otel_verein.processors.metrics import Measures
from tests.unit.measures import Collected, exported, measured


def test_names_past_the_cap_are_other() -> None:
    """Operation names are bounded; what goes past is counted under one name."""
    measures, collected = Measures(5, faults=Faults()), Collected()
    for index in range(20):
        measures.add(measured(f"GET /{index}"))
    exported(measures, collected)

    points = {point.attributes[semconv.OPERATION]: point.count for point in collected.points(semconv.METRIC_DURATION)}
    assert {"GET /0": 1, "GET /1": 1, "GET /2": 1, "GET /3": 1, semconv.OTHER: 16} == points
    assert [16] == [point.value for point in collected.points(semconv.METRIC_OVERFLOW)]


def test_memory_of_what_waits_is_bounded_without_an_export() -> None:
    """While the export thread hangs, the threads that add operations add them up too; nothing is lost."""
    measures, collected = Measures(5, faults=Faults()), Collected()
    for index in range(30_000):
        measures.add(measured(queries=index % 5))
    for _ in range(30_000):
        measures.dropped("queue_full")

    assert len(measures._pending) <= 10_001
    assert len(measures._counted) <= 10_001
    exported(measures, collected)
    assert [30_000] == [point.count for point in collected.points(semconv.METRIC_DURATION)]
    assert 30_000 == collected.total(semconv.METRIC_EXPORT_DROPPED)


def test_threads_and_exports_at_once_lose_nothing() -> None:
    """Four threads that add while another exports: every operation is in one export."""
    measures, collected = Measures(50, faults=Faults()), Collected()
    adding = [
        threading.Thread(target=lambda: [measures.add(measured(f"GET /{n % 9}")) for n in range(10_000)])
        for _ in range(4)
    ]
    for thread in adding:
        thread.start()
    while any(thread.is_alive() for thread in adding):
        exported(measures, collected)
    exported(measures, collected)

    assert 40_000 == sum(point.count for point in collected.points(semconv.METRIC_DURATION))


def test_export_goes_on_while_an_interrupted_frame_holds_the_lock() -> None:
    """A signal handler that flushes on another thread does not wait for the frame it interrupted."""
    measures, collected = Measures(5, faults=Faults()), Collected()
    measures.add(measured())
    with measures._lock:
        exporting = threading.Thread(target=exported, args=(measures, collected))
        exporting.start()
        exporting.join(10)
        alive = exporting.is_alive()

    assert not alive
    assert [1] == [point.count for point in collected.points(semconv.METRIC_DURATION)]


def flood(measures: Measures, names: int) -> None:
    """Add operations of so many names, each once, with a collection now and then."""
    collected = Collected()
    for index in range(names):
        measures.add(measured(f"GET /{index}"))
        if index % 25_000 == 0:
            exported(measures, collected)
            collected.given.clear()


@pytest.mark.parametrize("cumulative", [False, True], ids=["delta", "cumulative"])
@pytest.mark.parametrize("names", [100_000, pytest.param(1_000_000, marks=pytest.mark.soak)])
def test_distinct_names_cost_no_memory(names: int, cumulative: bool) -> None:
    """However many names come, series stay within the cap and memory is flat."""
    measures, collected = Measures(500, cumulative=cumulative, faults=Faults()), Collected()
    flood(measures, 20_000)
    tracemalloc.start()
    try:
        flood(measures, names)
        exported(measures, collected)
        collected.given.clear()
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    measures.add(measured("GET /again"))
    exported(measures, collected)

    assert len(collected.points(semconv.METRIC_DURATION)) <= 501
    assert grown < 2_000_000


def _counted_in_child(
    measures: Measures, before_ns: int, answers: multiprocessing.SimpleQueue[list[tuple[int, bool]]]
) -> None:
    collected = Collected()
    exported(measures, collected)
    measures.add(measured())
    exported(measures, collected)
    points = collected.points(semconv.METRIC_DURATION)
    answers.put([(point.count, point.start_time_unix_nano >= before_ns) for point in points])


@pytest.mark.parametrize("cumulative", [False, True], ids=["delta", "cumulative"])
def test_forked_child_starts_with_nothing(cumulative: bool) -> None:
    """It neither reports its parent's sums nor their start, also if a thread of its parent was adding up."""
    measures, collected = Measures(5, cumulative=cumulative, faults=Faults()), Collected()
    measures.add(measured())
    exported(measures, collected)
    measures.add(measured())
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()
    child = context.Process(target=_counted_in_child, args=(measures, time.time_ns(), answers))
    with measures._lock:
        child.start()
    child.join(10)

    assert 0 == child.exitcode
    assert [(1, True)] == answers.get()
    exported(measures, collected)
    assert [1, 2 if cumulative else 1] == [point.count for point in collected.points(semconv.METRIC_DURATION)]
