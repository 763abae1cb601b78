"""Questions that are worked on: some at a time in threads, some in line, and no more."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from threading import Condition, Thread
from typing import Any, TypeVar

_Answer = TypeVar("_Answer")


class Busy(Exception):
    """As many questions as there may be are waiting already."""


class Late(Exception):
    """The answer was not there in time."""


class Gone(Exception):
    """Whoever asked is not there any more."""


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    question: Callable[[], Any]
    answer: Future[Any] = field(default_factory=Future)


class Work:
    """*workers* threads, and a line of *waiting* questions before them.

    A question that nobody waits for any more leaves the line. One that is being worked on cannot be stopped: it keeps
    its thread until it is done, and its answer is dropped. Threads end with the process; they start with the first
    question.
    """

    def __init__(self, workers: int, waiting: int) -> None:
        self._changed = Condition()  # guards all below; never held while a question is answered
        self._line: deque[_Job] = deque()
        self._running = 0
        self._workers = workers
        self._waiting = waiting
        self._threads: list[Thread] = []
        self._stopped = False

    @property
    def open(self) -> int:
        """How many questions are waiting or worked on."""
        with self._changed:
            return self._running + len(self._line)

    async def answer(
        self, question: Callable[[], _Answer], limit_s: float, gone: Callable[[], Awaitable[object]]
    ) -> _Answer:
        """What *question* gives in a thread, or raises there.

        Raises Busy when the line is full, Late after *limit_s*, and Gone when *gone* ends first.
        """
        job = self._enter(question)
        waiting = asyncio.wrap_future(job.answer)
        left = asyncio.ensure_future(gone())
        try:
            await asyncio.wait({waiting, left}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                answer: _Answer = waiting.result()
                return answer
            raise Gone if left.done() else Late
        finally:
            left.cancel()
            waiting.cancel()
            self._leave(job)

    def stop(self) -> None:
        """Take no more questions; the threads end as they get done."""
        with self._changed:
            self._stopped = True
            self._line.clear()
            self._changed.notify_all()

    def _enter(self, question: Callable[[], Any]) -> _Job:
        job = _Job(question)
        with self._changed:
            if self._stopped or self._running + len(self._line) >= self._workers + self._waiting:
                raise Busy
            self._line.append(job)
            if len(self._threads) < self._workers and self._running + len(self._line) > len(self._threads):
                name = f"verein-serve-{len(self._threads)}"
                self._threads.append(Thread(target=self._work, name=name, daemon=True))
                self._threads[-1].start()
            self._changed.notify()
        return job

    def _leave(self, job: _Job) -> None:
        with self._changed:
            if job in self._line:
                self._line.remove(job)

    def _work(self) -> None:
        while (job := self._next()) is not None:
            tell = _asked(job) if job.answer.set_running_or_notify_cancel() else None
            with self._changed:
                self._running -= 1  # before whoever waits hears of it, and asks the next
            if tell is not None:
                tell()
            del job, tell  # an idle thread holds no answer

    def _next(self) -> _Job | None:
        with self._changed:
            while not self._line:
                if self._stopped:
                    return None
                self._changed.wait()
            self._running += 1
            return self._line.popleft()


def _asked(job: _Job) -> Callable[[], None]:
    """What tells whoever waits for the job what came of it."""
    try:
        answer = job.question()
    except BaseException as fault:  # noqa: BLE001 - whoever waits for it has to hear of any
        return partial(job.answer.set_exception, fault)
    return partial(job.answer.set_result, answer)
