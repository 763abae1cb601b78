"""oracledb without a server: what can be said of the hook where every call ends in "not connected".

No Oracle server can be had for these tests: the driver is hooked, its counts are not witnessed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import absent
from tests.integration.harness import Watched
from tests.integration.outcomes import outcome
from tests.integration.test_drivers_unchanged import bare_and_hooked

try:
    import oracledb
except ImportError as missing:  # pragma: no cover - only where the driver is not installed
    absent(f"oracledb cannot be imported: {missing}")

FORMS: dict[str, Callable[[Any], object]] = {
    "positional": lambda cursor: cursor.execute("select :a from dual", [1]),
    "statement keyword": lambda cursor: cursor.execute(statement="select :a from dual", parameters={"a": 1}),
    "bind keywords": lambda cursor: cursor.execute("select :a from dual", a=1),
    "options": lambda cursor: cursor.execute("select 1 from dual", fetch_lobs=False),
    "executemany": lambda cursor: cursor.executemany("insert into t values (:1)", [(1,), (2,)], batcherrors=True),
    "callproc": lambda cursor: cursor.callproc("p", [1]),
    "callfunc": lambda cursor: cursor.callfunc("f", int, [1]),
}


def unconnected() -> Any:
    """A cursor of the driver's class that never had a connection."""
    return oracledb.Cursor.__new__(oracledb.Cursor)


@pytest.mark.parametrize("form", FORMS)
def test_the_drivers_own_error_comes_out(form: str) -> None:
    """Every form of a call reaches the driver's method, whose error is the same with and without the hook."""

    def attempt() -> object:
        ended = outcome(lambda: FORMS[form](unconnected()))
        return ended.raised, len(ended.arguments)

    bare, hooked = bare_and_hooked(attempt)

    assert bare == hooked
    assert (oracledb.InterfaceError, 1) == hooked


@pytest.mark.parametrize("form", FORMS)
def test_a_call_that_fails_is_booked_with_its_error(form: str, watched: Watched) -> None:
    """The call is one query with an error."""
    watched.exporter.clear()

    with watched.tracer.start_as_current_span("one"):
        outcome(lambda: FORMS[form](unconnected()))

    (root,) = watched.roots()
    assert (1, 1) == tuple(root.attributes[f"verein.db.{name}_count"] for name in ("query", "error"))


def test_no_statement_on_a_new_cursor_is_no_query(watched: Watched, no_faults: None) -> None:
    """``execute(None)`` runs the statement before again; where there is none, nothing is counted."""
    assert 0 == watched.count_of(lambda: outcome(lambda: unconnected().execute(None)))


def test_a_refused_connection_stays() -> None:
    """``connect`` to nothing raises the driver's error."""

    def attempt() -> object:
        return outcome(lambda: oracledb.connect(user="a", password="b", dsn="127.0.0.1:1/x")).raised

    bare, hooked = bare_and_hooked(attempt)

    assert bare == hooked
    assert oracledb.OperationalError is hooked
