"""The topology ``agent`` when its backend is away, or too much comes: no loss is silent, memory is bounded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.collector_agent import agent
from tests.e2e.collector_stream import Backend, Stream, filed
from tests.services.otlp_load import Load, Traffic
from tests.services.otlp_sender import Sender, Sending
from tests.services.process import wait_until

RATE = 3000
OUTAGES = [pytest.param(10, id="10 s"), pytest.param(60, id="60 s", marks=pytest.mark.soak)]
SETTLE_S = 60.0
BYTES_PER_SPAN = 300
"""Less than a span of the load takes in a queue."""
MIB = 1024 * 1024
MEMORY_MIB = 128
AT_ONCE, PER_REQUEST = 64, 1000
FLOODS = [pytest.param(12_000, id="60,000 spans"), pytest.param(120_000, id="600,000", marks=pytest.mark.soak)]


@pytest.mark.parametrize("seconds", OUTAGES)
def test_a_backend_that_is_down_costs_nothing(seconds: int, tmp_path: Path) -> None:
    """While it is away all is taken and waits on disk, in view; then all of it arrives. Memory keeps to its bound."""
    memory: list[int] = []
    with Backend() as backend, agent(tmp_path, ["otlp"], options(backend)) as running:

        def watched(condition: Callable[[], bool]) -> bool:
            memory.append(running.own_memory_bytes())
            return condition()

        with Stream(running.url, RATE, seconds=3 * seconds + 60) as stream:
            assert wait_until(lambda: backend.lines("spans"), 30), "nothing arrives"
            backend.refuse()
            enough = stream.sent.spans + seconds * RATE
            assert wait_until(lambda: watched(lambda: stream.sent.spans >= enough), 2 * seconds + 30, every=0.1)
            waiting, on_disk = running.queued(), size(running.directory / "queues")
            backend.listen()
            drained = wait_until(lambda: watched(lambda: running.queued() < waiting / 10), SETTLE_S, every=0.1)
            sent = stream.end()
        taken = stream.taken()
        assert wait_until(lambda: taken <= set(backend.times()), SETTLE_S, every=0.5), "acknowledged, and lost"
        assert wait_until(lambda: running.queued() == 0, SETTLE_S), "the queue does not drain"
        refused = running.collector.metric("otelcol_receiver_refused_spans", absent=0)
        failed = running.collector.metric("otelcol_exporter_enqueue_failed_spans", absent=0)

    assert drained
    assert ({200}, 0, 0) == (set(sent.answers), refused, failed)
    assert taken == set(backend.times())
    assert seconds * RATE * BYTES_PER_SPAN <= waiting <= on_disk
    assert max(memory) <= MEMORY_MIB * MIB


def options(backend: Backend) -> dict[str, Any]:
    """Little memory, and where the spans go."""
    return {"backends.otlp_endpoint": backend.url, "collector.memory_mib": MEMORY_MIB}


@pytest.mark.parametrize("traces", FLOODS)
def test_what_is_refused_in_a_flood_is_counted_and_can_come_again(traces: int, tmp_path: Path) -> None:
    """More at once than fits in memory: the sender is told, both count the same, memory stays below twice its bound.

    What was taken is in the files; what was refused is, too, once it was sent again in calm.
    """
    load = Load(Traffic(traces=traces, ratio=1.0, spans_per_request=PER_REQUEST))
    with agent(tmp_path, options={"collector.memory_mib": MEMORY_MIB}) as running:
        flood = Sender(running.url, load.requests(), Sending(connections=AT_ONCE)).run()
        refused = running.collector.metric("otelcol_receiver_refused_spans")
        limited = running.collector.metric("otelcol_processor_memory_limiter_refused_spans", absent=0)
        accepted = running.collector.metric("otelcol_receiver_accepted_spans")
        peak = running.collector.peak_rss_bytes()
        in_flood = filed(running.otlp)
        again = (request for request in load.requests() if request.number in flood.refused)
        calm = Sender(running.url, again, Sending(connections=1, attempts=100, pause_s=0.5)).run()
    found = filed(running.otlp)

    assert {200, 503} == set(flood.answers)
    assert flood.answered_spans[503] == refused == limited > 0
    assert flood.acknowledged_spans == accepted == in_flood.spans.total()
    assert load.truth(flood.taken).all_spans == set(in_flood.spans)
    assert set(flood.refused) == set(calm.taken)
    assert (load.truth().all_spans, flood.spans) == (set(found.spans), found.spans.total())
    assert peak <= 2 * MEMORY_MIB * MIB


def size(directory: Path) -> int:
    """The bytes of all files."""
    return sum(path.stat().st_size for path in directory.iterdir())
