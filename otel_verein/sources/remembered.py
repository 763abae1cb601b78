"""A source that gives again what it has read, as long as that stands."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeVar

from otel_verein.sources.base import ALL, Ask, Entities, Roots, Source, Statements, Steps, Tables
from otel_verein.sources.rough_size import rough_bytes
from otel_verein.sources.rows import EntityRow

if TYPE_CHECKING:
    from otel_verein.store.traces import TraceSpan

_Answer = TypeVar("_Answer")

MOST_ANSWERS: Final = 256
MOST_BYTES: Final = 128 * 1024 * 1024
"""Rough size of all that is remembered; what is larger by itself is given and forgotten."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer, since which look at the state it stands, and its rough size."""

    answer: Any
    generation: int
    bytes: int


@dataclass(frozen=True, slots=True)
class _ById:
    """Entities of one type, by their id."""

    rows: dict[str | None, tuple[EntityRow, ...]]
    notes: tuple[str, ...]


class Remembered:
    """*source*, whose answers are given again while its ``state`` is the same.

    The state is looked at once in *fresh_s* seconds at most, so that what is given may be as old as that, and no older;
    a source without a state is read again after each look. Whoever asks what is being read already waits for that, and
    has its error, too; errors are not remembered. What is remembered is bounded by number and rough size, the longest
    unused goes first; with *most_bytes* None by number alone. Thread-safe. *clock* counts seconds from anywhere, *wall*
    from the epoch.
    """

    def __init__(
        self,
        source: Source,
        fresh_s: float,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        most_bytes: int | None = MOST_BYTES,
    ) -> None:
        self._source = source
        self._fresh_s = fresh_s
        self._clock = clock
        self._wall = wall
        self._most_bytes = most_bytes
        self._lock = Lock()  # guards what is below; never held while the source is asked
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._bytes = 0
        self._flights: dict[Hashable, Future[Any]] = {}
        self._too_large: set[Hashable] = set()
        self._state: Hashable | None = None
        self._generation = 0
        self._looked_s: float | None = None
        self._as_of_s: float | None = None

    @property
    def name(self) -> str:
        """As the source is called."""
        return self._source.name

    @property
    def as_of_s(self) -> float | None:
        """When the source was last asked whether answers still stand, in epoch seconds; None before the first."""
        with self._lock:
            return self._as_of_s

    def read(self, ask: Ask = ALL) -> Tables:
        """See :class:`Source`."""
        return self._answer(("read", ask), lambda: self._source.read(ask))

    def steps(self, step_s: int, ask: Ask = ALL) -> Steps:
        """See :class:`Source`."""
        return self._answer(("steps", step_s, ask), lambda: self._source.steps(step_s, ask))

    def statements(self, ask: Ask = ALL) -> Statements:
        """See :class:`Source`."""
        return self._answer(("statements", ask), lambda: self._source.statements(ask))

    def entities(self, ask: Ask = ALL, entity_type: str | None = None, entity_id: str | None = None) -> Entities:
        """See :class:`Source`; a source that says its state is asked for all entities of a type at once.

        One whose answers are samples is not: asked for one entity, it finds more of that one.
        """
        question = ("entities", ask, entity_type, entity_id)
        if entity_id is not None and self._current()[1] is not None:
            whole = ("entities by id", ask, entity_type)
            if whole not in self._too_large:
                found = self._answer(whole, lambda: _by_id(self._source.entities(ask, entity_type)))
                return Entities(found.rows.get(entity_id, ()), found.notes)
        return self._answer(question, lambda: self._source.entities(ask, entity_type, entity_id))

    def roots(self, ask: Ask = ALL, most: int = 1000, slowest: bool = False, failed: bool = False) -> Roots:
        """See :class:`Source`."""
        return self._answer(
            ("roots", ask, most, slowest, failed), lambda: self._source.roots(ask, most, slowest, failed)
        )

    def trace(self, trace_id: str) -> tuple[TraceSpan, ...]:
        """See :class:`Source`."""
        return self._answer(("trace", trace_id), lambda: self._source.trace(trace_id))

    def state(self) -> Hashable | None:
        """The state of the source, as of *fresh_s* ago at most."""
        return self._current()[1]

    def derived(self, question: Hashable, make: Callable[[], _Answer]) -> _Answer:
        """What *make* computes from answers of this source, remembered as long as they are.

        *question* has to tell apart everything that it is computed from, such as the configuration.
        """
        return self._answer(("derived", question), make)

    def _current(self) -> tuple[int, Hashable | None]:
        """Which look at the state that differed was the last, and the state."""
        with self._lock:
            if self._looked_s is not None and self._clock() - self._looked_s < self._fresh_s:
                return self._generation, self._state
        return self._shared(("state",), self._look)

    def _look(self) -> tuple[int, Hashable | None]:
        now_s, wall_s = self._clock(), self._wall()
        state = self._source.state()
        with self._lock:
            if state is None or state != self._state:
                self._generation += 1
                self._too_large.clear()
            self._state = state
            self._looked_s, self._as_of_s = now_s, wall_s
            return self._generation, state

    def _answer(self, question: Hashable, ask: Callable[[], _Answer]) -> _Answer:
        generation = self._current()[0]
        with self._lock:
            kept = self._kept.get(question)
            if kept is not None:
                if kept.generation == generation:
                    self._kept.move_to_end(question)
                    answer: _Answer = kept.answer
                    return answer
                self._forget(question)

        def read() -> _Answer:
            answer = ask()
            self._keep(question, _Kept(answer, generation, 0 if self._most_bytes is None else rough_bytes(answer)))
            return answer

        return self._shared((generation, question), read)

    def _shared(self, flight: Hashable, act: Callable[[], _Answer]) -> _Answer:
        """What *act* gives; if another thread is at it, what it gave there."""
        while True:
            with self._lock:
                running = self._flights.get(flight)
                if running is None:
                    mine: Future[Any] = Future()
                    self._flights[flight] = mine
            if running is None:
                return self._fly(flight, mine, act)
            try:
                answer: _Answer = running.result()
                return answer
            except CancelledError:
                continue  # whoever was at it was interrupted, which is no answer for others

    def _fly(self, flight: Hashable, mine: Future[Any], act: Callable[[], _Answer]) -> _Answer:
        try:
            answer = act()
        except BaseException as fault:
            self._land(flight)
            if isinstance(fault, Exception):
                mine.set_exception(fault)
            else:
                mine.cancel()
            raise
        self._land(flight)
        mine.set_result(answer)
        return answer

    def _land(self, flight: Hashable) -> None:
        with self._lock:
            del self._flights[flight]

    def _keep(self, question: Hashable, kept: _Kept) -> None:
        with self._lock:
            most = kept.bytes if self._most_bytes is None else self._most_bytes
            if kept.bytes > most:
                self._too_large.add(question)
                return
            self._forget(question)
            self._kept[question] = kept
            self._bytes += kept.bytes
            while self._bytes > most or len(self._kept) > MOST_ANSWERS:
                self._forget(next(iter(self._kept)))

    def _forget(self, question: Hashable) -> None:
        kept = self._kept.pop(question, None)
        if kept is not None:
            self._bytes -= kept.bytes


def _by_id(entities: Entities) -> _ById:
    rows: dict[str | None, list[EntityRow]] = {}
    for row in entities.rows:
        rows.setdefault(row.entity_id, []).append(row)
    return _ById({entity: tuple(found) for entity, found in rows.items()}, entities.notes)
