"""Tests that stop the time do so for the application, and for nothing that we measure."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from freezegun import freeze_time
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_verein.clock import Clock
from otel_verein.config import Config
from otel_verein.config.schema import Sampling
from otel_verein.processors import VereinSpanProcessor
from otel_verein.tracing import VereinTracerProvider

LONG_AGO = "2012-01-14"
LONGEST_NS = 60 * 10**9


def test_our_clocks_go_on_while_the_time_is_stopped() -> None:
    """The application sees the date it was given; ours is today."""
    with freeze_time(LONG_AGO):
        stopped, ours = time.time_ns(), Clock.wall_ns()

    assert ours - stopped > 10 * 365 * 86_400 * 10**9


def _stop(start: Callable[[], object], end: Callable[[], object], *, at_start: bool) -> None:
    """*start* and *end*, one of them while the time is stopped."""
    frozen = freeze_time(LONG_AGO)
    if at_start:
        frozen.start()
    start()
    frozen.stop() if at_start else frozen.start()
    end()
    if not at_start:
        frozen.stop()


@pytest.mark.parametrize("at_start", [True, False], ids=["begins in it", "ends in it"])
def test_operation_that_reaches_over_the_edge_of_stopped_time_lasts_as_long_as_it_did(at_start: bool) -> None:
    """Neither a negative duration nor one of decades, and no breach of its budget."""
    exporter = InMemorySpanExporter()
    processor = VereinSpanProcessor(exporter, Config(sampling=Sampling(ratio=1.0)))
    provider = VereinTracerProvider(processor, shutdown_on_exit=False)
    started = []

    _stop(
        lambda: started.append(provider.get_tracer("test").start_span("page")),
        lambda: started[0].end(),
        at_start=at_start,
    )
    provider.shutdown()

    (page,) = exporter.get_finished_spans()
    assert page.start_time is not None
    assert page.end_time is not None
    assert 0 <= page.end_time - page.start_time < LONGEST_NS
    assert "verein.breach" not in (page.attributes or {})
