"""Ending a transaction through the connection is database time, and no query."""

from __future__ import annotations

from tests.integration.drivers import drivers
from tests.integration.harness import Dialect, Watched

TIMED = ("sqlite3", "psycopg", "psycopg2", "pymysql", "mysql-connector")


@drivers(*TIMED)
def test_commit_and_rollback_are_database_time(dialect: Dialect, watched: Watched) -> None:
    """An operation that only commits, or only rolls back, has time in the database and no query."""
    connection = dialect.connect()
    for end in ("commit", "rollback"):
        cursor = connection.cursor()
        cursor.execute("insert into item (n) values (1)")
        with watched.tracer.start_as_current_span(end):
            getattr(connection, end)()
    connection.close()

    found = {root.name: dict(root.attributes or {}) for root in watched.roots()}
    assert {"commit": 0, "rollback": 0} == {name: of["verein.db.query_count"] for name, of in found.items()}
    assert all(of["verein.db.duration_ms"] > 0 for of in found.values())


@drivers(*TIMED)
def test_without_a_commit_there_is_no_time(dialect: Dialect, watched: Watched) -> None:
    """Twin: an operation that does nothing has none."""
    connection = dialect.connect()
    with watched.tracer.start_as_current_span("nothing"):
        pass
    connection.close()

    (root,) = watched.roots()
    assert 0 == dict(root.attributes or {})["verein.db.duration_ms"]
