"""What a sender books is what became of each request: taken, refused, rejected in part, or without an answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.services.otlp_load import Load, Traffic
from tests.services.otlp_receiver import OtlpReceiver, partial, status
from tests.services.otlp_sender import Sender, Sending

LOAD = Load(Traffic(traces=300, ratio=1.0, spans_per_request=100))
REQUESTS = list(LOAD.requests())
SPANS = sum(request.spans for request in REQUESTS)


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    """A receiver of this test."""
    with OtlpReceiver() as running:
        yield running


def _keys(receiver: OtlpReceiver) -> Counter[tuple[str, str]]:
    return Counter((span["traceId"], span["spanId"]) for span in receiver.spans())


def test_all_spans_are_taken_over_several_connections(receiver: OtlpReceiver) -> None:
    """Every request arrives once, and each is booked as taken with its spans."""
    sent = Sender(receiver.url, REQUESTS, Sending(connections=3)).run()

    assert {request.number: request.spans for request in REQUESTS} == sent.taken
    assert (len(REQUESTS), SPANS, SPANS) == (sent.requests, sent.spans, sent.acknowledged_spans)
    assert dict.fromkeys(LOAD.truth().all_spans, 1) == _keys(receiver)


def test_what_is_refused_is_booked_and_not_sent_again(receiver: OtlpReceiver) -> None:
    """With one attempt, an answer of 503 is the end of a request."""
    receiver.behave(status(503), status(503), status(200))

    sent = Sender(receiver.url, REQUESTS, Sending(connections=1)).run()

    assert {0: REQUESTS[0].spans, 1: REQUESTS[1].spans} == sent.refused
    assert {503: 2, 200: len(REQUESTS) - 2} == sent.answers
    assert {503: REQUESTS[0].spans + REQUESTS[1].spans, 200: sent.acknowledged_spans} == sent.answered_spans
    assert LOAD.truth(sent.taken).all_spans == _keys(receiver).keys()


def test_what_is_refused_is_sent_again_if_asked_to(receiver: OtlpReceiver) -> None:
    """An answer that allows it is followed by another attempt, with the same bytes."""
    receiver.behave(status(503), status(429), status(200))

    sent = Sender(receiver.url, REQUESTS, Sending(connections=1, attempts=3, pause_s=0.01)).run()

    assert {503: 1, 429: 1, 200: len(REQUESTS)} == sent.answers
    assert {} == sent.refused
    assert {} == sent.repeated
    assert SPANS == sent.acknowledged_spans


def test_what_is_refused_for_good_is_not_sent_again(receiver: OtlpReceiver) -> None:
    """After 400 a client must not try again."""
    receiver.behave(status(400), status(200))

    sent = Sender(receiver.url, REQUESTS, Sending(connections=1, attempts=3, pause_s=0.01)).run()

    assert {400: 1, 200: len(REQUESTS) - 1} == sent.answers
    assert {0: REQUESTS[0].spans} == sent.refused


def test_spans_that_an_answer_rejects_are_not_booked_as_taken(receiver: OtlpReceiver) -> None:
    """A request that is taken in part counts for what was taken."""
    receiver.behave(partial(7), status(200))

    sent = Sender(receiver.url, REQUESTS, Sending(connections=1)).run()

    assert REQUESTS[0].spans - 7 == sent.taken[0]
    assert (7, SPANS - 7) == (sent.rejected_spans, sent.acknowledged_spans)


def test_no_answer_leaves_open_whether_it_was_taken(receiver: OtlpReceiver) -> None:
    """Without an answer to the last attempt, a request is neither taken nor refused."""
    receiver.refuse()

    sent = Sender(receiver.url, REQUESTS[:2], Sending(connections=1, attempts=2, pause_s=0.01)).run()

    assert {request.number: request.spans for request in REQUESTS[:2]} == sent.failed
    assert {0: 4} == sent.answers
    assert (0, {}) == (sent.acknowledged_spans, sent.refused)


def test_what_is_sent_again_without_an_answer_may_be_there_twice(receiver: OtlpReceiver) -> None:
    """A request that went without an answer and was taken later is booked as repeated, too."""
    receiver.refuse()
    pauses = iter(range(2))

    def back_after_the_first_attempt() -> bool:
        if next(pauses, None) == 1:
            receiver.listen()
        return False

    sending = Sending(connections=1, attempts=50, pause_s=0.01)
    sent = Sender(receiver.url, REQUESTS[:1], sending, stop=back_after_the_first_attempt).run()

    assert {0: REQUESTS[0].spans} == sent.taken == sent.repeated
    assert {} == sent.failed


def test_a_rate_is_kept(receiver: OtlpReceiver) -> None:
    """Requests leave when they are due: the last of them after the spans before it at that rate."""
    rate = SPANS / 0.5

    sent = Sender(receiver.url, REQUESTS, Sending(connections=2, spans_per_s=rate)).run()

    assert sent.seconds >= (SPANS - REQUESTS[-1].spans) / rate
    assert SPANS == sent.acknowledged_spans


def test_sending_ends_early_if_told_to(receiver: OtlpReceiver) -> None:
    """What was not begun is not in the book."""
    asked = iter([False, True])

    sent = Sender(receiver.url, REQUESTS, Sending(connections=1), stop=lambda: next(asked, True)).run()

    assert (1, REQUESTS[0].spans) == (sent.requests, sent.spans)


def test_a_fault_of_the_load_is_raised(receiver: OtlpReceiver) -> None:
    """What making a request raises ends the sending with it."""

    def broken() -> Iterator[object]:
        yield REQUESTS[0]
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError) as told:
        Sender(receiver.url, broken(), Sending(connections=1)).run()  # type: ignore[arg-type]

    assert "no more" == str(told.value)
