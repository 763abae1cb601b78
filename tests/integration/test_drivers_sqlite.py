"""What only sqlite3 has: connection shortcuts, factories, aliases, and features of the C object."""

from __future__ import annotations

import sqlite3
import sqlite3.dbapi2
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.dialects import OwnCursor, odd_statements
from tests.integration.harness import Watched
from tests.integration.outcomes import outcome
from tests.integration.sqlite_calls import Sqlite
from tests.integration.test_drivers_unchanged import bare_and_hooked


@pytest.mark.parametrize("method", ["execute", "executemany", "executescript"])
@pytest.mark.parametrize("where", ["cursor", "connection"])
def test_odd_statements_end_the_same(where: str, method: str) -> None:
    """Whatever is passed to a cursor or a shortcut of the connection ends as with the bare driver."""

    def attempt() -> object:
        found = {}
        for name, arguments in odd_statements("?", Sqlite.odd).items():
            connection = sqlite3.connect(":memory:")
            target = connection.cursor() if where == "cursor" else connection
            found[name] = outcome(lambda target=target, given=arguments: getattr(target, method)(*given))
            connection.close()
        return found

    bare, hooked = bare_and_hooked(attempt)

    assert bare == hooked


def test_types_stay(watched: Watched) -> None:
    """Connections and cursors are instances of the driver's classes, and of the application's."""
    connection = sqlite3.connect(":memory:")

    assert isinstance(connection, sqlite3.Connection)
    assert isinstance(connection.cursor(), sqlite3.Cursor)
    assert isinstance(connection.execute("select 1"), sqlite3.Cursor)
    assert isinstance(connection.cursor(OwnCursor), OwnCursor)
    assert connection.cursor().connection is connection


def test_application_connection_class_stays(watched: Watched) -> None:
    """``factory=`` gives the application's class, whose overrides run, and its queries count."""

    class Own(sqlite3.Connection):
        def cursor(self, *args: Any, **kwargs: Any) -> Any:
            self.cursors = getattr(self, "cursors", 0) + 1
            return super().cursor(*args, **kwargs)

    connection = sqlite3.connect(":memory:", factory=Own)

    assert 1 == watched.count_of(lambda: connection.cursor().execute("select 1"))
    assert isinstance(connection, Own)
    assert 1 == connection.cursors


@pytest.mark.parametrize("method", ["execute", "executemany", "executescript"])
def test_connection_shortcuts_make_their_cursor_as_the_driver_does(method: str) -> None:
    """An application's ``cursor`` override is called by ``connection.execute`` as often as without us."""

    class Own(sqlite3.Connection):
        made = 0

        def cursor(self, *args: Any, **kwargs: Any) -> Any:
            self.made += 1
            return super().cursor(OwnCursor)

    def attempt() -> object:
        connection = sqlite3.connect(":memory:", factory=Own)
        connection.execute("create table t (a)")
        arguments = ("insert into t values (1)", [()]) if method == "executemany" else ("select 1",)
        cursor = getattr(connection, method)(*arguments)
        return connection.made, isinstance(cursor, OwnCursor)

    bare, hooked = bare_and_hooked(attempt)

    assert bare == hooked


def test_execute_returns_the_cursor_itself(watched: Watched) -> None:
    """``cursor.execute`` returns the cursor it was called on, as the driver does."""
    cursor = sqlite3.connect(":memory:").cursor()

    assert cursor is cursor.execute("select 1")
    assert [(1,)] == cursor.fetchall()


def test_c_level_features_work(watched: Watched) -> None:
    """backup, iterdump, row_factory, blobs, functions and adapters reach the C object."""
    connection, copy = sqlite3.connect(":memory:"), sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    connection.execute("create table t (a, b)")
    connection.execute("insert into t values (1, x'00')")
    connection.commit()
    connection.create_function("twice", 1, lambda value: 2 * value)

    connection.backup(copy)

    assert [(1, b"\x00")] == copy.execute("select * from t").fetchall()
    assert 1 == connection.execute("select * from t").fetchone()["a"]
    assert 4 == connection.execute("select twice(2)").fetchone()[0]
    assert "CREATE TABLE t (a, b);" in list(copy.iterdump())


