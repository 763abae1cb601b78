"""The statements of deploy/clickhouse, in ClickHouse's own engine: each span once, and the retention of its tier."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_verein.config.schema import Config
from tests.docs.deployed import DEPLOY
from tests.services.clickhouse import ClickHouse

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


class Tables(ClickHouse):
    """A database with the tables of all tiers."""

    def __init__(self) -> None:
        super().__init__()
        self.run("CREATE DATABASE otel")
        self.run("USE otel")
        for tier in TIERS:
            self.run(TABLE.format(tier=tier))
            self.run(LOOKUP.format(tier=tier))

    def run_file(self, file: Path) -> None:
        """Run each statement of a file."""
        for statement in re.sub(r"--.*", "", file.read_text()).split(";"):
            if statement.strip():
                self.run(statement)

    def insert(self, tier: str, *spans: tuple[str, str]) -> None:
        """Insert spans, given by trace id and trace state, as they come for *tier*."""
        rows = [
            f"('2026-11-27 10:00:00', '{trace}', 's1', '{state}', 'GET /', 'Server', 'shop', map('a', 'b'), 5)"
            for trace, state in spans
        ]
        columns = "Timestamp, TraceId, SpanId, TraceState, SpanName, SpanKind, ServiceName, SpanAttributes, Duration"
        self.run(f"INSERT INTO otel_traces_{tier} ({columns}) VALUES {', '.join(rows)}")


@pytest.fixture
def clickhouse() -> Iterator[Tables]:
    """Tables with our view."""
    with Tables() as started:
        started.run_file(DEPLOY / "clickhouse" / "deduplicated.sql")
        yield started


def test_a_span_that_came_twice_is_one(clickhouse: Tables):
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


def test_what_a_span_says_goes_through_the_view(clickhouse: Tables):
    """Attributes, kind and duration are those of the table."""
    clickhouse.insert("short", ("a", ""))

    assert [["shop", "GET /", "Server", 5, "b"]] == clickhouse.rows(
        "SELECT ServiceName, SpanName, SpanKind, Duration, SpanAttributes['a'] FROM otel_traces_deduplicated"
    )


def test_conditions_reach_the_indexes_of_the_tables(clickhouse: Tables):
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


def test_tables_keep_each_tier_for_its_days(clickhouse: Tables):
    """retention.sql sets the time to live of the tables of all tiers, and of those that find a trace."""
    clickhouse.run_file(DEPLOY / "clickhouse" / "retention.sql")
    tiers = Config().tiers

    for table, column in (("otel_traces_{}", "Timestamp"), ("otel_traces_{}_trace_id_ts", "Start")):
        for tier in TIERS:
            [[made]] = clickhouse.rows(f"SHOW CREATE TABLE {table.format(tier)}")
            assert f"TTL toDateTime({column}) + toIntervalDay({getattr(tiers, f'{tier}_d')})" in made
