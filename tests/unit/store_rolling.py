"""A store that a test fills with detail of its own, and what its rollups say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import duckdb
import pyarrow as pa

from otel_verein import semconv
from otel_verein.config.schema import Config
from otel_verein.store import parquet
from otel_verein.store.choose import roots
from otel_verein.store.journal import Journal
from otel_verein.store.layout import Level, Store, new_place
from otel_verein.store.records import Change, NewFile, StoredFile
from otel_verein.store.rollup import RollResult, roll
from otel_verein.store.tables import table_of
from otel_verein.store.totals import totals_of

HOUR = int(datetime(2026, 3, 1, 10, tzinfo=timezone.utc).timestamp())
DAY_S = 86_400
LATER = HOUR + 90 * DAY_S
"""When hour, day and month of HOUR are all old enough."""

Row = dict[str, Any]


def root_span(number: int, duration_s: float = 0.1, *, hour: int = HOUR, **more: Any) -> Row:
    """A local root of its own trace."""
    return {
        "trace_id": number.to_bytes(16, "big"), "span_id": number.to_bytes(8, "big"),
        "start_ns": hour * 10**9 + number, "duration_ns": round(duration_s * 1e9), "service": "shop", "name": "GET /",
        "kind": 2, "status": 0, "root": True, "operation": "GET /", "tier": "", "weight": 1.0, **more,
    }  # fmt: skip


def point(values: Mapping[int, int], *, scale: int = 5, hour: int = HOUR, **more: Any) -> Row:
    """A point of an exponential histogram: counts by index, each value in the middle of its bucket."""
    middles = {index: 2 ** ((index + 0.5) / 2**scale) for index in values}
    low, high = min(values), max(values)
    return {
        "minute": hour, "service": "shop", "metric": semconv.METRIC_DURATION, "operation": "GET /", "kind": "server",
        "status": "ok", "shape": "exponential", "scale": scale, "count": sum(values.values()), "zero_count": 0,
        "total": sum(middles[index] * number for index, number in values.items()), "minimum": min(middles.values()),
        "maximum": max(middles.values()), "first_index": low,
        "counts": [values.get(index, 0) for index in range(low, high + 1)], "first_ns": hour * 10**9,
        "last_ns": hour * 10**9 + 60 * 10**9, **more,
    }  # fmt: skip


def counter(value: float, *, hour: int = HOUR, **more: Any) -> Row:
    """A point of a counter."""
    return {
        "minute": hour, "service": "shop", "metric": semconv.METRIC_KEPT, "operation": "GET /", "kind": "server",
        "status": "ok", "shape": "sum", "value": value, "first_ns": hour * 10**9, "last_ns": hour * 10**9 + 1, **more,
    }  # fmt: skip


def event(number: int, ordinal: int = 0, *, hour: int = HOUR, **more: Any) -> Row:
    """A finding event of a trace."""
    return {
        "start_ns": hour * 10**9 + number, "trace_id": number.to_bytes(16, "big"),
        "span_id": number.to_bytes(8, "big"), "ordinal": ordinal, "service": "shop", "operation": "GET /",
        "kind": "n_plus_one", "fingerprint": "f1", "file": "shop/views.py", "line": 7, "function": "cart",
        "repeats": 10, "statements": 1, "queries": 10, "total_ms": 20.0, "summary": "SELECT item",
        "statement": "select ?", "verb": "select", "db_system": "postgresql", "stack": ["shop/views.py:7"], **more,
    }  # fmt: skip


def enter(store: Store, kind: str, rows: Sequence[Row], *, hour: int = HOUR, tier: str = "") -> int:
    """Detail of one hour, live; the id of its file."""
    with Journal.opened(store, create=True) as journal:
        return journal.commit(Change("ingest", [_file(store, kind, rows, hour, tier)]))[0]


def _file(store: Store, kind: str, rows: Sequence[Row], hour: int, tier: str) -> NewFile:
    table, place = table_of(kind, Level.DETAIL), new_place(kind, Level.DETAIL, hour, tier)
    columns = {name: [row.get(name) for row in rows] for name in table.schema.names}
    written = parquet.write(store, pa.table(columns, schema=table.schema), table)
    parquet.publish(store, written, place)
    return NewFile(
        kind=kind,
        level=Level.DETAIL,
        period=hour,
        tier=tier,
        path=place,
        rows=written.rows,
        bytes=written.bytes,
        sha256=written.sha256,
        totals=totals_of(kind, Level.DETAIL, store.path(place)),
        first_ns=hour * 10**9,
        last_ns=max(row.get("start_ns", hour * 10**9) + row.get("duration_ns", 1) for row in rows),
        made_by="ingest",
    )


def expire(store: Store, numbers: Sequence[int]) -> None:
    """Take files away, as retention does."""
    with Journal.opened(store, create=True) as journal:
        for file in journal.files():
            if file.id in numbers:
                store.path(file.path).unlink()
        journal.commit(Change("retention", expired=dict.fromkeys(numbers, "age")))


def rolled(store: Store, now: float = LATER, **options: Any) -> RollResult:
    """Roll up; *options* are those of the section ``store``."""
    config = Config()
    return roll(store, replace(config, store=replace(config.store, **options)), now)


def files(store: Store, kind: str, level: int) -> list[StoredFile]:
    """The live files."""
    with Journal.opened(store) as journal:
        return journal.files(kind=kind, level=level)


def rows(store: Store, kind: str, level: int, columns: str, where: str = "true") -> list[tuple[Any, ...]]:
    """Columns of all rows of the live files, sorted."""
    places = [str(store.path(file.path)) for file in files(store, kind, level)]
    return sorted(
        duckdb.connect().execute(f"SELECT {columns} FROM read_parquet({places}) WHERE {where}").fetchall(), key=repr
    )


def whole(store: Store, kind: str, sums: str, where: str = "true") -> tuple[Any, ...]:
    """*sums* over everything that the store has of one kind of rollup, which must all be rolled up."""
    with Journal.opened(store) as journal:
        contents = journal.contents()
    chosen = roots(contents.files, contents.coverage, contents.replaced, kind)
    assert all(file.level > 0 for file in chosen)
    places = [str(store.path(file.path)) for file in chosen]
    return duckdb.connect().execute(f"SELECT {sums} FROM read_parquet({places}) WHERE {where}").fetchall()[0]
