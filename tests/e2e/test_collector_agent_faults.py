"""The topology ``agent`` when it is killed: nothing acknowledged is lost, and little comes twice."""

from __future__ import annotations

import random
import re
import threading
from pathlib import Path

import pytest

from otel_verein.collector.mending import mend
from tests.e2e.collector_agent import Agent, agent
from tests.e2e.collector_stream import CONNECTIONS, PER_REQUEST, Backend, Stream, filed
from tests.services.process import wait_until

RATE = 3000
KILLS = [pytest.param(3, id="3 kills"), pytest.param(50, id="50 kills", marks=pytest.mark.soak)]
SETTLE_S = 60.0


@pytest.mark.parametrize("kills", KILLS)
def test_killed_in_mid_stream_files_lose_nothing(kills: int, tmp_path: Path) -> None:
    """What was acknowledged is in the files; twice is at most what had no answer: one request per connection and kill.

    A line that was cut off costs no other line.
    """
    with agent(tmp_path) as running, Stream(running.url, RATE, seconds=10 + 5 * kills) as stream:
        mended = kill(running, stream, kills, seed=7)
        sent = stream.end()
    found = filed(running.otlp)
    twice = {key for key, times in found.spans.items() if times > 1}

    assert set() == stream.taken() - set(found.spans)
    assert set() == twice - stream.unanswered()
    assert len(sent.repeated) + len(sent.failed) <= kills * CONNECTIONS
    assert found.spans.total() - len(found.spans) <= kills * CONNECTIONS * PER_REQUEST
    assert len(found.broken) <= mended


def test_a_line_that_was_cut_off_costs_no_other(tmp_path: Path) -> None:
    """Half a line at the end of a file, as a kill within a write leaves it, is one broken line after the next start."""
    with agent(tmp_path) as running, Stream(running.url, RATE, seconds=60) as stream:
        stream.await_answers(5)
        running.collector.kill()
        torn = running.otlp / "spans/short.jsonl"
        whole = torn.read_bytes().splitlines(keepends=True)
        torn.write_bytes(b"".join(whole) + whole[-1][: len(whole[-1]) // 2])
        mended = [each.path for each in mend(running.directory)]
        running.collector.start()
        stream.await_answers(5)
        stream.end()
    found = filed(running.otlp)

    assert [torn] == mended
    assert [f"short.jsonl:{len(whole) + 1}"] == found.broken
    assert set() == stream.taken() - set(found.spans)


@pytest.mark.parametrize("kills", KILLS)
def test_killed_in_mid_stream_the_queue_loses_nothing(kills: int, tmp_path: Path) -> None:
    """What was acknowledged reaches the backend; twice is what had no answer, and the batches on their way at a kill.

    Those are the requests in its queue that the collector finds at its next start without knowing what became of them.
    """
    with Backend() as backend, agent(tmp_path, ["otlp"], {"backends.otlp_endpoint": backend.url}) as running:
        with Stream(running.url, RATE, seconds=10 + 5 * kills) as stream:
            kill(running, stream, kills, seed=8)
            stream.end()
        taken = stream.taken()
        assert wait_until(lambda: taken <= set(backend.times()), SETTLE_S, every=0.5), "acknowledged, and lost"
        assert wait_until(lambda: running.queued() == 0, SETTLE_S), "the queue does not drain"
        log = running.collector.log
    times, unanswered = backend.times(), stream.unanswered()
    twice = sum(count - 1 for key, count in times.items() if key not in unanswered)
    on_their_way = sum(map(int, re.findall(r'Moved items for dispatching back to queue.*"numberOfItems": (\d+)', log)))

    assert twice <= on_their_way * PER_REQUEST
    assert set(times) <= taken | unanswered


def kill(running: Agent, stream: Stream, times: int, seed: int) -> int:
    """Kill the collector at moments of chance and start it as ``collector run`` does; how many lines had no end.

    Each kill hits a stream that flows, and after the last one it flows again.
    """
    chance, mended, never = random.Random(seed), 0, threading.Event()
    for _ in range(times):
        stream.await_answers(CONNECTIONS)
        never.wait(chance.random())
        running.collector.kill()
        mended += len(mend(running.directory))
        running.collector.start()
    stream.await_answers(CONNECTIONS)
    return mended
