"""The topology ``kafka`` while gateways, agents and the broker fail: what is lost, what is there twice."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.collector_kafka_faults import LAG_S, MEMORY_MIB, Ran, Timing, running
from tests.e2e.collector_kafka_fleet import broker
from tests.e2e.collector_kafka_records import Kill, spans
from tests.services.kafka import Kafka

MIB = 1024 * 1024
TIMING = Timing(wait_s=2, commit_s=5)


@dataclass(frozen=True)
class Course:
    """What happened in one run, and what there was after it."""

    early: Kill
    """Of the first gateway, right after it had committed."""
    late: Kill
    """Of the second, longer after a commit than a decision takes."""
    stopped_s: float
    """When the first was stopped for good."""
    ran: Ran


@pytest.fixture(scope="module")
def kafka() -> Iterator[Kafka]:
    """A broker of this module."""
    with broker() as server:
        yield server


@pytest.fixture(scope="module")
def course(kafka: Kafka, tmp_path_factory: pytest.TempPathFactory) -> Course:
    """Under load two gateways were killed and came back, and one was stopped for good."""
    with running(kafka, tmp_path_factory.mktemp("course"), TIMING) as one:
        first, second = one.fleet.gateways
        with ThreadPoolExecutor() as both:
            early = both.submit(one.kill, first, 0.0)
            late = both.submit(one.kill, second, TIMING.memory_s + 0.2)
        stopped_s = time.time()
        first.stop()
        one.await_heir(second)
        return Course(early.result(), late.result(), stopped_s, one.end())


def test_killed_gateways_lose_only_what_they_had_committed_and_not_decided(course: Course) -> None:
    """What is there, without repeats, is what was sent, less what was committed and waited for its decision.

    A gateway reads again what it had read since its last commit; so the window of a kill is empty, if the commit was
    longer ago than a decision takes.
    """
    ran, memory_s = course.ran, TIMING.memory_s

    assert ran.missing <= course.early.window(ran.records, memory_s)
    assert course.late.since_commit_s > memory_s
    assert set() == course.late.window(ran.records, memory_s)
    assert ran.taken - ran.missing == set(ran.found.spans)


def test_what_is_there_twice_was_read_since_the_last_commit(course: Course) -> None:
    """Repeats are what two gateways read of the same messages, before a kill and after it, and nothing else."""
    ran = course.ran
    again = {
        key
        for kill in (course.early, course.late)
        for record in ran.records
        if kill.again(record)
        for key in record.spans
    }

    assert set() < ran.repeated <= again
    assert len(spans(ran.records)) == len(set(spans(ran.records)))


def test_the_other_gateway_goes_on_where_a_stopped_one_ended(course: Course) -> None:
    """One that is stopped decides on what it has, and commits; after the session time the other reads on from there.

    Only a trace that was on its way just then is in two parts.
    """
    ran = course.ran
    early = {trace for record in ran.records if record.time_s < course.stopped_s + LAG_S for trace, _ in record.spans}
    late = {trace for record in ran.records if record.time_s > course.stopped_s - LAG_S for trace, _ in record.spans}

    assert ran.in_two_gateways <= early & late
    assert len(ran.in_two_gateways) < len(early) / 10


@pytest.mark.parametrize(
    ("spans_per_s", "frozen_s", "down_s"),
    [pytest.param(400, 1.5, 0), pytest.param(4000, 60, 60, marks=pytest.mark.soak)],
    ids=["short", "long"],
)
def test_what_an_agent_has_taken_outlives_the_agent_and_the_broker(
    kafka: Kafka, tmp_path: Path, spans_per_s: float, frozen_s: float, down_s: float
) -> None:
    """An agent killed and back, a broker frozen, and a broker killed and back: nothing acknowledged is lost.

    What waits meanwhile is on the disks of agents, and their memory does not grow with it.
    """
    outage_s = frozen_s + down_s
    with running(kafka, tmp_path, Timing(2, 300), spans_per_s=spans_per_s, seconds=30 + outage_s) as one:
        time.sleep(0.5)
        one.fleet.agents[0].kill()
        time.sleep(0.5)
        one.fleet.agents[0].start()
        one.freeze_broker(frozen_s)
        time.sleep(0.5)
        kafka.kill()
        time.sleep(down_s)
        kafka.start()
        ran = one.end(40 + outage_s)
        peaks = [agent.peak_rss_bytes() / MIB for agent in one.fleet.agents]

    print(f"{len(ran.taken)} spans, {len(spans(ran.records)) - len(set(spans(ran.records)))} twice in Kafka")
    print(f"{ran.found.repeated} repeats in files, agents took {peaks} MiB at most")
    assert ran.taken <= set(ran.found.spans) <= ran.taken | ran.unknown
    assert max(peaks) < MEMORY_MIB


@pytest.mark.soak
def test_the_other_gateway_takes_over_from_a_killed_one(kafka: Kafka, tmp_path: Path) -> None:
    """After the session time the other reads what the killed one had not committed; nothing is lost before a commit."""
    with running(kafka, tmp_path, Timing(2, 300)) as one:
        time.sleep(5)
        first, second = one.fleet.gateways
        first.kill()
        killed_s = time.monotonic()
        one.await_heir(second)
        after_s = time.monotonic() - killed_s
        ran = one.end()

    print(
        f"taken over after {after_s:.1f} s, {len(ran.in_two_gateways)} traces in both, {ran.in_two_tiers} in two tiers"
    )
    assert ran.taken == set(ran.found.spans)


@pytest.mark.soak
@pytest.mark.parametrize(
    ("timing", "spans_per_s"),
    [(Timing(2, 6), 800), (Timing(2, 12), 800), (Timing(4, 12), 800), (Timing(2, 6), 1600)],
    ids=["2-6-800", "2-12-800", "4-12-800", "2-6-1600"],
)
def test_the_window_of_kills_at_random_moments(
    kafka: Kafka, tmp_path: Path, timing: Timing, spans_per_s: float
) -> None:
    """Of 12 kills each loses at most what was committed and waited for its decision; prints how much that was."""
    chance, seconds = random.Random(str(timing)), 12 * (2 * timing.commit_s + 8)
    with running(kafka, tmp_path, timing, spans_per_s=spans_per_s, seconds=seconds) as one:
        kills = [
            one.kill(one.fleet.gateways[number % 2], chance.uniform(0, timing.commit_s - 1)) for number in range(12)
        ]
        ran = one.end()

    _tell(kills, ran, spans_per_s / 2)
    assert ran.missing <= set().union(*(kill.window(ran.records, timing.memory_s) for kill in kills))


def _tell(kills: Sequence[Kill], ran: Ran, rate: float) -> None:
    """Print what each kill has lost; a span is lost by the first that had committed it."""
    print()
    left = set(ran.missing)
    for kill in kills:
        lost = [(record, key) for record in ran.records if kill.gone(record) for key in record.spans if key in left]
        ages = sorted(kill.at_s - record.time_s for record, _ in lost) or [0.0]
        again = sum(len(record.spans) for record in ran.records if kill.again(record))
        print(
            f"{kill.since_commit_s:5.2f} s after a commit: {len(lost):5} lost = {len(lost) / rate:4.2f} s of its rate, "
            f"aged {ages[0]:.2f} to {ages[-1]:.2f} s, {again:5} read again"
        )
        left -= {key for _, key in lost}
    counts = f"{len(ran.missing)} lost, {ran.found.repeated} repeats, {ran.in_two_tiers} in two tiers"
    print(f"{len(ran.taken)} spans: {counts}")
