"""Which drivers are hooked: told truly, in whatever order drivers and hook come."""

from __future__ import annotations

import pytest

from otel_verein.instrumentation.drivers.registry import hooked, instrument, uninstrument
from tests.conftest import absent
from tests.integration.processes import in_a_process

MODULES = {
    "sqlite3": "sqlite3",
    "psycopg2": "psycopg2",
    "psycopg": "psycopg",
    "pymysql": "pymysql.cursors",
    "mysqlclient": "MySQLdb.cursors",
    "mysql-connector": "mysql.connector",
    "pyodbc": "pyodbc",
    "oracledb": "oracledb",
}
"""Driver -> what an application has imported at the latest when it opens its first connection."""

HOOK = "from otel_verein.instrumentation.drivers.registry import hooked, instrument; instrument()"
TELL = "print([(d.imported, d.hooked) for d in hooked() if d.name == {name!r}])"


def test_the_table_of_this_suite_is_whole() -> None:
    """Every synchronous driver that can be hooked is tested here."""
    assert set(MODULES) <= {driver.name for driver in hooked()}


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("first", ["hook", "driver"])
def test_a_driver_is_hooked_whichever_comes_first(first: str, name: str) -> None:
    """A driver imported before or after ``instrument`` is hooked, in a fresh process, without a word on stderr."""
    pytest.importorskip(MODULES[name].partition(".")[0], reason=f"{name} is not installed")
    lines = [HOOK, f"import {MODULES[name]}"]

    told = in_a_process("\n".join([*(lines if first == "hook" else lines[::-1]), TELL.format(name=name)]))

    assert "[(True, True)]" == told


def test_nothing_is_hooked_before_and_after() -> None:
    """Without ``instrument``, or after ``uninstrument``, no driver says that it is hooked; the version is told."""
    before = [driver.hooked for driver in hooked()]
    instrument()
    during = {driver.name: driver for driver in hooked()}
    uninstrument()
    after = [driver.hooked for driver in hooked()]

    assert {False} == {*before, *after}
    assert during["sqlite3"].hooked
    assert during["sqlite3"].version
    assert "subclass" == during["sqlite3"].how


def test_asking_imports_no_driver() -> None:
    """The state of a driver that is not imported is told without importing it."""
    told = in_a_process(
        "from otel_verein.instrumentation.drivers.registry import available, hooked\nimport sys\n"
        "available(); hooked()\n"
        "print([m for m in ('psycopg', 'MySQLdb', 'mysql.connector', 'pyodbc') if m in sys.modules])"
    )

    assert "[]" == told


def test_pyodbc_is_left_alone_where_its_types_cannot_be_patched(monkeypatch: pytest.MonkeyPatch) -> None:
    """On an interpreter without CPython's dictionaries the driver works on unhooked, and that is told."""
    try:
        import pyodbc
    except ImportError as missing:
        absent(f"pyodbc cannot be imported: {missing}")
    original = pyodbc.Cursor.execute
    monkeypatch.setattr("sys.implementation.name", "another")

    instrument()
    (told,) = [driver for driver in hooked() if driver.name == "pyodbc"]
    left = pyodbc.Cursor.execute
    uninstrument()

    assert not told.hooked
    assert original is left
