"""The way out: bounded, counted, never in the way of the application."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import Any

import pytest
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_verein import semconv
from otel_verein.config import Config
from otel_verein.config.schema import Export, Limits, Sampling
from otel_verein.faults import Faults
from otel_verein.processors import VereinSampler, VereinSpanProcessor
from otel_verein.threads import OWN_THREADS
from tests.services.process import wait_until
from tests.unit.test_processors_metrics import Collected

KEEP_ALL = Config(sampling=Sampling(ratio=1.0), export=Export(interval_s=0.01, queue_operations=5, shutdown_s=0.5))


class Blocked(SpanExporter):
    """Does not return from an export until it is let go."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.go_on = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.entered.set()
        self.go_on.wait(20)
        return SpanExportResult.SUCCESS


class Broken(SpanExporter):
    """Fails as its kind says."""

    def __init__(self, raises: bool) -> None:
        self.raises = raises

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self.raises:
            raise OSError("no")
        return SpanExportResult.FAILURE


_made: list[VereinSpanProcessor] = []


@pytest.fixture(autouse=True)
def stopped() -> Iterator[None]:
    """No export thread outlives its test: it would take what later tests of this process count."""
    yield
    while _made:
        _made.pop().shutdown()


def processor(exporter: SpanExporter | None, config: Config = KEEP_ALL) -> tuple[VereinSpanProcessor, Any, Collected]:
    """A processor that exports to *exporter*, a tracer that feeds it, and its metrics."""
    metrics = Collected()
    made = VereinSpanProcessor(exporter, config, metrics, resource=Resource.get_empty(), faults=Faults(lambda *_: None))
    provider = TracerProvider(sampler=VereinSampler(config.sampling), shutdown_on_exit=False)
    provider.add_span_processor(made)
    _made.append(made)
    return made, provider.get_tracer("test"), metrics


def dropped(metrics: Collected) -> dict[str, int]:
    """Dropped operations by reason, of all exports."""
    found: dict[str, int] = {}
    for point in metrics.points(semconv.METRIC_EXPORT_DROPPED):
        reason = str(point.attributes[semconv.DROP_REASON])
        found[reason] = found.get(reason, 0) + point.value
    return found


def exported(metrics: Collected) -> int:
    """Operations that left, of all exports."""
    return sum(point.value for point in metrics.points(semconv.METRIC_EXPORTED))


def test_a_blocked_exporter_does_not_block_the_application() -> None:
    """While an export hangs, operations end at once; past the queue they are dropped and counted."""
    exporter = Blocked()
    made, tracer, metrics = processor(exporter)
    tracer.start_span("first").end()
    assert exporter.entered.wait(10)
    started = monotonic()
    for _ in range(20):
        tracer.start_span("GET /").end()
    took = monotonic() - started
    exporter.go_on.set()
    made.shutdown()

    assert took < 5
    assert dropped(metrics) == {"queue_full": 15}
    assert sum(point.value for point in metrics.points(semconv.METRIC_KEPT)) == 21


@pytest.mark.parametrize("interval_s", [0.01, 60.0], ids=["hangs-before", "hangs-at-exit"])
def test_shutdown_does_not_wait_past_its_deadline(interval_s: float) -> None:
    """An exporter that hangs before or at exit costs the configured time, not more."""
    exporter = Blocked()
    export = Export(interval_s=interval_s, shutdown_s=0.5)
    made, tracer, _ = processor(exporter, Config(sampling=Sampling(ratio=1.0), export=export))
    tracer.start_span("GET /").end()
    assert interval_s > 1 or exporter.entered.wait(10)
    started = monotonic()
    made.shutdown()
    took = monotonic() - started
    exporter.go_on.set()

    assert took < 3


@pytest.mark.parametrize("raises", [True, False])
def test_a_failing_exporter_is_counted(raises: bool) -> None:
    """Operations that an exporter refuses are dropped with the reason, by whole operation."""
    made, tracer, metrics = processor(Broken(raises))
    for _ in range(3):
        with tracer.start_as_current_span("GET /"), tracer.start_as_current_span("child"):
            pass
    made.shutdown()

    assert dropped(metrics) == {"export_failed": 3}


def test_spans_that_hang_do_not_hold_metrics_back() -> None:
    """Each has a thread: the metrics tell what is kept while no trace gets away."""
    exporter = Blocked()
    _, tracer, metrics = processor(exporter)
    tracer.start_span("GET /").end()
    assert exporter.entered.wait(10)

    told = wait_until(lambda: metrics.points(semconv.METRIC_KEPT), 10)
    exporter.go_on.set()
    assert told


