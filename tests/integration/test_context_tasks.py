"""Tasks take part in the operation they were started in until it ends, and not one query longer."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy.util import await_only, greenlet_spawn

from tests.integration.booked import Booked, late
from tests.integration.harness import Watched

pytestmark = pytest.mark.usefixtures("no_faults")


@pytest.fixture
def booked(watched: Watched) -> Booked:
    """Queries that say where they belong."""
    return Booked(watched)


async def _query(booked: Booked, name: str, number: int = 1) -> None:
    await asyncio.sleep(0)
    booked.query(name, number)


def test_awaited_tasks_belong_to_the_operation_that_made_them(booked: Booked) -> None:
    """create_task and gather, of several operations that take turns in one loop."""

    async def request(name: str) -> None:
        with booked.operation(name):
            task = asyncio.create_task(_query(booked, name, 2))
            await asyncio.gather(*(_query(booked, name) for _ in range(5)))
            await task

    async def main() -> None:
        await asyncio.gather(*(request(f"request {number}") for number in range(20)))

    asyncio.run(main())

    assert 20 * 7 == sum(booked.witnessed().values())
    assert booked.witnessed() == booked.counted()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.TaskGroup came with Python 3.11")
def test_task_group_belongs_to_the_operation_around_it(booked: Booked) -> None:
    """The tasks of a group, also when one of them fails and the others are cancelled."""

    async def fail() -> None:
        booked.query("request")
        raise ValueError("on purpose")

    async def main() -> None:
        with booked.operation("request"):
            async with asyncio.TaskGroup() as group:
                for _ in range(4):
                    group.create_task(_query(booked, "request"))
            with pytest.raises(BaseException, match="unhandled errors"):
                async with asyncio.TaskGroup() as group:
                    group.create_task(fail())
            booked.query("request")

    asyncio.run(main())

    assert {"request": 6} == booked.witnessed() == booked.counted()


def test_task_fired_as_last_line_is_late(booked: Booked) -> None:
    """A task that begins after its operation has ended is an operation of its own."""
    running: list[asyncio.Task[None]] = []

    async def main() -> None:
        with booked.operation("request"):
            booked.query("request")
            running.append(asyncio.create_task(_query(booked, late("request"), 3)))
        await running[0]

    asyncio.run(main())

    assert {"request": 1, late("request"): 3} == booked.witnessed() == booked.counted()


def test_worker_started_by_a_request_books_nothing_to_it_after_its_end(booked: Booked) -> None:
    """A lazy worker keeps the context of the first request; the hundred that follow are their own."""

    async def worker(queue: asyncio.Queue[int]) -> None:
        while True:
            number = await queue.get()
            booked.query("first" if number == 0 else late("first"))
            queue.task_done()

    async def main() -> None:
        queue: asyncio.Queue[int] = asyncio.Queue()
        with booked.operation("first"):
            task = asyncio.create_task(worker(queue))
            queue.put_nowait(0)
            await queue.join()
        for number in range(1, 101):
            with booked.operation(f"request {number}"):
                booked.query(f"request {number}", 2)
                queue.put_nowait(number)
                await queue.join()
        task.cancel()

    asyncio.run(main())

    assert (1, 100) == (booked.witnessed()["first"], booked.witnessed()[late("first")])
    assert booked.witnessed() == booked.counted()


def test_cancelled_operation_ends_with_what_it_did(booked: Booked) -> None:
    """A request that is cancelled in the middle counts what it ran, its clean-up too; the next one is its own."""

    async def request() -> None:
        with booked.operation("cancelled"):
            booked.query("cancelled")
            try:
                await asyncio.Event().wait()
            finally:
                booked.query("cancelled", 2)

    async def main() -> None:
        task = asyncio.create_task(request())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with booked.operation("next"):
            booked.query("next")

    asyncio.run(main())

    assert {"cancelled": 3, "next": 1} == booked.witnessed() == booked.counted()


def test_timeout_within_an_operation_stays_in_it(booked: Booked) -> None:
    """wait_for may run its coroutine in a task of its own, and cancels it."""

    async def slow() -> None:
        booked.query("request")
        try:
            await asyncio.Event().wait()
        finally:
            booked.query("request")

    async def main() -> None:
        with booked.operation("request"):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(slow(), 0.01)
            booked.query("request")

    asyncio.run(main())

    assert {"request": 3} == booked.witnessed() == booked.counted()


def test_generator_queries_belong_to_whoever_takes_its_items(booked: Booked) -> None:
    """A generator has no context of its own: opened in one operation and taken on in another, it runs in that one."""

    def items(names: list[str]) -> Iterator[None]:
        for name in names:
            booked.query(name)
            yield

    generator = items(["first", "second", "second"])
    with booked.operation("first"):
        next(generator)
    with booked.operation("second"):
        list(generator)

    assert {"first": 1, "second": 2} == booked.witnessed() == booked.counted()


def test_asynchronous_generator_closed_in_another_task(booked: Booked, caplog: pytest.LogCaptureFixture) -> None:
    """It is closed within the operation of the task that closes it, and nobody complains about contexts."""

    async def items() -> AsyncIterator[int]:
        try:
            booked.query("first")
            yield 1
            booked.query("never")
            yield 2
        finally:
            booked.query("second")

    async def main() -> None:
        generator = items()
        with booked.operation("first"):
            await anext(generator)

        async def close() -> None:
            with booked.operation("second"):
                await generator.aclose()

        await asyncio.create_task(close())

    asyncio.run(main())

    assert {"first": 1, "second": 1} == booked.witnessed() == booked.counted()
    assert [] == caplog.messages


def test_greenlets_of_sqlalchemy_belong_to_the_operation_that_spawns_them(booked: Booked) -> None:
    """The synchronous half of SQLAlchemy's asyncio runs in a greenlet, which takes turns with other requests."""

    def work(name: str) -> None:
        for _ in range(3):
            booked.query(name)
            await_only(asyncio.sleep(0))
        booked.query(name)

    async def request(name: str) -> None:
        with booked.operation(name):
            await greenlet_spawn(work, name)

    async def main() -> None:
        await asyncio.gather(*(request(f"request {number}") for number in range(10)))

    asyncio.run(main())

    assert {f"request {number}": 4 for number in range(10)} == booked.witnessed() == booked.counted()
