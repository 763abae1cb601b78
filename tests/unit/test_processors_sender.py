"""The way of kept operations to an exporter: split, tried again, given up, and booked once."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from otel_verein.config.schema import Export
from otel_verein.delivery import TAKEN, Delivery, Outcome
from otel_verein.faults import Faults
from otel_verein.processors.outbox.outage import Outage
from otel_verein.processors.outbox.queue import Queue, Waiting
from otel_verein.processors.outbox.sender import Sender

DOWN = Delivery(Outcome.LATER, "cannot send to http://backend: Connection refused")
EMPTY = Resource.get_empty()
TOO_LARGE = Delivery(Outcome.TOO_LARGE)
REFUSED = Delivery(Outcome.REFUSED, "cannot send to http://backend: 400 Bad Request")


class Clock:
    """A clock that is set by hand, in seconds."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Endpoint(SpanExporter):
    """Answers as *answer* says, and keeps what it took."""

    def __init__(self, answer: Callable[[Sequence[ReadableSpan]], Delivery]) -> None:
        self.answer = answer
        self.requests = 0
        self.took: list[str] = []
        self.last: Delivery | None = None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.requests += 1
        self.last = self.answer(spans)
        if self.last.outcome is not Outcome.TAKEN:
            return SpanExportResult.FAILURE
        self.took += [span.name for span in spans]
        return SpanExportResult.SUCCESS


class Books:
    """What became of operations and spans."""

    def __init__(self) -> None:
        self.left = 0
        self.lost: Counter[str] = Counter()
        self.spans: Counter[str] = Counter()

    def exported(self, operations: int) -> None:
        self.left += operations

    def dropped(self, reason: str, operations: int = 1) -> None:
        self.lost[reason] += operations

    def spans_lost(self, reason: str, spans: int) -> None:
        self.spans[reason] += spans


class Bench:
    """A sender with all that it needs."""

    def __init__(self, answer: Callable[[Sequence[ReadableSpan]], Delivery], **options: float) -> None:
        self.clock = Clock()
        self.endpoint = Endpoint(answer)
        self.books = Books()
        self.options = Export(**options)  # type: ignore[arg-type]
        self.queue = Queue(self.options.queue_operations, self.options.queue_bytes)
        outage = Outage(self.clock)
        self.sender = Sender(
            self.endpoint, self.queue, self.books, self.options, Faults(lambda *_: None), outage, self.clock
        )

    def put(self, *names: str, operations: int = 1) -> None:
        """One operation with spans of these names."""
        item = Waiting([ReadableSpan(name, resource=EMPTY) for name in names], operations, 100 * len(names))
        if not self.queue.put(item):
            self.sender.lose(item, "queue_full")


def test_what_is_taken_is_exported() -> None:
    """Operations leave in the order they ended, in one request, and count as exported."""
    bench = Bench(lambda _: TAKEN)
    bench.put("a", "b")
    bench.put("c")

    assert bench.sender.send()
    assert (["a", "b", "c"], 1) == (bench.endpoint.took, bench.endpoint.requests)
    assert (2, {}) == (bench.books.left, bench.books.lost)


def test_what_is_too_large_goes_in_halves() -> None:
    """An endpoint that takes three spans a request gets all: between operations first, then through one."""
    bench = Bench(lambda spans: TOO_LARGE if len(spans) > 3 else TAKEN)
    bench.put("a", "b")
    bench.put(*"cdefgh")
    bench.put("i")

    assert bench.sender.send()
    assert list("abcdefghi") == bench.endpoint.took
    assert (3, {}, {}) == (bench.books.left, bench.books.lost, bench.books.spans)


def test_a_span_that_is_too_large_is_lost_alone() -> None:
    """The others of its operation leave, which is exported; an operation of nothing else is dropped."""
    bench = Bench(lambda spans: TOO_LARGE if any(span.name == "huge" for span in spans) else TAKEN)
    bench.put("a", "huge", "b")
    bench.put("huge")

    assert bench.sender.send()
    assert ["a", "b"] == bench.endpoint.took
    assert (1, {"too_large": 1}, {"too_large": 2}) == (bench.books.left, bench.books.lost, bench.books.spans)


def test_what_is_refused_is_dropped_and_the_next_is_sent() -> None:
    """A request that never will be taken is not sent again."""
    answers = [REFUSED, TAKEN]
    bench = Bench(lambda _: answers.pop(0))
    bench.put("a")
    bench.sender.send()
    bench.put("b")
    bench.sender.send()

    assert (["b"], 2) == (bench.endpoint.took, bench.endpoint.requests)
    assert (1, {"export_failed": 1}) == (bench.books.left, bench.books.lost)


@pytest.mark.parametrize(("rejected", "left", "lost"), [(1, 2, {}), (3, 0, {"rejected": 2})], ids=["some", "all"])
def test_partial_success_is_counted_in_spans(rejected: int, left: int, lost: dict[str, int]) -> None:
    """Nobody says which spans were rejected; only if all were, their operations certainly are dropped."""
    bench = Bench(lambda _: TAKEN._replace(rejected=rejected))
    bench.put("a", "b")
    bench.put("c")
    bench.sender.send()

    assert (left, lost) == (bench.books.left, bench.books.lost)
    assert {"rejected": rejected} == bench.books.spans


