"""Questions in threads: some at a time, some in line, none beyond, and nothing left of those nobody waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from threading import Event, current_thread

import pytest

from otel_verein.serving.work import Busy, Gone, Late, Work
from tests.services.process import wait_until

_LONG_S = 30.0


async def never() -> None:
    """Who asks stays."""
    await asyncio.Event().wait()


async def at_once() -> None:
    """Who asks is gone already."""


@pytest.fixture
def held() -> Iterator[Event]:
    """What questions wait for; set at the end, so that no thread stays."""
    event = Event()
    yield event
    event.set()


def _run(make: Callable[[], Awaitable[object]]) -> object:
    async def run() -> object:
        return await make()

    return asyncio.run(run())


def test_the_answer_is_what_the_question_gives_in_a_thread() -> None:
    """Not in that of the loop."""
    work = Work(1, 0)

    assert _run(lambda: work.answer(lambda: current_thread().name, _LONG_S, never)) == "verein-serve-0"


def test_what_the_question_raises_is_raised() -> None:
    """And the thread goes on to the next."""
    work = Work(1, 0)

    with pytest.raises(ZeroDivisionError):
        _run(lambda: work.answer(lambda: 1 / 0, _LONG_S, never))
    assert _run(lambda: work.answer(lambda: 7, _LONG_S, never)) == 7


def test_a_full_line_is_said_at_once(held: Event) -> None:
    """One is worked on, one waits, and the third is not taken."""
    work = Work(1, 1)

    async def ask() -> list[object]:
        first, second = (asyncio.ensure_future(work.answer(held.wait, _LONG_S, never)) for _ in range(2))
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await work.answer(held.wait, _LONG_S, never)
        held.set()
        return [await first, await second]

    assert _run(ask) == [True, True]


def test_a_question_that_takes_too_long_is_late(held: Event) -> None:
    """It keeps its thread until it is done, which counts."""
    work = Work(1, 0)

    with pytest.raises(Late):
        _run(lambda: work.answer(held.wait, 0.05, never))
    assert work.open == 1

    held.set()
    assert wait_until(lambda: work.open == 0, 10)


def test_one_in_line_that_is_late_or_alone_leaves_it(held: Event) -> None:
    """It is never worked on, and its place is free."""
    work, asked = Work(1, 1), []

    async def ask() -> None:
        first = asyncio.ensure_future(work.answer(held.wait, _LONG_S, never))
        await asyncio.sleep(0)
        with pytest.raises(Late):
            await work.answer(lambda: asked.append("late"), 0.05, never)
        with pytest.raises(Gone):
            await work.answer(lambda: asked.append("gone"), _LONG_S, at_once)
        assert work.open == 1
        held.set()
        await first

    _run(ask)
    assert (asked, wait_until(lambda: work.open == 0, 10)) == ([], True)


def test_so_many_are_worked_on_at_a_time(held: Event) -> None:
    """Two threads for two questions, and none for the third."""
    work, running = Work(2, 5), []

    def question() -> str:
        running.append(current_thread().name)
        held.wait()
        return current_thread().name

    async def ask() -> set[str]:
        tasks = [asyncio.ensure_future(work.answer(question, _LONG_S, never)) for _ in range(3)]
        while len(running) < 2:
            await asyncio.sleep(0.01)
        at_a_time = set(running)
        held.set()
        await asyncio.gather(*tasks)
        return at_a_time

    assert _run(ask) == {"verein-serve-0", "verein-serve-1"}
    assert set(running) == {"verein-serve-0", "verein-serve-1"}


def test_after_its_end_nothing_is_taken() -> None:
    """A question is told so at once."""
    work = Work(1, 1)
    work.stop()

    with pytest.raises(Busy):
        _run(lambda: work.answer(lambda: 1, _LONG_S, never))