def test_what_hangs_at_exit_is_counted_before_the_last_metrics() -> None:
    """What an exporter holds on to, and what waits behind it, is dropped in the metrics that go out last."""
    exporter = Blocked()
    made, tracer, metrics = processor(exporter)
    tracer.start_span("first").end()
    assert exporter.entered.wait(10)
    tracer.start_span("second").end()
    made.shutdown()
    at_exit = dropped(metrics), exported(metrics)
    exporter.go_on.set()

    assert ({"shutdown": 2}, 0) == at_exit


def test_what_ends_after_shutdown_is_dropped_at_once() -> None:
    """Nothing is queued for a thread that does not come any more."""
    exporter = InMemorySpanExporter()
    made, tracer, _ = processor(exporter)
    made.shutdown()
    tracer.start_span("late").end()

    assert () == exporter.get_finished_spans()
    assert not any("otel-verein" in thread.name and thread.is_alive() for thread in threading.enumerate())


def test_exporters_are_in_a_context_where_nothing_is_instrumented() -> None:
    """Their requests are no spans, and their queries are not counted: else every export made something to export."""
    seen: list[tuple[bool, bool]] = []

    class Curious(InMemorySpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            seen.append((is_instrumentation_enabled(), OWN_THREADS.current()))
            return super().export(spans)

    made, tracer, _ = processor(Curious())
    tracer.start_span("GET /").end()
    made.force_flush()

    assert [(False, True)] == seen
    assert (True, False) == (is_instrumentation_enabled(), OWN_THREADS.current())


def test_a_flush_in_a_signal_handler_does_not_wait_for_the_code_it_interrupts() -> None:
    """Wherever in ours a signal comes, its handler may flush; a thousand times in a busy loop."""
    exporter = InMemorySpanExporter()
    made, tracer, metrics = processor(exporter, Config(sampling=Sampling(ratio=1.0)))
    flushed: list[bool] = []
    before = signal.signal(signal.SIGALRM, lambda *_: flushed.append(made.force_flush(5000)))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
        ended = 0
        while len(flushed) < 100:
            tracer.start_span("GET /").end()
            ended += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    made.shutdown()

    assert {True} == set(flushed)
    assert ended == len(exporter.get_finished_spans()) == exported(metrics)


def test_a_forked_child_begins_with_an_empty_queue() -> None:
    """What waits in the parent is the parent's; the child exports what it does itself, on a thread of its own."""
    exporter = Blocked()
    made, tracer, metrics = processor(exporter)
    tracer.start_span("of the parent").end()
    assert exporter.entered.wait(10)
    tracer.start_span("waits in the parent").end()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        exporter.go_on.set()
        tracer.start_span("of the child").end()
        made.shutdown()
        os.write(writer, f"{exported(metrics)} {dropped(metrics)}".encode())
        os._exit(0)
    exporter.go_on.set()
    os.waitpid(child, 0)
    made.shutdown()

    assert b"1 {}" == os.read(reader, 100)
    assert (2, {}) == (exported(metrics), dropped(metrics))
    os.close(reader)
    os.close(writer)


def test_children_leave_with_their_root_or_not_at_all() -> None:
    """What is kept is the whole operation; what is sampled out leaves nothing behind."""
    exporter = InMemorySpanExporter()
    made, tracer, _ = processor(exporter)
    with tracer.start_as_current_span("GET /"), tracer.start_as_current_span("child"):
        pass
    made.force_flush()
    none, silent, _ = processor(InMemorySpanExporter(), Config(sampling=Sampling(ratio=0.0)))
    with silent.start_as_current_span("GET /"), silent.start_as_current_span("child"):
        pass
    none.force_flush()

    assert [span.name for span in exporter.get_finished_spans()] == ["GET /", "child"]
    assert {span.context.trace_state.get("ot") for span in exporter.get_finished_spans()} == {"th:0"}


def test_a_late_span_follows_its_root() -> None:
    """A child that outlives a kept root is exported, one of a root that was sampled out is not."""
    names = []
    for ratio in (1.0, 0.0):
        exporter = InMemorySpanExporter()
        made, tracer, _ = processor(exporter, Config(sampling=Sampling(ratio=ratio)))
        with tracer.start_as_current_span("GET /"):
            late = tracer.start_span("late")
        late.end()
        made.force_flush()
        names.append([span.name for span in exporter.get_finished_spans()])

    assert names == [["GET /", "late"], []]


def test_abandoned_spans_do_not_pile_up() -> None:
    """Roots that never end are given up past the cap, and counted."""
    made, tracer, metrics = processor(None, Config(limits=Limits(open_spans=100)))
    for _ in range(250):
        tracer.start_span("never ends")
    made.force_flush()

    sites = {
        point.attributes[semconv.ERROR_SITE]: point.value for point in metrics.points(semconv.METRIC_INTERNAL_ERRORS)
    }
    assert sites == {"operation.abandoned": 150}