def test_a_pause_is_waited_out() -> None:
    """While it lasts, nothing is sent; then what failed goes out first and all at once."""
    bench = Bench(lambda _: DOWN, retry_s=5)
    bench.put("a")
    bench.sender.send()
    bench.endpoint.answer = lambda _: TAKEN
    bench.put("b")
    bench.clock.now = 3.9  # a fifth of the pause is left to chance
    early = bench.sender.send()
    bench.clock.now = 6.1

    assert (False, 1) == (early, bench.endpoint.requests)
    assert bench.sender.send()
    assert ["a", "b"] == bench.endpoint.took


@pytest.mark.parametrize(("asked_s", "pause_s"), [(30.0, 30.0), (3600.0, 60.0), (0.0, 0.0)])
def test_retry_after_is_kept_to_up_to_the_longest_pause(asked_s: float, pause_s: float) -> None:
    """An endpoint says how long to wait, within bounds."""
    bench = Bench(lambda _: DOWN._replace(retry_after_s=asked_s), retry_longest_s=60)
    bench.put("a")
    bench.sender.send()

    assert bench.sender.pause_s == pause_s


def test_an_hour_of_outage_is_two_lines_and_few_requests(caplog: pytest.LogCaptureFixture) -> None:
    """Down, and up again with what was lost; the queue keeps its oldest, and every operation is booked."""
    bench = Bench(lambda _: DOWN, queue_operations=100)
    with caplog.at_level(logging.DEBUG):
        for second in range(3600):
            bench.clock.now = float(second)
            bench.put(f"operation {second}")
            bench.sender.send()
        requests = bench.endpoint.requests
        bench.endpoint.answer = lambda _: TAKEN
        bench.clock.now = 3700.0
        bench.sender.send()

    assert requests < 100
    assert ["operation 0", "operation 99"] == [bench.endpoint.took[0], bench.endpoint.took[99]]
    assert 3600 == bench.books.left + bench.books.lost["queue_full"]
    lost = bench.books.lost["queue_full"]
    assert [
        "otel-verein: cannot send to http://backend: Connection refused; telemetry waits in a bounded queue, what "
        "finds no room is dropped and counted, the application is not affected",
        f"otel-verein: telemetry leaves again; {lost} operations were dropped meanwhile",
    ] == caplog.messages


def test_an_endpoint_that_comes_and_goes_is_not_told_each_time(caplog: pytest.LogCaptureFixture) -> None:
    """An hour of one failure a second is at most two lines a minute."""
    bench = Bench(lambda _: TAKEN)
    with caplog.at_level(logging.DEBUG):
        for second in range(3600):
            bench.clock.now = float(second)
            bench.put("a")
            bench.endpoint.answer = (lambda _: REFUSED) if second % 2 else (lambda _: TAKEN)
            bench.sender.send()

    assert 2 <= len(caplog.messages) <= 120


def test_the_last_turn_tries_once_and_gives_up() -> None:
    """At exit a closed endpoint costs one request, whatever waits."""
    bench = Bench(lambda _: DOWN)
    for number in range(2000):
        bench.put(f"operation {number}")

    assert not bench.sender.send(last=True)
    assert 1 == bench.endpoint.requests
    assert (0, {"export_failed": 2000}) == (bench.books.left, bench.books.lost)


def test_what_is_given_up_while_it_is_sent_is_booked_once() -> None:
    """An exporter that returns after its time neither adds to what was exported nor to what was dropped."""
    bench = Bench(lambda _: TAKEN)

    def slow(_: Sequence[ReadableSpan]) -> Delivery:
        bench.sender.give_up("shutdown")
        return TAKEN

    bench.endpoint.answer = slow
    bench.put("a")
    bench.put("b")
    bench.sender.send()

    assert (0, {"shutdown": 2}) == (bench.books.left, bench.books.lost)


def test_late_spans_that_are_lost_count_as_spans() -> None:
    """What comes after its operation is no operation, and is no silent loss either."""
    bench = Bench(lambda _: REFUSED)
    bench.put("late", "later", operations=0)
    bench.sender.send()

    assert (0, {}, {"export_failed": 2}) == (bench.books.left, bench.books.lost, bench.books.spans)


ANSWERS = st.sampled_from([TAKEN, TAKEN, DOWN, TOO_LARGE, REFUSED, TAKEN._replace(rejected=1)])


@settings(deadline=None)  # the time is that of the log, not of the sender
@given(
    sizes=st.lists(st.integers(0, 9), max_size=30),
    answers=st.lists(ANSWERS, max_size=40),
    room=st.integers(1, 20),
)
def test_every_operation_is_booked_exactly_once(sizes: list[int], answers: list[Delivery], room: int) -> None:
    """Whatever an endpoint answers, kept = exported + dropped once the queue is empty."""
    bench = Bench(lambda _: answers.pop() if answers else TAKEN, queue_operations=room)
    for number, size in enumerate(sizes):
        bench.put(*(f"{number}.{span}" for span in range(size)))
        bench.clock.now += 7
        bench.sender.send()
    bench.sender.send(last=True)
    bench.sender.give_up("shutdown")

    assert len(sizes) == bench.books.left + bench.books.lost.total()
    assert 0 == len(bench.queue)
