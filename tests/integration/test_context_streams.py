"""Our wrappers around streaming responses: the context is entered per item, and the operation ends."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator

import pytest
from opentelemetry.trace import INVALID_SPAN, get_current_span

from otel_verein.instrumentation.web.streams import AsyncStream, Stream, Within, held_until_closed
from tests.integration.booked import Booked
from tests.integration.harness import Watched

pytestmark = pytest.mark.usefixtures("no_faults")


@pytest.fixture
def booked(watched: Watched) -> Booked:
    """Queries that say where they belong."""
    return Booked(watched)


class Response:
    """As much of a response as there is to hold: something that is closed, by name or not at all."""

    def __init__(self, booked: Booked) -> None:
        self._booked = booked

    def close(self) -> str:
        """Close with a query."""
        self._booked.query("request")
        return "closed"


def _parts(booked: Booked) -> Iterator[int]:
    for number in range(3):
        booked.query("request")
        yield number


def test_items_are_taken_within_the_span_and_nothing_stays_attached(booked: Booked, watched: Watched) -> None:
    """Between two items the consumer has the context it had before."""
    span = watched.tracer.start_span("request")
    taken = []
    for item in Stream(_parts(booked), span):
        taken.append((item, get_current_span() is INVALID_SPAN))
    span.end()

    assert [(0, True), (1, True), (2, True)] == taken
    assert {"request": 3} == booked.witnessed() == booked.counted()


def test_asynchronous_items_may_be_taken_in_different_tasks(
    booked: Booked, watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    """Each item in a task of its own, the last one cancelled half-way."""

    async def parts() -> AsyncIterator[int]:
        for number in range(2):
            booked.query("request")
            await asyncio.sleep(0)
            booked.query("request")
            yield number
        booked.query("request")
        await asyncio.Event().wait()

    async def main() -> list[int]:
        stream = AsyncStream(parts(), span)
        taken = [await asyncio.create_task(anext(stream)) for _ in range(2)]  # type: ignore[arg-type]
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(anext(stream), 0.01)
        assert get_current_span() is INVALID_SPAN
        return taken

    span = watched.tracer.start_span("request")
    taken = asyncio.run(main())
    span.end()

    assert [0, 1] == taken
    assert {"request": 5} == booked.witnessed() == booked.counted()
    assert [] == caplog.messages


def test_held_span_ends_when_the_response_is_closed(booked: Booked, watched: Watched) -> None:
    """Who started the span asks it to end before the stream; closing still counts, and returns what it returned."""
    span = watched.tracer.start_span("request")
    response = Response(booked)
    held_until_closed(response, span)
    span.end()
    before = booked.number_of("request")
    closed = response.close()

    assert (0, "closed", 1) == (before, closed, booked.number_of("request"))
    assert {"request": 1} == booked.witnessed() == booked.counted()


def test_held_span_of_an_abandoned_response_ends(booked: Booked, watched: Watched) -> None:
    """Nobody closes the response: its operation ends when it is freed, by reference count alone."""
    span = watched.tracer.start_span("request")
    response = Response(booked)
    held_until_closed(response, span)
    span.end()
    gc.disable()
    try:
        del response
        ended = booked.number_of("request")
    finally:
        gc.enable()

    assert 1 == ended


def test_exception_in_a_stream_passes_and_fails_the_operation(booked: Booked, watched: Watched) -> None:
    """The server gets the application's own exception; the operation is an error."""

    def parts() -> Iterator[int]:
        yield 1
        raise ValueError("on purpose")

    span = watched.tracer.start_span("request")
    with pytest.raises(ValueError, match=r"^on purpose$"):
        list(Stream(parts(), span))
    span.end()

    (root,) = watched.roots()
    assert ("error",) == root.attributes["verein.breach"]  # type: ignore[index]


def test_context_left_from_elsewhere_is_no_fault(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    """A block that is entered in one task and left in another leaves both contexts as they were."""
    within = Within(watched.tracer.start_span("request"))

    async def main() -> bool:
        async def enter() -> None:
            within.__enter__()

        async def leave() -> bool:
            within.__exit__(None, None, None)
            return get_current_span() is INVALID_SPAN

        await asyncio.create_task(enter())
        return await asyncio.create_task(leave()) and get_current_span() is INVALID_SPAN

    assert asyncio.run(main())
    assert [] == caplog.messages
