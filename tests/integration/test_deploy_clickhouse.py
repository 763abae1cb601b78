"""The statements of deploy/clickhouse, in ClickHouse's own engine: each span once, and the retention of its tier."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from otel_verein.config.schema import Config
from tests.docs.deployed import DEPLOY

engine = pytest.importorskip("chdb.session", reason="chdb is not installed: pip install chdb-core-lite")

TIERS = ("long", "medium", "short")
TABLE = """
CREATE TABLE otel_traces_{tier} (
    Timestamp DateTime64(9), TraceId String, SpanId String, ParentSpanId String, TraceState String,
    SpanName LowCardinality(String), SpanKind LowCardinality(String), ServiceName LowCardinality(String),
    ResourceAttributes Map(LowCardinality(String), String), ScopeName String, ScopeVersion String,
    SpanAttributes Map(LowCardinality(String), String), Duration UInt64, StatusCode LowCardinality(String),
    StatusMessage String,
    Events Nested (
        Timestamp DateTime64(9), Name LowCardinality(String), Attributes Map(LowCardinality(String), String)
    ),
    Links Nested (TraceId String, SpanId String, TraceState String, Attributes Map(LowCardinality(String), String)),
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1
) ENGINE = MergeTree PARTITION BY toDate(Timestamp) ORDER BY (ServiceName, SpanName, toDateTime(Timestamp))
TTL toDateTime(Timestamp) + toIntervalDay(1) SETTINGS ttl_only_drop_parts = 1
"""
LOOKUP = """
CREATE TABLE otel_traces_{tier}_trace_id_ts (TraceId String, Start DateTime, End DateTime)
ENGINE = MergeTree PARTITION BY toDate(Start) ORDER BY (TraceId, Start) TTL toDateTime(Start) + toIntervalDay(1)
"""
"""The tables as the exporter makes them, as far as the statements ask of them."""


class Engine:
    """A database of its own with the tables of all tiers and our view; in the process, until the test ends."""

    def __init__(self) -> None:
        self._session = engine.Session()
        self._session.query("CREATE DATABASE otel")
        self._session.query("USE otel")
        for tier in TIERS:
            self._session.query(TABLE.format(tier=tier))
            self._session.query(LOOKUP.format(tier=tier))

    def run(self, file: Path) -> None:
        """Run each statement of a file."""
        for statement in re.sub(r"--.*", "", file.read_text()).split(";"):
            if statement.strip():
                self._session.query(statement)

    def insert(self, tier: str, *spans: tuple[str, str]) -> None:
        """Insert spans, given by trace id and trace state, as they come for *tier*."""
        rows = [
            f"('2026-11-27 10:00:00', '{trace}', 's1', '{state}', 'GET /', 'Server', 'shop', map('a', 'b'), 5)"
            for trace, state in spans
        ]
        columns = "Timestamp, TraceId, SpanId, TraceState, SpanName, SpanKind, ServiceName, SpanAttributes, Duration"
        self._session.query(f"INSERT INTO otel_traces_{tier} ({columns}) VALUES {', '.join(rows)}")

    def rows(self, query: str) -> list[list[Any]]:
        """What a query gives."""
        said = str(self._session.query(query, "JSONCompactEachRow"))
        return [json.loads(line) for line in said.splitlines()]

    def close(self) -> None:
        """End the session; another one can begin."""
        self._session.close()


@pytest.fixture
def clickhouse() -> Iterator[Engine]:
    """An engine with our view."""
    started = Engine()
    started.run(DEPLOY / "clickhouse" / "deduplicated.sql")
    yield started
    started.close()


def test_a_span_that_came_twice_is_one(clickhouse: Engine):
    """Whether a copy is in the same tier or in another; the better tier holds, and so does its weight."""
    clickhouse.insert("long", ("once", ""), ("again", ""), ("again", ""))
    clickhouse.insert("medium", ("both", "ot=th:0"))
    clickhouse.insert("short", ("both", "ot=th:e"), ("rest", "ot=th:e"))

    assert [
        ["again", "long", "", 2],
        ["both", "medium", "ot=th:0", 2],
        ["once", "long", "", 1],
        ["rest", "short", "ot=th:e", 1],
    ] == clickhouse.rows("SELECT TraceId, Tier, TraceState, Copies FROM otel_traces_deduplicated ORDER BY TraceId")


def test_what_a_span_says_goes_through_the_view(clickhouse: Engine):
    """Attributes, kind and duration are those of the table."""
    clickhouse.insert("short", ("a", ""))

    assert [["shop", "GET /", "Server", 5, "b"]] == clickhouse.rows(
        "SELECT ServiceName, SpanName, SpanKind, Duration, SpanAttributes['a'] FROM otel_traces_deduplicated"
    )


def test_conditions_reach_the_indexes_of_the_tables(clickhouse: Engine):
    """A condition on trace and time is asked of each table, and not of all its spans after they were added up."""
    for tier in TIERS:
        clickhouse.insert(tier, ("a", ""))

    plan = clickhouse.rows(
        "EXPLAIN indexes = 1 SELECT count() FROM otel_traces_deduplicated "
        "WHERE TraceId = 'a' AND Timestamp > '2026-11-27 09:00:00'"
    )
    said = [line.strip() for [line] in plan]

    assert len(TIERS) == said.count("Name: idx_trace_id")
    assert len(TIERS) == said.count("toDate(Timestamp)")


def test_tables_keep_each_tier_for_its_days(clickhouse: Engine):
    """retention.sql sets the time to live of the tables of all tiers, and of those that find a trace."""
    clickhouse.run(DEPLOY / "clickhouse" / "retention.sql")
    tiers = Config().tiers

    for table, column in (("otel_traces_{}", "Timestamp"), ("otel_traces_{}_trace_id_ts", "Start")):
        for tier in TIERS:
            [[made]] = clickhouse.rows(f"SHOW CREATE TABLE {table.format(tier)}")
            assert f"TTL toDateTime({column}) + toIntervalDay({getattr(tiers, f'{tier}_d')})" in made
