"""Metrics of every operation: exact sums by operation, verdict and reason, and exemplars of what is kept."""

from __future__ import annotations

from otel_verein import semconv
from otel_verein.faults import Faults
from otel_verein.processors.metrics import Measures
from tests.unit.measures import Collected, exported, measured


def test_every_operation_is_counted_whatever_was_decided() -> None:
    """Kept and sampled out add up to the operations, and the histogram has all their queries."""
    measures, collected = Measures(10, faults=Faults()), Collected()
    for index in range(100):
        measures.add(measured(queries=index, reason="sampled" if index % 10 == 0 else None))

    assert exported(measures, collected)

    (point,) = collected.points(semconv.METRIC_QUERIES)
    assert (point.count, point.sum, point.min, point.max, point.zero_count) == (100, 4950, 0, 99, 1)
    assert [p.value for p in collected.points(semconv.METRIC_KEPT)] == [10]
    assert [p.value for p in collected.points(semconv.METRIC_SAMPLED_OUT)] == [90]


def test_losses_and_faults_are_metrics() -> None:
    """Dropped operations and faults of our own are told by reason and place."""
    faults = Faults(on_first=lambda site, fault: None)
    measures, collected = Measures(5, faults=faults), Collected()
    measures.dropped("queue_full", 3)
    faults.report("somewhere", ValueError())
    exported(measures, collected)

    assert [(p.value, dict(p.attributes)) for p in collected.points(semconv.METRIC_EXPORT_DROPPED)] == [
        (3, {semconv.DROP_REASON: "queue_full"})
    ]
    assert [p.value for p in collected.points(semconv.METRIC_INTERNAL_ERRORS)] == [1]


def test_what_became_of_kept_operations_is_counted() -> None:
    """What an exporter took and what stages other than this one count goes out as counters."""
    measures, collected = Measures(5, faults=Faults()), Collected()
    measures.exported(2)
    measures.exported()
    measures.dropped("shutdown", 0)
    measures.count(semconv.METRIC_SPANS_LOST, 4, ((semconv.DROP_REASON, "too_large"),))
    exported(measures, collected)

    assert [3] == [point.value for point in collected.points(semconv.METRIC_EXPORTED)]
    assert [] == collected.points(semconv.METRIC_EXPORT_DROPPED)
    assert [4] == [point.value for point in collected.points(semconv.METRIC_SPANS_LOST)]


def test_merged_dropped_and_late_are_counted() -> None:
    """What compression merged, what a cap left out, and operations of late queries are told in sum."""
    measures, collected = Measures(5, faults=Faults()), Collected()
    measures.add(measured(reason="breach", spans_merged=40, spans_dropped=2))
    measures.add(measured(reason="breach", spans_merged=2))
    measures.add(measured(late=True))
    exported(measures, collected)

    assert (42, 2, 1) == tuple(
        collected.total(name)
        for name in (semconv.METRIC_SPANS_MERGED, semconv.METRIC_SPANS_DROPPED, semconv.METRIC_LATE)
    )


def test_verdicts_are_counted_by_kind() -> None:
    """Breaches, findings and ignored repeats are counters by what they are."""
    measures, collected = Measures(5, faults=Faults()), Collected()
    for _ in range(2):
        measures.add(measured(reason="breach", breaches=("queries", "any"), findings=("n_plus_one",) * 2))
    measures.add(measured(ignored=("code",)))
    exported(measures, collected)

    def counts(name: str, key: str) -> dict[str, int]:
        return {point.attributes[key]: point.value for point in collected.points(name)}

    assert {"queries": 2, "any": 2} == counts(semconv.METRIC_BREACHES, semconv.BREACH)
    assert {"n_plus_one": 4} == counts(semconv.METRIC_FINDINGS, semconv.FINDING_KIND)
    assert {"code": 1} == counts(semconv.METRIC_FINDINGS_IGNORED, semconv.IGNORE_RULE)


def test_value_that_no_encoder_takes_keeps_nothing_back() -> None:
    """A lone surrogate in a name or in a rule reads as a question mark, and the export goes on."""
    measures, collected = Measures(5, faults=Faults()), Collected()
    measures.add(measured("GET /\udc80", ignored=("\udc80.py",)))

    assert exported(measures, collected)
    (point,) = collected.points(semconv.METRIC_FINDINGS_IGNORED)
    assert ("GET /?", "?.py") == (point.attributes[semconv.OPERATION], point.attributes[semconv.IGNORE_RULE])


def test_series_are_told_apart_by_kind_and_status() -> None:
    """One name has a series for each kind and status it ended with, and its values are always text."""
    measures, collected = Measures(5, faults=Faults()), Collected()
    measures.add(measured())
    measures.add(measured(status="error"))
    measures.add(measured(kind="consumer", breaches=(True,)))
    exported(measures, collected)

    points = collected.points(semconv.METRIC_DURATION)
    assert {("server", "ok"), ("server", "error"), ("consumer", "ok")} == {
        (point.attributes[semconv.OPERATION_KIND], point.attributes[semconv.OPERATION_STATUS]) for point in points
    }
    assert {"True"} == {point.attributes[semconv.BREACH] for point in collected.points(semconv.METRIC_BREACHES)}


def exemplars(collected: Collected, name: str) -> list[tuple[float, int, int]]:
    """Value and ids of all exemplars of a metric."""
    return [(e.value, e.trace_id, e.span_id) for point in collected.points(name) for e in point.exemplars]


def test_exemplar_is_the_slowest_and_the_one_with_most_queries() -> None:
    """A point leads to one kept operation; ids only, and the time it ended."""
    measures, collected = Measures(5, faults=Faults()), Collected()
    measures.add(measured(reason="sampled", duration_s=0.1, queries=9, trace_id=1, span_id=10, ended_ns=5))
    measures.add(measured(reason="breach", duration_s=0.3, queries=2, trace_id=2, span_id=20, ended_ns=6))
    measures.add(measured(reason="sampled", duration_s=0.2, queries=3, trace_id=3, span_id=30, ended_ns=7))
    exported(measures, collected)

    assert [(0.3, 2, 20)] == exemplars(collected, semconv.METRIC_DURATION)
    assert [(9, 1, 10)] == exemplars(collected, semconv.METRIC_QUERIES)
    (exemplar,) = collected.points(semconv.METRIC_DURATION)[0].exemplars
    assert ({}, 6) == (exemplar.filtered_attributes, exemplar.time_unix_nano)


def test_dropped_trace_is_never_an_exemplar() -> None:
    """What was not kept, and what has no id, leads nowhere."""
    measures, collected = Measures(5, faults=Faults()), Collected()
    measures.add(measured(reason=None, trace_id=1, span_id=10))
    measures.add(measured(reason="sampled", trace_id=0, span_id=10))
    measures.add(measured(reason="sampled", trace_id=1, span_id=0))
    exported(measures, collected)

    assert [] == exemplars(collected, semconv.METRIC_DURATION) + exemplars(collected, semconv.METRIC_QUERIES)


def test_exemplar_is_of_its_own_collection() -> None:
    """Cumulative sums go on; the exemplar of an earlier collection does not."""
    measures, collected = Measures(5, cumulative=True, faults=Faults()), Collected()
    measures.add(measured(reason="sampled", duration_s=5, trace_id=1, span_id=10))
    exported(measures, collected)
    measures.add(measured(reason="sampled", duration_s=0.1, trace_id=2, span_id=20))
    exported(measures, collected)

    assert [(5, 1, 10), (0.1, 2, 20)] == exemplars(collected, semconv.METRIC_DURATION)
