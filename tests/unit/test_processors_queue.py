"""What waits for export is bounded by number and by size, and nothing is nowhere on its way."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from opentelemetry.sdk.trace import ReadableSpan

from otel_verein.processors.outbox.queue import Queue, Waiting

SPAN = ReadableSpan("a")


def operation(bytes: int, spans: int = 1) -> Waiting:
    """One operation of that estimated size."""
    return Waiting([SPAN] * spans, 1, bytes)


def test_operations_bound_it() -> None:
    """Past the number, none is taken; where one leaves there is room for one."""
    queue = Queue(2, 10_000)
    first = [queue.put(operation(1)) for _ in range(3)]
    queue.take()

    assert [True, True, False] == first
    assert [True, False] == [queue.put(operation(1)) for _ in range(2)]


def test_bytes_bound_it() -> None:
    """Past the size none is taken, but for one that would not even fit alone."""
    queue = Queue(100, 1000)
    taken = [queue.put(operation(bytes)) for bytes in (600, 600, 400)]
    sizes = queue.bytes
    while queue.take():
        pass

    assert ([True, False, True], 1000) == (taken, sizes)
    assert [True, False] == [queue.put(operation(5000)), queue.put(operation(1))]


def test_a_request_is_bounded_and_stays_until_it_is_removed() -> None:
    """By bytes and by spans; at least one operation, however large."""
    queue = Queue(100, 100_000)
    for bytes, spans in ((400, 1), (400, 1), (400, 1), (9000, 1), (10, 400), (10, 400)):
        queue.put(operation(bytes, spans))
    requests = []
    while chosen := queue.next_request(1000):
        assert chosen == queue.next_request(1000)
        queue.remove(chosen)
        requests.append([(item.bytes, len(item.spans)) for item in chosen])

    assert [[(400, 1), (400, 1)], [(400, 1)], [(9000, 1)], [(10, 400)], [(10, 400)]] == requests
    assert (0, 0) == (len(queue), queue.bytes)


def test_what_is_appended_by_many_threads_is_all_there() -> None:
    """Every operation is taken once, and the size is that of what waits."""
    queue = Queue(100_000, 10_000_000)
    done = threading.Event()
    taken: list[Waiting] = []

    def take() -> None:
        while not done.is_set() or len(queue):
            chosen = queue.next_request(1000)
            queue.remove(chosen)
            taken.extend(chosen)

    taker = threading.Thread(target=take)
    taker.start()
    with ThreadPoolExecutor(4) as pool:
        accepted = list(pool.map(lambda number: queue.put(operation(number % 100)), range(8000)))
    done.set()
    taker.join(20)

    assert {True} == set(accepted)
    assert 8000 == len({id(item) for item in taken}) == len(taken)
    assert 0 == queue.bytes


def test_an_operation_is_settled_once() -> None:
    """Of many threads that want to book it, one may."""
    item = operation(1)
    with ThreadPoolExecutor(8) as pool:
        allowed = list(pool.map(lambda _: item.settle(), range(100)))

    assert 1 == sum(allowed)