def test_with_commits_and_rolls_back(watched: Watched) -> None:
    """``with connection`` returns the connection, commits at the end, and rolls back on an exception."""
    connection = sqlite3.connect(":memory:")
    connection.execute("create table t (a)")
    with connection as entered:
        connection.execute("insert into t values (1)")

    def fail() -> None:
        with connection:
            connection.execute("insert into t values (2)")
            raise KeyError("application")

    with pytest.raises(KeyError, match="application"):
        fail()
    assert entered is connection
    assert [(1,)] == connection.execute("select a from t").fetchall()


WAYS: dict[str, Callable[[sqlite3.Connection], object]] = {
    "connection execute": lambda connection: connection.execute("select 1"),
    "connection executemany": lambda connection: connection.executemany("delete from t where a = ?", [(1,), (2,)]),
    "cursor executemany": lambda connection: connection.cursor().executemany("delete from t where a = ?", [(1,)]),
    "failing": lambda connection: outcome(lambda: connection.execute("select * from nowhere")),
    "no statement but a commit": lambda connection: connection.commit(),
}


@pytest.mark.parametrize(("way", "expected"), list(zip(WAYS, [1, 1, 1, 1, 0], strict=True)), ids=WAYS.keys())
def test_each_way_to_query_counts_once(way: str, expected: int, watched: Watched) -> None:
    """However a query is sent, it is one query."""
    connection = sqlite3.connect(":memory:")
    connection.execute("create table t (a)")

    assert expected == watched.count_of(lambda: WAYS[way](connection))


@pytest.mark.xfail(strict=True, reason="a cursor built from the C type itself never passes a class of ours")
def test_cursor_built_by_hand_counts(watched: Watched) -> None:
    """``sqlite3.Cursor(connection)`` instead of ``connection.cursor()``: known not to be counted."""
    connection = sqlite3.connect(":memory:")

    assert 1 == watched.count_of(lambda: sqlite3.Cursor(connection).execute("select 1"))


@pytest.mark.parametrize("module", [sqlite3, sqlite3.dbapi2], ids=["sqlite3", "dbapi2"])
def test_every_alias_of_connect_counts(module: Any, watched: Watched) -> None:
    """Django takes ``connect`` from ``sqlite3.dbapi2``: it is hooked like the one of the package."""
    connection = module.connect(":memory:")

    assert 1 == watched.count_of(lambda: connection.execute("select 1"))


class Slotted(sqlite3.Cursor):
    """A cursor class of an application, with slots of its own."""

    __slots__ = ("seen",)


class SlottedConnection(sqlite3.Connection):
    """A connection class of an application, with slots of its own."""

    __slots__ = ("seen",)


def test_classes_with_slots_count_and_keep_them(watched: Watched, no_faults: None) -> None:
    """An application's class with ``__slots__`` is used, keeps its slots and counts."""
    connection = sqlite3.connect(":memory:", factory=SlottedConnection)
    cursor = connection.cursor(Slotted)
    connection.seen, cursor.seen = 1, 2

    assert 1 == watched.count_of(lambda: cursor.execute("select 1"))
    assert (1, 2) == (connection.seen, cursor.seen)
    assert isinstance(cursor, Slotted)


def test_backup_and_blobs_are_no_query(watched: Watched) -> None:
    """What never is a statement of the application is none for us: backup, blob input and output."""
    connection, copy = sqlite3.connect(":memory:"), sqlite3.connect(":memory:")
    connection.execute("create table t (b)")
    connection.execute("insert into t values (zeroblob(4))")
    connection.commit()

    def work() -> None:
        connection.backup(copy)
        if hasattr(connection, "blobopen"):  # from Python 3.11
            with connection.blobopen("t", "b", 1) as blob:
                blob.write(b"abcd")

    assert 0 == watched.count_of(work)


def test_script_is_one_query(watched: Watched) -> None:
    """A script of many statements is one call, and one query."""
    connection = sqlite3.connect(":memory:")

    assert 1 == watched.count_of(lambda: connection.executescript("create table t (a); insert into t values (1);"))
    assert [(1,)] == connection.execute("select a from t").fetchall()
