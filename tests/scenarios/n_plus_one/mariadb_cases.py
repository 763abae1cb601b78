"""MariaDB with PyMySQL: loops, double-quoted literals, upserts, streaming cursors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pymysql
import pymysql.cursors

from tests.scenarios.n_plus_one.case import DUPLICATE, Group, Services

N = 15
TABLES = (
    "create temporary table author (id int primary key, name varchar(20))",
    "create temporary table setting (k varchar(20) primary key, v varchar(20))",
)


@contextmanager
def server(services: Services) -> Iterator[Any]:
    """A connection with its own seeded tables."""
    assert services.mariadb is not None
    connection = pymysql.connect(**services.mariadb)
    with connection.cursor() as cursor:
        for statement in TABLES:
            cursor.execute(statement)
        cursor.executemany("insert into author values (%s, %s)", [(i, f"a{i}") for i in range(1, 31)])
        cursor.execute("insert into setting values ('tax', 'on')")
        yield cursor
    connection.close()


GROUP = Group("MariaDB", "mariadb", server, needs="mariadb")


@GROUP.defect()
def select_in_loop(cursor: Any) -> None:
    """One query per id."""
    for author in range(1, N + 1):
        cursor.execute("select name from author where id = %s", (author,))  # <- here


@GROUP.silent(select_in_loop)
def select_in_list(cursor: Any) -> None:
    """One list; PyMySQL expands it."""
    cursor.execute("select id, name from author where id in %s", (tuple(range(1, N + 1)),))
    assert N == len(cursor.fetchall())


@GROUP.defect()
def double_quoted_literals_in_loop(cursor: Any) -> None:
    """Strings in double quotes, as MySQL allows: values, not names."""
    for author in range(1, N + 1):
        cursor.execute(f'select id from author where name = "a{author}"')  # <- here


@GROUP.silent(double_quoted_literals_in_loop)
def backquoted_names_once(cursor: Any) -> None:
    """Three columns by name: three statements."""
    for column in ("id", "name", "id`, `name"):
        cursor.execute(f"select `{column}` from `author`")


@GROUP.defect()
def upsert_in_loop(cursor: Any) -> None:
    """ON DUPLICATE KEY UPDATE for one row at a time."""
    for number in range(N):
        cursor.execute("insert into setting values (%s, 'on') on duplicate key update v = 'on'", (number,))  # <- here


@GROUP.silent(upsert_in_loop)
def upsert_by_executemany(cursor: Any) -> None:
    """executemany(), which PyMySQL writes as one list of values."""
    statement = "insert into setting values (%s, 'on') on duplicate key update v = 'on'"
    cursor.executemany(statement, [(number,) for number in range(N)])


@GROUP.defect()
def replace_in_loop(cursor: Any) -> None:
    """REPLACE row by row."""
    for number in range(1, N + 1):
        cursor.execute("replace into author values (%s, 'r')", (number,))  # <- here


@GROUP.silent(replace_in_loop)
def replace_with_values_list(cursor: Any) -> None:
    """REPLACE with all rows."""
    rows = ", ".join(f"({number}, 'r')" for number in range(1, N + 1))
    cursor.execute(f"replace into author values {rows}")


@GROUP.defect(DUPLICATE)
def setting_in_loop(cursor: Any) -> None:
    """The same row twelve times."""
    for _ in range(12):
        cursor.execute("select v from setting where k = %s", ("tax",))  # <- here


@GROUP.silent(setting_in_loop)
def setting_in_three_places(cursor: Any) -> None:
    """The same row three times."""
    for _ in range(3):
        cursor.execute("select v from setting where k = %s", ("tax",))


@GROUP.silent(select_in_loop)
def streaming_cursor(cursor: Any) -> None:
    """An unbuffered cursor, read row by row: one query."""
    with cursor.connection.cursor(pymysql.cursors.SSCursor) as stream:
        stream.execute("select id, name from author")
        assert 30 == sum(1 for _ in stream)


@GROUP.defect()
def ping_and_select_in_loop(cursor: Any) -> None:
    """A ping of the protocol before each query is no query and hides nothing."""
    for author in range(1, N + 1):
        cursor.connection.ping()
        cursor.execute("select name from author where id = %s", (author,))  # <- here


@GROUP.silent(ping_and_select_in_loop)
def pings_around_one_query(cursor: Any) -> None:
    """Fifteen pings, one query."""
    for _ in range(N):
        cursor.connection.ping()
    cursor.execute("select name from author")
