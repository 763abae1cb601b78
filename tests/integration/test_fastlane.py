"""The compiled lanes do what the general forms do, keep no reference, and can be left out."""

from __future__ import annotations

import gc
import inspect
import os
import sqlite3
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from otel_verein.faults import Faults
from otel_verein.instrumentation.drivers import fastlane
from otel_verein.instrumentation.drivers.dbapi import LedgerTracer
from otel_verein.instrumentation.drivers.table import DRIVERS
from otel_verein.ledger import UNATTRIBUTED
from otel_verein.ledger.operation import Operation
from otel_verein.ledger.record import DURATION
from tests.conftest import absent
from tests.integration.harness import Watched

SQLITE = next(driver for driver in DRIVERS if driver.name == "sqlite3")


class Unhashable(str):
    """A statement of another class, whose hash cannot be had."""

    __slots__ = ()

    def __hash__(self) -> int:
        raise ValueError("no hash")


class BadHash:
    """A parameter whose hash fails with something else than TypeError."""

    def __hash__(self) -> int:
        raise ValueError("no hash")


CALLS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "statement": (("select 1",), {}),
    "parameters": (("select ?", (1,)), {}),
    "list of parameters": (("select ?", [1]), {}),
    "dict of parameters": (("select :a", {"a": 1}), {}),
    "unhashable parameter": (("select ?", (bytearray(b"x"),)), {}),
    "hash that raises": (("select ?", (BadHash(),)), {}),
    "no parameters": (("select 1", ()), {}),
    "transaction": (("begin",), {}),
    "blank": (("",), {}),
    "syntax": (("selec",), {}),
    "no arguments": ((), {}),
    "too many": (("select 1", (), 3), {}),
    "keyword": (("select 1",), {"parameters": ()}),
    "unknown keyword": (("select 1",), {"x": 1}),
    "number": ((7,), {}),
    "str subclass": ((Unhashable("select 1"),), {}),
    "surrogate": (("select '\ud800'",), {}),
    "null byte": (("select \0",), {}),
    "long statement": ((f"select '{'x' * 20_000}'",), {}),
    "long statement with a parameter": ((f"select '{'x' * 20_000}', ?", (1,)), {}),
    "long statement, unhashable parameter": ((f"select '{'x' * 20_000}', ?", (bytearray(b"x"),)), {}),
}


@pytest.fixture
def compiled() -> None:
    """The lanes are there; where services are required they have to be."""
    if not fastlane.available():
        absent("the lanes were not compiled: no C compiler or no Python headers when the package was installed")


@pytest.fixture
def watched() -> Iterator[Watched]:
    """Operations that end in memory."""
    watched = Watched()
    yield watched
    watched.shutdown()


def cursor_class(faults: Faults, *, lanes: bool, monkeypatch: pytest.MonkeyPatch) -> type[sqlite3.Cursor]:
    """A recording cursor class, with lanes or without."""
    monkeypatch.setenv("VEREIN_FASTLANE", "on" if lanes else "off")
    tracer = LedgerTracer(SQLITE, faults)
    methods = {
        "__slots__": ("_verein",),
        "execute": tracer.recording(sqlite3.Cursor.execute, fetched=True),
        "fetchone": tracer.fetching(sqlite3.Cursor.fetchone),
        "fetchall": tracer.fetching(sqlite3.Cursor.fetchall),
    }
    return type("Cursor", (sqlite3.Cursor,), methods)


