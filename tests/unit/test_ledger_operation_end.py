"""The end of an operation: what races with it is counted once, in it or after it."""

from __future__ import annotations

import random
import signal
import sys
import threading
from collections.abc import Iterator
from time import perf_counter
from types import FrameType
from typing import Any

import pytest

from otel_verein.config import Config
from otel_verein.config.schema import Limits
from otel_verein.ledger import Ledger, Operation
from otel_verein.ledger.record import RecordFields, add_fetch
from tests.unit.operations import a_record, a_span, an_operation, ended

STATEMENT = "select name from author where id = ?"


def test_queries_that_race_with_the_end_are_counted_once(hasty: None) -> None:
    """Four threads append while the operation closes, 200 times: in the operation plus late is all there was."""
    outcomes = [_race() for _ in range(200)]

    assert [400] * 200 == [inside + late for inside, late in outcomes]
    assert any(inside and late for inside, late in outcomes)


def _race() -> tuple[int, int]:
    late: list[RecordFields] = []
    root = a_span()
    operation = Operation(root, Ledger(Config(), lambda _, record: late.append(record)))
    ready = threading.Barrier(5)

    def append() -> None:
        ready.wait()
        for number in range(100):
            operation.append(a_record(operation, STATEMENT, at_ns=number, parent=root))

    threads = [threading.Thread(target=append) for _ in range(4)]
    for thread in threads:
        thread.start()
    ready.wait()
    while not operation.records:  # let them begin, so that the end falls among them
        pass
    operation.close()
    inside = operation.totals().queries
    for thread in threads:
        thread.join()
    return inside, len(late)


def test_a_query_after_the_end_is_late() -> None:
    """A closed operation takes nothing: the record goes to whoever takes late ones."""
    late: list[tuple[Operation, RecordFields]] = []
    root = a_span()
    operation = Operation(root, Ledger(Config(), lambda of, record: late.append((of, record))))
    operation.close()

    record = a_record(operation, STATEMENT, parent=root)
    operation.append(record)

    assert [(operation, record)] == late
    assert operation.totals().queries == 0


def test_fetch_time_is_the_statements() -> None:
    """What fetching took is database time of the statement, before and after its record was folded."""
    operation = an_operation()
    kept = a_record(operation, STATEMENT, took_ns=1000)
    operation.append(kept)
    add_fetch(kept, 500)
    for number in range(2000):  # past the cap of 1000 records
        operation.append(a_record(operation, STATEMENT, at_ns=number, took_ns=1))
    add_fetch(kept, 250)

    totals = ended(operation).totals()

    assert (2001, 1000 + 500 + 250 + 2000) == (totals.queries, totals.db_duration_ns)


def test_a_query_that_another_thread_folds_at_once_is_no_fault() -> None:
    """Between the append of a query and the look at its stack another thread may fold it: it stays counted."""
    operation = an_operation(Config(limits=Limits(records_per_operation=20)))
    record = a_record(operation, STATEMENT)
    operation.append(record)
    for number in range(30):
        operation.append(a_record(operation, f"select c{number} from t"))

    operation.attend(record, operation.enough)  # as its thread does when it comes to it at last

    assert ended(operation).totals().queries == 31
    assert operation.call_sites == {}


class _Interrupting(list[RecordFields]):
    """Records; reading the fifth of them for a fold is interrupted, as Ctrl-C may do it."""

    interrupt = True

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return _interrupted(found) if self.interrupt and isinstance(index, slice) else found


def _interrupted(records: list[RecordFields]) -> Iterator[RecordFields]:
    yield from records[:5]
    raise KeyboardInterrupt


def test_an_interrupted_fold_loses_nothing() -> None:
    """Ctrl-C in the midst of a fold reaches the application; the operation still ends with all its queries."""
    operation = an_operation(Config(limits=Limits(records_per_operation=20)))
    records = operation.records = _Interrupting()

    def append_all() -> None:
        for number in range(40):
            operation.append(a_record(operation, STATEMENT, at_ns=number, took_ns=10, parameters=number))

    with pytest.raises(KeyboardInterrupt):
        append_all()
    records.interrupt = False
    operation.append(a_record(operation, STATEMENT, at_ns=100, took_ns=10, parameters=100))

    totals = ended(operation).totals()
    (group,) = operation.groups()
    assert (21, 210, 21) == (totals.queries, totals.db_duration_ns, group.count)


@pytest.mark.skipif(
    sys.version_info < (3, 11),
    reason="3.10 looks at signals between any two instructions: a Ctrl-C in the midst of a fold may miscount one query",
)
def test_a_fold_may_be_interrupted_anywhere() -> None:
    """A hundred interrupts at whatever place of a fold: every query counts once, in the totals and in the trace."""
    operation = an_operation(Config(limits=Limits(records_per_operation=20)))
    interrupts = appended = 0

    def interrupt(_: int, frame: FrameType | None) -> None:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 1e-3))
        while frame is not None:
            if frame.f_code is Operation._fold.__code__:
                raise KeyboardInterrupt
            frame = frame.f_back

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 1e-3)
    try:
        while interrupts < 100:
            record = a_record(operation, f"select c{appended % 3} from t", at_ns=appended, took_ns=7)
            appended += 1
            try:
                operation.append(record)
            except KeyboardInterrupt:
                interrupts += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    totals = ended(operation).totals()
    assert (appended, appended * 7) == (totals.queries, totals.db_duration_ns)
    groups = operation.groups()
    assert appended == sum(group.count for group in groups)
    for group in groups:
        assert group.spread is not None
        assert group.count == group.spread.count + len(group.held) + len(group.records)


def test_a_lock_that_an_interrupt_left_taken_does_not_hang_the_end() -> None:
    """Whoever was interrupted between taking the lock and giving it back will not give it back."""
    operation = an_operation()
    operation.append(a_record(operation, STATEMENT))
    operation._lock.acquire()
    begun = perf_counter()

    totals = ended(operation).totals()

    assert totals.queries == 1
    assert perf_counter() - begun < 5
