"""A small store with everything in it, made row by row: two batches, a compaction, an hour, a day, and what expired."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa

from otel_verein import semconv
from otel_verein.store import parquet
from otel_verein.store.journal import Journal
from otel_verein.store.layout import Store, new_place, period_of
from otel_verein.store.records import Aside, Change, NewFile, Run, Segment, StoredFile, Taken
from otel_verein.store.segments import head_of
from otel_verein.store.tables import Table, table_of
from otel_verein.store.totals import totals_of

HOUR = int(datetime(2026, 3, 1, 10, tzinfo=timezone.utc).timestamp())
"""The hour (epoch seconds) of all that is in it."""

LINES = b'{"resourceSpans":[]}\n' * 250
"""What its segment holds."""

Rows = list[dict[str, Any]]


def spans(numbers: Iterable[int], tier: str) -> Rows:
    """One root span for each number."""
    return [
        {
            "trace_id": number.to_bytes(16, "big"), "span_id": number.to_bytes(8, "big"),
            "start_ns": HOUR * 10**9 + number, "duration_ns": 1_000_000, "service": "shop", "name": "GET /",
            "kind": 2, "status": 1, "root": True, "operation": "GET /", "tier": tier, "weight": 1.0,
        }
        for number in numbers
    ]  # fmt: skip


def duration(count: float, total: float, **more: Any) -> dict[str, Any]:
    """What the measured durations of one operation were."""
    return {
        "service": "shop", "metric": semconv.METRIC_DURATION, "operation": "GET /", "shape": "exponential", "scale": 6,
        "count": count, "zero_count": 0, "total": total, "first_index": 0, "counts": [count],
        "first_ns": HOUR * 10**9, "last_ns": HOUR * 10**9 + 5, **more,
    }  # fmt: skip


def finding(number: int) -> dict[str, Any]:
    """One event of an N+1."""
    return {
        "start_ns": HOUR * 10**9 + number, "trace_id": number.to_bytes(16, "big"), "span_id": number.to_bytes(8, "big"),
        "ordinal": 0, "service": "shop", "operation": "GET /", "kind": "n_plus_one", "fingerprint": "ab", "repeats": 6,
    }  # fmt: skip


def parquet_file(
    store: Store, kind: str, level: int, rows: Rows, *, tier: str = "", duplicates: int = 0, period: int = HOUR
) -> NewFile:
    """A file of *rows* at its place, which the journal does not know yet."""
    table = table_of(kind, level)
    written = parquet.write(store, arrow(table, rows), table, footer={parquet.DUPLICATES: str(duplicates)})
    place = new_place(kind, level, period, tier)
    parquet.publish(store, written, place)
    totals = totals_of(kind, level, store.path(place))
    first = HOUR * 10**9
    made_by = "rollup" if level else "ingest"
    return NewFile(
        kind,
        level,
        period,
        tier,
        place,
        written.rows,
        written.bytes,
        written.sha256,
        totals,
        first,
        first + 10,
        made_by,
    )


def arrow(table: Table, rows: Rows) -> pa.Table:
    """The rows as a table; columns that they leave out are null."""
    columns = {name: [row.get(name) for row in rows] for name in table.schema.names}
    return pa.table(columns, schema=table.schema)


def small_store(root: Path) -> Store:
    """The store at *root*, its segment beside it; nothing is wrong with it."""
    store = Store(root)
    with Journal.opened(_made(store), create=True) as journal:
        first = journal.commit(_batch_one(store))
        second = journal.commit(_batch_two(store))
        files = {"long": first[0], "points": first[2], "findings": first[3], "more points": second[1]}
        merged = parquet_file(store, "spans", 0, spans(range(10, 18), "short"), tier="short", duplicates=2)
        change = Change("compact", [merged], {first[1]: 0, second[0]: 0}, compaction=True)
        files["short"] = journal.commit(change)[0]
        hours = journal.commit(_hour(store, files))
        gone = {files[name]: "detail_d" for name in ("points", "findings", "short")}
        journal.commit(Change("retention", expired=gone))
        day = journal.commit(_day(store, hours))
        assert len(day) == 3
        journal.commit(Change("retention", expired={hours[1]: "hourly_d"}))
        journal.ran(Run("ingest", HOUR + 10.0, HOUR + 20.0, None, {"spans": 13}))
        for file in journal.files(state=None):
            if file.state != "live":
                store.path(file.path).unlink()
    return store


def copied(store: Store, folder: Path) -> Store:
    """A copy of a small store in *folder*, which knows the copy of its segment."""
    shutil.copytree(store.root, folder / "store")
    shutil.copytree(segment_of(store).parent, folder / "segments")
    copy = Store(folder / "store")
    at = segment_of(copy).stat()
    with closing(sqlite3.connect(copy.journal)) as database, database:
        database.execute(
            "UPDATE segments SET path = ?, device = ?, inode = ?", [str(segment_of(copy)), at.st_dev, at.st_ino]
        )
    return copy


def live(store: Store, kind: str, level: int, tier: str = "") -> StoredFile:
    """The first live file of that kind, level and tier."""
    with Journal.opened(store) as journal:
        return next(file for file in journal.files(kind=kind, level=level) if file.tier == tier)


def segment_of(store: Store) -> Path:
    """The segment that all of it came from."""
    return store.root.parent / "segments" / "spans.jsonl"


def _made(store: Store) -> Store:
    segment = segment_of(store)
    segment.parent.mkdir(parents=True)
    segment.write_bytes(LINES)
    store.aside.mkdir(parents=True)
    (store.aside / "one.jsonl").write_bytes(b'{"reason": "no id"}\n' * 2)
    store.baselines.mkdir()
    (store.baselines / "before-release.json").write_bytes(b"{}\n")
    return store


def _batch_one(store: Store) -> Change:
    segment = segment_of(store)
    at = segment.stat()
    tallies = {
        "lines": 250, "bytes": len(LINES), "spans": 8, "findings": 2, "others": 1, "operations": 40,
        "observations": 40, "seconds": 4.5, "spans_aside": 2,
    }  # fmt: skip
    size, content = at.st_size, hashlib.sha256(LINES).hexdigest()
    whole = Segment(
        1, str(segment), at.st_dev, at.st_ino, size, size, at.st_mtime_ns, head_of(segment, size), content, "taken"
    )
    taken = Taken(tallies, [whole], [Aside("spans", "no id", 2, "one.jsonl")])
    files = [
        parquet_file(store, "spans", 0, spans(range(3), "long"), tier="long"),
        parquet_file(store, "spans", 0, spans(range(10, 15), "short"), tier="short"),
        parquet_file(store, "points", 0, [duration(40, 4.5, minute=HOUR)]),
        parquet_file(store, "findings", 0, [finding(1), finding(2)]),
        parquet_file(store, "others", 0, [{"time_ns": HOUR * 10**9, "service": "shop", "metric": "cpu"}]),
    ]
    return Change("ingest", files, taken=taken)


def _batch_two(store: Store) -> Change:
    taken = Taken({"lines": 5, "bytes": 0, "spans": 5, "operations": 2, "observations": 2, "seconds": 0.1})
    files = [
        parquet_file(store, "spans", 0, spans(range(14, 18), "short"), tier="short", duplicates=1),
        parquet_file(store, "points", 0, [duration(2, 0.1, minute=HOUR + 60)]),
    ]
    return Change("ingest", files, taken=taken)


def _hour(store: Store, files: Mapping[str, int]) -> Change:
    covers = [("long", "short", "points", "more points"), ("findings",), ("long", "short")]
    return Change("rollup", _rolled(store, 1, HOUR), covers={at: _ids(files, names) for at, names in enumerate(covers)})


def _day(store: Store, hours: list[int]) -> Change:
    return Change(
        "rollup", _rolled(store, 2, period_of(HOUR, 2)), covers={at: frozenset([hours[at]]) for at in range(3)}
    )


def _rolled(store: Store, level: int, period: int) -> list[NewFile]:
    series = duration(42.0, 4.6, period=period, basis="metrics", samples=2)
    found = {"period": period, "service": "shop", "operation": "GET /", "events": 2, "repeats_sum": 12}
    entity = {"period": period, "service": "shop", "operation": "GET /", "count": 11.0, "samples": 11}
    return [
        parquet_file(store, kind, level, [row], period=period)
        for kind, row in (("series", series), ("findings", found), ("entities", entity))
    ]


def _ids(files: Mapping[str, int], names: Iterable[str]) -> frozenset[int]:
    return frozenset(files[name] for name in names)
