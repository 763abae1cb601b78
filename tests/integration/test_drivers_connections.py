"""Opening connections: memory stays flat, and our reading of where they lead can never be in the way."""

from __future__ import annotations

import gc
import sqlite3
import tracemalloc
from typing import Any

import pytest
from opentelemetry.instrumentation.dbapi import DatabaseApiIntegration

from otel_verein.faults import FAULTS
from tests.integration.drivers import drivers
from tests.integration.harness import Dialect, Watched
from tests.services import Postgres


class Own(sqlite3.Connection):
    """A connection class of the application."""


def open_and_query(times: int) -> None:
    """*times* connections, each with a query, every third of a class of the application."""
    for number in range(times):
        connection = sqlite3.connect(":memory:", factory=sqlite3.Connection if number % 3 else Own)
        connection.execute("select 1").fetchall()
        connection.cursor().execute("select 2").fetchall()
        connection.close()


def grown_by(times: int) -> int:
    """Bytes that are held after *times* connections and were not before, after a warm-up."""
    open_and_query(200)
    gc.collect()
    tracemalloc.start()
    open_and_query(200)
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    open_and_query(times)
    gc.collect()
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return held


@pytest.mark.parametrize("times", [5_000, pytest.param(100_000, marks=pytest.mark.soak)])
def test_memory_is_flat_over_many_connections(times: int, hooked: None) -> None:
    """However many connections are opened and closed, less than 20 kB more is held than before."""
    assert grown_by(times) < 20_000


@drivers("psycopg", "psycopg2", "pymysql", "mysqlclient")
def test_a_failing_reader_of_the_target_is_ours_alone(
    dialect: Dialect, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading where a connection leads raises: connect and query work, the query counts, and a fault is counted."""

    def fail(*_: Any) -> None:
        raise AttributeError("no such attribute")

    monkeypatch.setattr(DatabaseApiIntegration, "get_connection_attributes", fail)
    before = FAULTS.counts["instrumentation.target"]

    connections = [dialect.connect() for _ in range(3)]
    counts = [watched.count_of(lambda c=connection: c.cursor().execute("select 1")) for connection in connections]

    assert [1, 1, 1] == counts
    assert before + 3 == FAULTS.counts["instrumentation.target"]
    for connection in connections:
        connection.close()


@pytest.mark.service
def test_a_pool_starts_although_the_reader_fails(
    watched: Watched, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pool of three connections opens and serves while our reader raises."""
    pool_module = pytest.importorskip("psycopg_pool")

    def fail(*_: Any) -> None:
        raise AttributeError("pq")

    monkeypatch.setattr(DatabaseApiIntegration, "get_connection_attributes", fail)

    with pool_module.ConnectionPool(postgres.url, min_size=3, timeout=10) as pool:
        pool.wait(10)

        def work() -> None:
            with pool.connection() as connection:
                connection.execute("select 1")

        assert 1 == watched.count_of(work)
