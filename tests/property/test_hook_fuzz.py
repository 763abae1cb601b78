"""The hook under arbitrary calls: however a driver is called, the outcome is that of the bare driver."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_verein.faults import FAULTS
from otel_verein.instrumentation import instrument, uninstrument
from tests.integration.drivers import WHERE, dialect_named
from tests.integration.harness import Dialect
from tests.integration.outcomes import Outcome, in_operation, outcome

REPORTED = {"instrumentation.book", "instrumentation.factory"}
"""Where a fault may be counted: the text or the class that the application gave could not be read."""


class Hostile:
    """An object of which nothing can be asked."""

    def __init__(self, raised: type[BaseException]) -> None:
        self._raised = raised

    def __str__(self) -> str:
        raise self._raised("str")

    def __repr__(self) -> str:
        return "<hostile>"

    def __hash__(self) -> int:
        raise self._raised("hash")

    def __eq__(self, other: object) -> bool:
        raise self._raised("eq")

    def __len__(self) -> int:
        raise self._raised("len")

    def __iter__(self) -> Iterator[Any]:
        raise self._raised("iter")


class HostileText(str):
    """A statement that the driver can read and nobody else can."""

    __slots__ = ()

    def __str__(self) -> str:
        raise ValueError("str")

    def __hash__(self) -> int:
        raise ValueError("hash")

    def __eq__(self, other: object) -> bool:
        raise ValueError("eq")


class HostileTuple(tuple[Any, ...]):
    """Parameters that cannot be hashed or compared."""

    __slots__ = ()

    def __hash__(self) -> int:
        raise ValueError("hash")

    def __eq__(self, other: object) -> bool:
        raise ValueError("eq")


SOME = ["select 1", "select {m}", "insert into item (n) values ({m})", "selec", "select * from nowhere", "", ";", "--"]
hostile = st.sampled_from([ValueError, KeyError, RuntimeError, RecursionError, AttributeError]).map(Hostile)
statements = st.one_of(
    st.sampled_from(SOME),
    st.text(max_size=30),
    st.binary(max_size=10),
    st.sampled_from([*SOME]).map(HostileText),
    st.integers(1, 200).map(lambda n: "select 1 /* " + "x" * n * 1000 + " */"),
    st.none(),
    st.integers(),
    hostile,
)
values = st.one_of(st.integers(-5, 5), st.text(max_size=5), st.none(), st.floats(allow_nan=False), hostile)
parameters = st.one_of(
    st.lists(values, max_size=3).map(tuple),
    st.lists(values, max_size=3),
    st.lists(values, max_size=2).map(HostileTuple),
    st.lists(st.lists(values, max_size=2).map(tuple), max_size=3),
    st.dictionaries(st.text("ab", max_size=1), values, max_size=2),
    hostile,
    st.integers(),
)
arguments = st.one_of(
    st.tuples(),
    st.tuples(statements),
    st.tuples(statements, parameters),
    st.tuples(statements, parameters, values, values),
)
keywords = st.dictionaries(
    st.sampled_from(["query", "sql", "vars", "params", "args", "parameters", "operation", "nonsense"]),
    values,
    max_size=1,
)
methods = st.sampled_from(["execute", "executemany", "callproc", "executescript", "copy_expert"])
_KEYWORDS = re.compile(r"\w+\.(?=\w+\(\) takes no keyword)")
"""The type in front of a C method's name: CPython itself puts it there or not, by how the call is spelled."""
_ADDRESS = re.compile(r"0x[0-9a-f]{6,}")


def ended(connection: Any, method: str, args: tuple[Any, ...], kwargs: dict[str, Any], mark: str) -> object:
    """How one call on a new cursor ended, with what could be read after it; ``execute`` where there is no *method*."""
    filled = tuple(
        argument.format(m=mark) if type(argument) is str and "{m}" in argument else argument for argument in args
    )
    cursor = connection.cursor()
    method = method if hasattr(cursor, method) else "execute"
    found = outcome(lambda: getattr(cursor, method)(*filled, **kwargs))
    rows = outcome(lambda: [tuple(row) for row in cursor.fetchall()])
    outcome(cursor.close)
    return shown(found), shown(rows)


def shown(found: Outcome) -> object:
    """An outcome without comparing what it holds: hostile values refuse that."""
    arguments = tuple(_KEYWORDS.sub("", argument) for argument in found.arguments)
    return found.raised, arguments, _ADDRESS.sub("0x", repr(found.value))


def same_with_and_without(connect: Callable[[], Any], mark: str, call: tuple[Any, ...]) -> None:
    """Assert that *call* ends the same on connections of the bare and the hooked driver."""

    def attempt() -> object:
        connection = connect()
        try:
            return ended(connection, *call, mark)
        finally:
            outcome(connection.rollback)
            connection.close()

    bare = attempt()
    before = FAULTS.counts.copy()
    instrument()
    try:
        hooked = in_operation(attempt)
    finally:
        uninstrument()

    assert bare == hooked
    assert set(FAULTS.counts - before) <= REPORTED


def prepared_sqlite() -> sqlite3.Connection:
    """A database in memory with the table that the statements name."""
    connection = sqlite3.connect(":memory:")
    connection.execute("create table item (id integer primary key, n)")
    return connection


@settings(max_examples=200, deadline=None)
@given(methods, arguments, keywords)
def test_sqlite3_ends_the_same(method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Any call of sqlite3, well or badly formed, with any object for a statement."""
    same_with_and_without(prepared_sqlite, "?", (method, args, kwargs))


@pytest.fixture
def dialect(request: pytest.FixtureRequest) -> Dialect:
    """The driver that the test is parametrised with, on its server."""
    return dialect_named(request.param, request)


# MariaDB's ODBC driver (3.1.15) itself aborts the process on some calls, without any hook: pytest
# --hypothesis-seed=16 did so each time.
SERVED = [name for name in WHERE if WHERE[name][2] and name != "pyodbc-mariadb"]


@pytest.mark.service
@pytest.mark.parametrize("dialect", SERVED, indirect=True)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(methods, arguments, keywords)
def test_drivers_with_a_server_end_the_same(
    dialect: Dialect, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """Any call of the drivers of real servers, well or badly formed, with any object for a statement."""
    same_with_and_without(dialect.connect, dialect.mark, (method, args, kwargs))
