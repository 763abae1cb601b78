"""A source that remembers: when it reads again, how much it keeps, and what several askers see."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from threading import Event, Thread
from typing import Any

import pytest

from otel_verein.errors import SourceError
from otel_verein.sources.base import ALL, Ask, Entities, Roots, Statements, Steps, Tables
from otel_verein.sources.remembered import Remembered
from otel_verein.sources.rough_size import rough_bytes
from otel_verein.sources.rows import EntityRow
from otel_verein.store.traces import TraceSpan
from tests.services.process import wait_until

ROW = EntityRow("shop", "GET /", "member", "M-1", 4, 0, 1, 4, 1.0, 0.5, 6, ((1, 4.0),), 8, 3, 0.2, None, None)


@dataclass
class Place:
    """A source in memory that counts what it is asked, and can fail or wait."""

    name: str = "place"
    marker: Hashable | None = 1
    asked: list[Any] = field(default_factory=list)
    before: Callable[[], None] = lambda: None
    rows: tuple[EntityRow, ...] = (ROW, replace(ROW, entity_id="M-2"))

    def _said(self, *question: Any) -> Tables:
        self.asked.append(question)
        self.before()
        return Tables(notes=(f"reading {len(self.asked)}",))

    def read(self, ask: Ask = ALL) -> Tables:
        return self._said("read", ask)

    def steps(self, step_s: int, ask: Ask = ALL) -> Steps:
        return Steps(step_s, notes=self._said("steps", step_s, ask).notes)

    def statements(self, ask: Ask = ALL) -> Statements:
        return Statements(notes=self._said("statements", ask).notes)

    def entities(self, ask: Ask = ALL, entity_type: str | None = None, entity_id: str | None = None) -> Entities:
        notes = self._said("entities", ask, entity_type, entity_id).notes
        return Entities(tuple(row for row in self.rows if entity_id in (None, row.entity_id)), notes)

    def roots(self, ask: Ask = ALL, most: int = 1000, slowest: bool = False, failed: bool = False) -> Roots:
        return Roots(notes=self._said("roots", ask, most, slowest).notes)

    def trace(self, trace_id: str) -> tuple[TraceSpan, ...]:
        self._said("trace", trace_id)
        return ()

    def state(self) -> Hashable | None:
        return self.marker


class Ticking:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Halt:
    """What a reading runs into: it goes on when it may, and then fails with *fault* where there is one."""

    def __init__(self, fault: BaseException | None = None) -> None:
        self.reached, self.go_on, self.fault = Event(), Event(), fault

    def __call__(self) -> None:
        self.reached.set()
        assert self.go_on.wait(20)
        if self.fault is not None:
            raise self.fault


@pytest.fixture
def clock() -> Ticking:
    """The clock of the test."""
    return Ticking()


def remembered(place: Place, clock: Ticking, fresh_s: float = 5.0, **bounds: Any) -> Remembered:
    """*place*, remembered by the clock of the test, whose time is also that of the wall."""
    return Remembered(place, fresh_s, clock, clock, **bounds)


def somebody_waits(source: Remembered) -> bool:
    """Whether one waits for the reading of another."""
    return any(each._condition._waiters for each in list(source._flights.values()))  # type: ignore[attr-defined]


ASKING: dict[str, Callable[[Remembered], object]] = {
    "read": lambda source: source.read(),
    "steps": lambda source: source.steps(60),
    "statements": lambda source: source.statements(),
    "entities": lambda source: source.entities(ALL, "member"),
    "roots": lambda source: source.roots(ALL, 5, slowest=True),
    "trace": lambda source: source.trace("a" * 32),
}


@pytest.mark.parametrize("question", ASKING)
def test_same_state_gives_the_same_answer(question: str, clock: Ticking) -> None:
    """While the state is equal nothing is read again, however much time goes by."""
    place = Place()
    source = remembered(place, clock)
    first = ASKING[question](source)
    clock.now += 1_000

    assert (first, 1) == (ASKING[question](source), len(place.asked))


@pytest.mark.parametrize("question", ASKING)
def test_another_state_is_read_again(question: str, clock: Ticking) -> None:
    """A state that differs makes every answer be read again, once it is not fresh any more."""
    place = Place()
    source = remembered(place, clock)
    ASKING[question](source)
    place.marker = 2
    clock.now += 5.0
    ASKING[question](source)

    assert 2 == len(place.asked)


def test_fresh_answer_stands_though_the_state_differs(clock: Ticking) -> None:
    """Within fresh_s of the last look at the state an answer is given again without another."""
    place = Place()
    source = remembered(place, clock)
    source.read()
    place.marker = 2
    clock.now += 4.9
    source.read()

    assert 1 == len(place.asked)


def test_nothing_fresh_is_kept_with_no_time_to_be(clock: Ticking) -> None:
    """With fresh_s = 0 only the state says whether an answer stands."""
    place = Place()
    source = remembered(place, clock, fresh_s=0.0)
    source.read()
    source.read()
    place.marker = 2
    source.read()

    assert 2 == len(place.asked)


def test_source_without_a_state_is_remembered_while_fresh(clock: Ticking) -> None:
    """Where nothing tells whether an answer stands it stands for fresh_s, and no longer."""
    place = Place(marker=None)
    source = remembered(place, clock)
    source.read()
    clock.now += 4.9
    source.read()
    within = len(place.asked)
    clock.now += 0.2
    source.read()

    assert (1, 2) == (within, len(place.asked))


def test_change_during_a_reading_is_noticed(clock: Ticking) -> None:
    """The state is taken before the reading: what changes meanwhile is read again."""
    place = Place()
    source = remembered(place, clock)
    place.before = lambda: setattr(place, "marker", 2)
    source.read()
    place.before = lambda: None
    clock.now += 5.0
    source.read()

    assert 2 == len(place.asked)


def test_different_questions_are_different_answers(clock: Ticking) -> None:
    """Each window, step and number is a question of its own."""
    place = Place()
    source = remembered(place, clock)
    asks = (ALL, Ask(start_ns=1), Ask(operation="GET *"))
    notes = {source.read(ask).notes for ask in asks} | {source.steps(60).notes, source.steps(3600).notes}

    assert 5 == len(notes)


def test_errors_are_not_remembered(clock: Ticking) -> None:
    """What fails is asked again by the next one."""
    place = Place()
    source = remembered(place, clock)

    def fail() -> None:
        raise SourceError("place: is away")

    place.before = fail
    with pytest.raises(SourceError, match="place: is away"):
        source.read()
    place.before = lambda: None

    assert ("reading 2",) == source.read().notes


def test_failing_state_is_an_error(clock: Ticking) -> None:
    """A place whose state cannot be read gives no answer from memory once that is not fresh."""
    source = remembered(Place(), clock)
    source.read()
    clock.now += 5.0
    broken = Place()
    source._source = broken

    def fail() -> Hashable:
        raise SourceError("place: the journal cannot be read")

    broken.state = fail  # type: ignore[method-assign]
    with pytest.raises(SourceError, match="the journal cannot be read"):
        source.read()


def test_those_who_ask_together_share_one_reading(clock: Ticking) -> None:
    """Of many askers one reads; the others wait for it and have its answer."""
    halt = Halt()
    place = Place(before=halt)
    source = remembered(place, clock)
    answers: list[Tables] = []
    askers = [Thread(target=lambda: answers.append(source.read())) for _ in range(8)]
    askers[0].start()
    assert halt.reached.wait(20)
    for asker in askers[1:]:
        asker.start()
    halt.go_on.set()
    for asker in askers:
        asker.join(20)

    assert ([("read", ALL)], 8, 1) == (place.asked, len(answers), len(set(map(id, answers))))


def test_those_who_wait_have_the_error_too(clock: Ticking) -> None:
    """A place that is down is asked once for all who wait, not once by each."""
    halt = Halt(SourceError("place: is away"))
    place = Place(before=halt)
    source = remembered(place, clock)
    told: list[str] = []

    def ask() -> None:
        try:
            source.read()
        except SourceError as fault:
            told.append(str(fault))

    first, second = Thread(target=ask), Thread(target=ask)
    first.start()
    assert halt.reached.wait(20)
    second.start()
    assert wait_until(lambda: somebody_waits(source), 20)
    halt.go_on.set()
    first.join(20)
    second.join(20)

    assert (["place: is away"] * 2, 1) == (told, len(place.asked))


def test_interrupted_reading_is_taken_up_by_who_waits(clock: Ticking) -> None:
    """An interrupt of one thread is no answer for another, which then reads itself."""
    halt = Halt(KeyboardInterrupt())
    place = Place(before=halt)
    source = remembered(place, clock)
    answers: list[Tables] = []

    def ask_and_be_interrupted() -> None:
        with pytest.raises(KeyboardInterrupt):
            source.read()

    first, second = Thread(target=ask_and_be_interrupted), Thread(target=lambda: answers.append(source.read()))
    first.start()
    assert halt.reached.wait(20)
    second.start()
    assert wait_until(lambda: somebody_waits(source), 20)
    place.before = lambda: None
    halt.go_on.set()
    first.join(20)
    second.join(20)

    assert [("reading 2",)] == [answer.notes for answer in answers]


def test_derived_is_made_once_and_again_with_another_state(clock: Ticking) -> None:
    """What is computed from answers stands as long as they do, and by its question."""
    place, made = Place(), []
    source = remembered(place, clock)

    def make() -> tuple[str, ...]:
        made.append(source.read().notes)
        return made[-1]

    same = [source.derived("health", make), source.derived("health", make), source.derived("other", make)]
    place.marker = 2
    clock.now += 5.0
    again = source.derived("health", make)

    assert ([("reading 1",)] * 3, ("reading 2",), 3) == (same, again, len(made))


def test_readings_of_different_questions_go_side_by_side(clock: Ticking) -> None:
    """A slow question keeps no other from its answer."""
    halt = Halt()
    place = Place(before=halt)
    source = remembered(place, clock)
    slow = Thread(target=source.read)
    slow.start()
    assert halt.reached.wait(20)
    place.before = lambda: None
    answer = source.statements()
    halt.go_on.set()
    slow.join(20)

    assert ("reading 2",) == answer.notes


def test_entities_of_a_type_are_read_once_for_all(clock: Ticking) -> None:
    """A second entity costs no reading, and each has its own rows and nothing of others."""
    place = Place()
    source = remembered(place, clock)
    found = [source.entities(ALL, "member", entity).rows for entity in ("M-1", "M-2", "M-3")]

    assert ([(place.rows[0],), (place.rows[1],), ()], [("entities", ALL, "member", None)]) == (found, place.asked)


def test_entity_of_a_source_without_state_is_asked_for_itself(clock: Ticking) -> None:
    """A source that samples finds more of one entity when it is asked for that one."""
    place = Place(marker=None)
    remembered(place, clock).entities(ALL, "member", "M-1")

    assert [("entities", ALL, "member", "M-1")] == place.asked


def test_entities_that_are_too_many_are_asked_for_singly(clock: Ticking) -> None:
    """What does not fit is read once in vain, and never again as a whole."""
    place = Place(rows=tuple(replace(ROW, entity_id=f"M-{number}") for number in range(500)))
    source = remembered(place, clock, most_bytes=20_000)
    for entity in ("M-1", "M-2", "M-2"):
        source.entities(ALL, "member", entity)

    assert [None, "M-2"] == [question[3] for question in place.asked]


def test_the_longest_unused_goes_first(clock: Ticking) -> None:
    """Past the bytes that may be kept the answer goes that was not asked for the longest time."""
    place = Place()
    one = rough_bytes(Tables(notes=("reading 1",)))
    source = remembered(place, clock, most_bytes=2 * one + one // 2)
    first, second, third = Ask(start_ns=1), Ask(start_ns=2), Ask(start_ns=3)
    for ask in (first, second, first, third, first, second):
        source.read(ask)

    assert [1, 2, 3, 2] == [question[1].start_ns for question in place.asked]


def test_answers_are_bounded_in_number(clock: Ticking, monkeypatch: pytest.MonkeyPatch) -> None:
    """However small they are, so many are kept and no more."""
    monkeypatch.setattr("otel_verein.sources.remembered.MOST_ANSWERS", 3)
    source = remembered(Place(), clock)
    for number in range(10):
        source.read(Ask(start_ns=number))

    assert 3 == len(source._kept)


def test_as_of_says_when_the_source_was_looked_at(clock: Ticking) -> None:
    """Answers stand as of the last look at the state, not as of when they were read."""
    source = remembered(Place(), clock)
    before = source.as_of_s
    source.read()
    clock.now += 7.0
    source.read()
    clock.now += 1.0
    source.read()

    assert (None, 107.0) == (before, source.as_of_s)


def test_rough_size_follows_what_is_held() -> None:
    """A thousand rows are about a thousand times one row, and a longer text is longer."""
    one, many = rough_bytes((ROW,)), rough_bytes((ROW,) * 1000)

    assert 900 < many / one < 1000
    assert 1000 == rough_bytes("a" * 1010) - rough_bytes("a" * 10)
