"""The memory of decisions: what it holds, and that it stays small."""

from __future__ import annotations

import random
import threading
import tracemalloc

import pytest

from otel_verein.processors.sampling.remembered import Followed, Remembered


def test_the_last_decision_on_a_trace_is_followed() -> None:
    """Kept ones have their threshold, others none."""
    memory = Remembered(10)
    memory.put(1, True, 1 << 55)
    memory.put(2, False, None)
    memory.put(3, True, None)
    memory.put(1, True, 0)

    found = [memory.get(trace) for trace in (1, 2, 3, 4)]

    assert found == [Followed(True, 0), Followed(False, None), Followed(True, None), None]


def test_what_was_sampled_out_has_no_threshold() -> None:
    """Nothing can inherit a weight from what is not there."""
    memory = Remembered(10)
    memory.put(1, False, 0)

    assert memory.get(1) == Followed(False, None)


@pytest.mark.parametrize("capacity", [1, 2, 3, 7, 100])
def test_between_half_and_all_of_the_capacity_is_remembered(capacity: int) -> None:
    """The traces that came last are there, and no more than the capacity ever are."""
    memory = Remembered(capacity)

    for trace in range(1, 1000):
        memory.put(trace, True, 0)
        last = range(max(1, trace - capacity // 2 + 1), trace + 1)
        assert all(memory.get(recent) is not None for recent in last)
        assert len(memory) <= capacity


def test_forgetting_leaves_nothing() -> None:
    """A forked child starts without the decisions of its parent."""
    memory = Remembered(10)
    for trace in range(20):
        memory.put(trace, True, 0)

    memory.forget()

    assert (len(memory), memory.get(19)) == (0, None)


def test_memory_is_flat_past_the_capacity() -> None:
    """10,000 remembered decisions never take more than 1.5 MB while 200,000 are made."""
    rng = random.Random(3)
    memory = Remembered(10_000)

    tracemalloc.start()
    try:
        for _ in range(200_000):
            memory.put(rng.getrandbits(128), rng.random() < 0.1, 0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 1_500_000


def test_threads_find_what_they_have_just_put(hasty: None) -> None:
    """4 threads put and read 20,000 traces each: what fewer than half the capacity came after is there and right."""
    memory = Remembered(2000)
    done = [0] * 4
    wrong: list[int] = []

    def work(number: int) -> None:
        for index in range(20_000):
            trace, before = number << 64 | index, sum(done)
            memory.put(trace, True, index)
            found = memory.get(trace)
            if found != Followed(True, index) and sum(done) - before < 1000 - len(done):
                wrong.append(trace)
            done[number] = index

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert wrong == []
    assert len(memory) <= 2000 + len(threads)


def test_a_thread_that_is_lost_while_it_turns_leaves_the_memory_bounded() -> None:
    """As in a child that was forked at that moment: twice the capacity at most, and the last ones there."""
    memory = Remembered(100)
    assert memory._turning.acquire(blocking=False)

    for trace in range(1000):
        memory.put(trace, True, 0)
        assert len(memory) <= 200

    assert memory.get(999) == Followed(True, 0)
