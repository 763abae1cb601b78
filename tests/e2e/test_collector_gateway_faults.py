"""What a gateway loses when it is killed; that it loses nothing when it is stopped, overrun, or its backend is down."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest

from tests.e2e.collector_gateway_run import QUICK, TAIL, TICK_S, Gateway, expected, gateway
from tests.e2e.collector_gateway_steady import Lost, Steady
from tests.services.exposition import total
from tests.services.otlp_load import Load, SpanKey, Traffic
from tests.services.otlp_receiver import OtlpReceiver
from tests.services.otlp_sender import Sender, Sending
from tests.services.process import wait_until

ALL = {"sampling.ratio": 1.0}
"""Nothing is thinned, so that what is missing was lost."""
RATE = 2000.0
SLACK_S = 1.5
"""What a busy machine may add to a wait."""


@pytest.mark.soak
@pytest.mark.parametrize("record_policy", [True, False], ids=["gate", "gate-free"])
def test_what_comes_around_the_decision_is_not_lost(record_policy: bool, tmp_path: Path) -> None:
    """Parts of a trace that arrive as it is decided on: with one buffer each span is there once.

    Three buffers see them at three moments; a trace may then be in two tiers, but, on a machine that is not starved,
    never in none.
    """
    mix = {"error": 0.3, "n_plus_one": 0.2}
    load = Load(Traffic(9000, services=2, collector_decides=True, mix=mix, spread=3000, spans_per_request=50, seed=20))
    with gateway(tmp_path / "gateway", ALL | {"collector.record_policy": record_policy}) as running:
        sent = Sender(running.url, load.requests(), Sending(connections=2, spans_per_s=12_000)).run()
        running.collector.stop()
        found = running.found()

    tiers = Counter(trace for tier in found.tiers for trace in found.trace_ids(tier))
    double = sum(count > 1 for count in tiers.values())
    print(f"{double} of {len(tiers)} traces in two tiers, {found.repeated} of {sent.spans} spans twice")
    assert load.truth().all_spans == found.spans.keys()
    assert record_policy is False or (0, 0) == (double, found.repeated)


@pytest.mark.parametrize("kills", [2, pytest.param(12, marks=pytest.mark.soak)])
def test_a_kill_loses_what_waits_for_its_decision_and_no_more(kills: int, tmp_path: Path) -> None:
    """What was taken longer before a SIGKILL than the wait and one tick is there; so is all that was handed on.

    The rest is lost; nothing is there twice but what had no answer.
    """
    chance = random.Random(f"kills {kills}")
    load = Load(Traffic(1700 * kills, collector_decides=True, spans_per_request=50, seed=21))
    due_s = QUICK["collector.decision_wait_after_root_s"] + TICK_S
    ended_s: list[float] = []
    requests = handed_on = torn = 0
    with gateway(tmp_path / "gateway", ALL) as running:
        with Steady(running, load, RATE) as steady:
            for _ in range(kills):
                requests += chance.randrange(150, 170)
                steady.await_taken(requests)
                handed_on += running.handed_on()
                ended_s.append(monotonic())
                torn += running.kill()
                there = running.found_in_whole_lines(tmp_path / f"after {requests}").spans.total()
                assert handed_on <= there
                running.collector.start()
        running.collector.stop()
        found = running.found_in_whole_lines(tmp_path / "at the end")

    lost = Lost.of(steady, found, ended_s)
    print(f"{kills} kills at {RATE:.0f} spans/s, {torn} torn lines:")
    print(*lost, sep="\n")
    assert all(0 < each.spans and each.oldest_s <= due_s + SLACK_S for each in lost), lost
    assert load.truth().all_spans == set(steady.taken_s())
    assert found.repeated <= sum(steady.sent.repeated.values())


def test_a_stop_loses_nothing(tmp_path: Path) -> None:
    """At a SIGTERM, what waits is decided at once; only traces that go on after it are decided in two parts."""
    load = Load(Traffic(800, services=2, collector_decides=True, spread=150, spans_per_request=50, seed=22))
    with gateway(tmp_path / "gateway", ALL) as running:
        with Steady(running, load, RATE) as steady:
            steady.await_taken(90)
            stopped_s = monotonic()
            running.collector.stop()
            running.collector.start()
        running.collector.stop()
        found = running.found()

    taken = steady.taken_s()
    before, after = (
        {trace for (trace, _), at_s in taken.items() if (at_s <= stopped_s) is side} for side in (True, False)
    )
    tiers = Counter(trace for tier in found.tiers for trace in found.trace_ids(tier))
    split = {trace for trace, count in tiers.items() if count > 1}
    print(f"{len(before & after)} of {len(tiers)} traces went on after the stop, {len(split)} are in two tiers")
    assert load.truth().all_spans == set(taken) == found.spans.keys()
    assert found.repeated <= sum(steady.sent.repeated.values())
    assert split <= before & after


def test_more_open_traces_than_there_is_room_for_make_senders_wait(tmp_path: Path) -> None:
    """Past ``collector.traces`` requests are answered later, and nothing is dropped or decided before its time."""
    load = Load(Traffic(400, collector_decides=True, spans_per_request=40, seed=23))
    room = 100
    with gateway(tmp_path / "gateway", ALL | {"collector.traces": room}) as running:
        sender = Sender(running.url, load.requests(), Sending(connections=8))
        sent = sender.run()
        running.await_decisions(400)
        early = running.collector.metric(f"{TAIL}sampling_trace_dropped_too_early")
        running.collector.stop()
        found = running.found()

    rounds = 400 // room - 1
    assert ({200: sent.requests}, 0.0) == (dict(sent.answers), early)
    assert sent.seconds >= rounds * TICK_S, "nobody had to wait"
    assert {tier: Counter(keys) for tier, keys in expected(load, 1.0).tiers.items()} == found.tiers


@contextmanager
def with_backend(directory: Path) -> Iterator[tuple[Gateway, OtlpReceiver]]:
    """A gateway and its backend ``otlp``, whose port is still closed."""
    with OtlpReceiver() as backend:
        backend.refuse()
        with gateway(directory, ALL | {"backends.otlp_endpoint": backend.url}, ["otlp"]) as running:
            yield running, backend


def spans_at(receiver: OtlpReceiver) -> Counter[SpanKey]:
    """How often each span came to the backend."""
    return Counter((span["traceId"], span["spanId"]) for span in receiver.spans())


def queued(running: Gateway) -> float:
    """Bytes in the queues of all exporters."""
    return running.collector.metric("otelcol_exporter_queue_size")


@pytest.mark.parametrize("down_s", [10, pytest.param(60, marks=pytest.mark.soak)])
def test_a_backend_that_is_down_costs_nothing(down_s: float, tmp_path: Path) -> None:
    """While the backend is down under load, decided traces wait on disk; when it is back, each span comes once."""
    load = Load(Traffic(round(down_s * 200), collector_decides=True, spans_per_request=50, seed=24))
    spans = load.truth().all_spans
    with with_backend(tmp_path / "gateway") as (running, backend):
        down_since = monotonic()
        with Steady(running, load, len(spans) / down_s) as steady:
            assert wait_until(lambda: queued(running) > 0, 30, every=0.2), "nothing waits on disk"
        wait_until(lambda: monotonic() - down_since >= down_s, down_s)
        running.await_handed_on(len(spans))
        waited = queued(running)
        backend.listen()
        wait_until(lambda: spans_at(backend).keys() == spans, 90, every=0.5)
        wait_until(lambda: queued(running) == 0, 30, every=0.2)
        left, said = queued(running), running.collector.samples()

    print(f"{waited / 1e6:.1f} MB of {len(spans)} spans waited for {down_s} s")
    assert spans == set(steady.taken_s())
    assert Counter(spans) == spans_at(backend)
    assert waited > 100 * len(spans), "not all of it was in the queues"
    assert 0 == left
    assert 0 == total(said, "otelcol_exporter_enqueue_failed_spans", {}, absent=0)


def test_what_was_decided_survives_a_kill_while_the_backend_is_down(tmp_path: Path) -> None:
    """Decided traces are on disk: after a SIGKILL the next process sends them."""
    load = Load(Traffic(800, collector_decides=True, spans_per_request=200, seed=25))
    spans = load.truth().all_spans
    with with_backend(tmp_path / "gateway") as (running, backend):
        Sender(running.url, load.requests(), Sending(connections=2)).run()
        running.await_handed_on(len(spans))
        running.kill()
        backend.listen()
        assert not spans_at(backend)
        running.collector.start()
        wait_until(lambda: spans_at(backend).keys() == spans, 40, every=0.5)

    assert spans == spans_at(backend).keys()
