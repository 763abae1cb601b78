"""The calls of the drivers under test: one function per way to send a statement."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from typing import Any

from tests.integration.harness import Call

Odd = dict[str, tuple[Any, ...]]
"""Name -> arguments of ``execute`` that are unusual or wrong."""

SCHEMA = "create table {name} (id integer primary key{auto}, n integer)"


class OwnCursor(sqlite3.Cursor):
    """An application's cursor class, defined before anything is hooked."""


def selecting(how: Callable[[Any, str, tuple[int, ...]], Any], mark: str) -> Call:
    """A query that finds nothing, sent by *how* and read to its end."""

    def call(connection: Any, tag: str, chance: random.Random) -> int:
        how(connection, f"select {tag} n from item where id = {mark}", (-chance.randint(1, 9),))
        return 1

    return call


def batch(mark: str, statement: str, members: Callable[[int], int], method: str = "executemany") -> Call:
    """An executemany of 2 to 5 parameter sets; *members* says how many statements it makes on the wire."""

    def call(connection: Any, tag: str, chance: random.Random) -> int:
        size = chance.randint(2, 5)
        cursor = connection.cursor()
        getattr(cursor, method)(statement.format(tag=tag, mark=mark), [(-n - 1,) for n in range(size)])
        cursor.close()
        return members(size)

    return call


def failing(errors: type[Exception], statement: str, count: int = 1) -> Call:
    """A statement that the database refuses."""

    def call(connection: Any, tag: str, _: random.Random) -> int:
        cursor = connection.cursor()
        try:
            cursor.execute(statement.format(tag=tag))
        except errors:
            connection.rollback()
            return count
        raise AssertionError(f"accepted: {statement}")

    return call


def transaction(*verbs: str) -> Call:
    """Transaction verbs through a cursor: work for the database, no query for us."""

    def call(connection: Any, tag: str, _: random.Random) -> int:
        cursor = connection.cursor()
        for verb in verbs:
            cursor.execute(f"{tag} {verb}")
        return 0

    return call


SAVEPOINT = transaction("savepoint s", "rollback to savepoint s", "release savepoint s")
INSERT_MANY = "insert {tag} into item (n) values ({mark})"
UPDATE_MANY = "update {tag} item set n = 0 where id = {mark}"
DUPLICATE_KEY = "insert {tag} into item (id, n) values (1, 0)"
NO_TABLE = "select {tag} 1 from no_such_table"


def same(size: int) -> int:
    """Every parameter set is a statement of its own."""
    return size


def one(_: int) -> int:
    """The driver makes one multi-row statement of it."""
    return 1


class Words(str):
    """A statement that is a str of another class."""

    __slots__ = ()


THING = object()
"""A parameter that no driver knows; one object, since some send what it prints as."""


class Unprintable:
    """A statement whose text cannot be had."""

    def __str__(self) -> str:
        raise ValueError("no text")

    def __repr__(self) -> str:
        raise ValueError("no representation")


def odd_statements(mark: str, own: Odd) -> Odd:
    """Unusual and wrong arguments of ``execute``, with the driver's placeholder and what it has of its *own*."""
    return {
        "empty": ("",),
        "blank": ("  ",),
        "comment": ("/* x */",),
        "dash comment": ("-- x",),
        "semicolon": (";",),
        "none": (None,),
        "bytes": (b"select 1",),
        "bytearray": (bytearray(b"select 1"),),
        "subclass": (Words("select 1"),),
        "number": (1,),
        "list": (["select 1"],),
        "unprintable": (Unprintable(),),
        "no arguments": (),
        "too many": ("select 1", (), 3, 4, 5),
        "two statements": ("select 1; select 2",),
        "syntax": ("selec 1",),
        "missing table": ("select * from nowhere",),
        "missing parameter": (f"select {mark}", ()),
        "spare parameter": ("select 1", (1, 2)),
        "odd parameter": (f"select {mark}", (THING,)),
        "scalar parameter": (f"select {mark}", 1),
        "text parameter": (f"select {mark}", "x"),
        "null byte": ("select \0 1",),
        "surrogate": ("select '\ud800'",),
        **own,
    }