def outcome(work: Callable[[], Any]) -> tuple[str, str]:
    """What *work* gives or raises, in comparable form."""
    try:
        return "gave", repr(work())
    except Exception as raised:
        return type(raised).__qualname__, str(raised)


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize(("args", "kwargs"), CALLS.values(), ids=CALLS.keys())
def test_a_lane_does_what_the_general_form_does(
    args: tuple[Any, ...], kwargs: dict[str, Any], watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outcome, record, unattributed counts and reported faults are the same, in and outside of an operation."""
    seen = []
    for lanes in (True, False):
        faults = Faults(on_first=lambda *_: None)
        cursor = cursor_class(faults, lanes=lanes, monkeypatch=monkeypatch)(sqlite3.connect(":memory:"))
        UNATTRIBUTED.take()
        told = [outcome(lambda c=cursor: c.execute(*args, **kwargs).fetchall())]  # type: ignore[misc]
        outside = UNATTRIBUTED.take()
        with watched.tracer.start_as_current_span("operation") as span:
            told.append(outcome(lambda c=cursor: c.execute(*args, **kwargs).fetchall()))  # type: ignore[misc]
            operation = span._verein_operation  # type: ignore[attr-defined]
            records = [record[:1] + record[3:4] + record[5:] for record in operation.records]
            times = [record[1] > 0 and record[2] >= 0 for record in operation.records]
            state = dict(operation.seen), operation.failed, operation.verbs_ns > 0
        seen.append((told, outside, records, times, state, dict(faults.counts)))

    with_lanes, without = seen
    assert with_lanes == without


class Interrupted:
    """A group of folded records; Ctrl-C comes as a fetch adds its time to it."""

    @property
    def total_ns(self) -> int:
        """Not told."""
        raise KeyboardInterrupt


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("lanes", [True, False], ids=["lanes", "general form"])
def test_an_interrupt_in_the_midst_of_booking_reaches_the_application(
    lanes: bool, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no fault of ours: none is reported; the error of the call is its context."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    faults = Faults(on_first=lambda *_: None)
    cursor: Any = cursor_class(faults, lanes=lanes, monkeypatch=monkeypatch)(sqlite3.connect(":memory:"))
    with watched.tracer.start_as_current_span("operation") as span:
        cursor.execute("select 1")
        cursor._verein = [Interrupted(), *cursor._verein[1:DURATION], None, *cursor._verein[DURATION + 1 :]]
        with pytest.raises(KeyboardInterrupt):
            cursor.fetchall()
        span._verein_operation.enough = 0  # type: ignore[attr-defined]
        monkeypatch.setattr(Operation, "attend", interrupt)
        with pytest.raises(KeyboardInterrupt) as in_a_failure:
            cursor.execute("select * from nowhere")
        with pytest.raises(KeyboardInterrupt) as after_success:
            cursor.execute("select 1")

    assert (dict(faults.counts), after_success.value.__context__) == ({}, None)
    assert type(in_a_failure.value.__context__) is sqlite3.OperationalError


@pytest.mark.usefixtures("compiled")
def test_a_lane_looks_like_the_method(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name, documentation and signature are the driver's."""
    method = cursor_class(Faults(), lanes=True, monkeypatch=monkeypatch).execute

    assert type(method).__name__ == "Lane"
    assert (method.__name__, method.__doc__) == ("execute", sqlite3.Cursor.execute.__doc__)
    assert inspect.unwrap(method) is sqlite3.Cursor.execute


@pytest.mark.usefixtures("compiled")
def test_lanes_keep_nothing(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """After 40,000 calls of every common form, failing ones too, nothing is left of the second half."""
    cursor = cursor_class(Faults(), lanes=True, monkeypatch=monkeypatch)(sqlite3.connect(":memory:"))

    def work() -> None:
        with watched.tracer.start_as_current_span("operation"):
            for number in range(500):
                cursor.execute("select ?", (number,)).fetchone()
                cursor.execute("select 1").fetchall()
                cursor.fetchone()
                with pytest.raises(sqlite3.OperationalError):
                    cursor.execute("select * from nowhere")
        watched.exporter.clear()

    for _ in range(10):
        work()
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(10):
        work()
    watched.roots()
    watched.exporter.clear()
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()

    assert after - before < 200_000


def test_without_lanes_the_counts_are_the_same() -> None:
    """The general form alone passes the witness of SQLite and the test of every way to query."""
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/integration/test_witness.py", "-k", "sqlite3"],
        env=os.environ | {"VEREIN_FASTLANE": "off"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert result.returncode == 0, result.stdout
