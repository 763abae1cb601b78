"""The raw sqlite3 place: a seeded database in memory, for cases that write their own SQL."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from tests.scenarios.n_plus_one.case import Services

N = 15
"""Turns of a loop that is clearly one; small look-alikes run at most four."""

SCHEMA = """
create table author (id integer primary key, name text, email text, country text);
create table book (id integer primary key, title text, author_id integer, price integer, notes text);
create table review (id integer primary key, book_id integer, stars integer, user_id integer);
create table setting (key text primary key, value text);
create table category (id integer primary key, parent_id integer, name text);
create table job (id integer primary key, state text);
create table audit (id integer primary key, what text, at text);
create table sale (id integer primary key, month integer, amount integer);
create table big (id integer primary key, value integer);
"""
_number = count()


class Shop(sqlite3.Connection):
    """One connection, and more to the same database on demand."""

    uri = ""

    def another(self) -> Shop:
        """Another connection; usable in any thread."""
        return connect(self.uri)


def connect(uri: str) -> Shop:
    """A connection to the shop at *uri*; usable in any thread."""
    connection = sqlite3.connect(uri, uri=True, check_same_thread=False, factory=Shop)
    connection.uri = uri
    connection.create_function("slow", 1, _slow)
    return connection


def _slow(value: object) -> object:
    """What makes a statement slow, within the driver's call: 20 ms a row."""
    time.sleep(0.02)
    return value


def _seed(connection: sqlite3.Connection) -> None:
    run = connection.executemany
    run("insert into author values (?, ?, ?, ?)", [(i, f"a{i}", f"a{i}@example.org", "de") for i in range(1, 31)])
    run("insert into book values (?, ?, ?, ?, ?)", [(i, f"b{i}", 1 + i % N, 10 + i, "n") for i in range(1, 61)])
    run("insert into review values (?, ?, ?, ?)", [(i, 1 + i % 30, i % 5, 1 + i % 3) for i in range(1, 91)])
    run("insert into setting values (?, ?)", [(key, "on") for key in ("currency", "locale", "tax", "theme")])
    # A chain of 15 (1 <- 2 <- ... <- 15), so that a walk up and a walk down both take 15 turns.
    run("insert into category values (?, ?, ?)", [(i, i - 1 or None, f"c{i}") for i in range(1, N + 1)])
    run("insert into job values (?, 'new')", [(i,) for i in range(1, 31)])
    run("insert into sale values (?, ?, ?)", [(i, 1 + i % 12, i) for i in range(1, 49)])
    run("insert into big values (?, ?)", [(i, i) for i in range(1, 6001)])


@contextmanager
def shop(_: Services) -> Iterator[Shop]:
    """A fresh shop for each case."""
    made = connect(f"file:shop{next(_number)}?mode=memory&cache=shared")
    made.executescript(SCHEMA)
    _seed(made)
    made.commit()
    try:
        yield made
    finally:
        made.close()
