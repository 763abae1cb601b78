"""Threads take part in the operation that started their work, if the instrumentation of threads is there."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry.instrumentation.threading import ThreadingInstrumentor

from tests.integration.booked import NONE, Booked, late
from tests.integration.harness import Watched

pytestmark = pytest.mark.usefixtures("no_faults")


@pytest.fixture
def booked(watched: Watched) -> Booked:
    """Queries that say where they belong."""
    return Booked(watched)


@pytest.fixture
def threading_instrumented() -> Iterator[None]:
    """The upstream instrumentation of threads, during the test."""
    ThreadingInstrumentor().instrument()
    yield
    ThreadingInstrumentor().uninstrument()


def test_executor_without_instrumentation_belongs_to_no_operation(booked: Booked) -> None:
    """Queries of a pool that nobody carries the context into are counted, as belonging to none."""
    with ThreadPoolExecutor(2) as pool, booked.operation("request"):
        booked.query("request")
        list(pool.map(booked.query, [NONE] * 5))

    assert booked.witnessed() == booked.counted()


@pytest.mark.usefixtures("threading_instrumented")
def test_executor_with_instrumentation_belongs_to_the_operation_that_submits(booked: Booked) -> None:
    """Threads of a pool serve many operations; each query goes to the one that submitted it."""
    with ThreadPoolExecutor(3) as pool:
        for name in ("first", "second", "third"):
            with booked.operation(name):
                list(pool.map(booked.query, [name] * 7))

    assert booked.witnessed() == booked.counted()


@pytest.mark.usefixtures("threading_instrumented")
def test_thread_that_outlives_its_operation_books_after_its_end(booked: Booked) -> None:
    """What a thread does after the operation has ended is a late operation, not part of it."""
    ended, before = threading.Event(), threading.Event()

    def work() -> None:
        booked.query("request")
        before.set()
        ended.wait(5)
        booked.query(late("request"), 3)

    with booked.operation("request"):
        thread = threading.Thread(target=work)
        thread.start()
        before.wait(5)
    ended.set()
    thread.join()

    assert booked.witnessed() == booked.counted()


@pytest.mark.parametrize("instrumented", [False, True], ids=["plain", "instrumented"])
def test_run_in_executor_depends_on_the_instrumentation(instrumented: bool, booked: Booked) -> None:
    """asyncio's run_in_executor copies no context by itself; to_thread always does."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with booked.operation("request"):
            await loop.run_in_executor(None, booked.query, "request" if instrumented else NONE)
            await asyncio.to_thread(booked.query, "request", 2)

    if instrumented:
        ThreadingInstrumentor().instrument()
    try:
        asyncio.run(main())
    finally:
        if instrumented:
            ThreadingInstrumentor().uninstrument()

    assert booked.witnessed() == booked.counted()


def test_copied_context_is_enough(booked: Booked) -> None:
    """An application that copies the context itself needs no instrumentation."""
    with ThreadPoolExecutor(1) as pool, booked.operation("request"):
        pool.submit(contextvars.copy_context().run, booked.query, "request", 4).result()

    assert booked.witnessed() == booked.counted()
