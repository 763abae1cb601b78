"""What a change does to the tables of the journal."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable
from typing import Final

from otel_verein.errors import StoreError
from otel_verein.store.layout import Store
from otel_verein.store.records import Change, NewFile, Taken

SEGMENT_COLUMNS: Final = "id, path, device, inode, size, taken, mtime_ns, head, digest, state"
"""In the order of the fields of a :class:`~otel_verein.store.records.Segment`."""


def enter(database: sqlite3.Connection, change: Change, store: Store) -> list[int]:
    """Enter *change* inside a transaction; the ids of the files added, in their order. Raises StoreError."""
    now = time.time()
    batch = None if change.taken is None else _enter_taken(database, change.taken, now)
    ids = [_enter_file(database, file, batch, now) for file in change.add]
    for index, sources in change.covers.items():
        _cover(database, ids[index], sources)
    for old, index in change.replaced.items():
        if not _end(database, old, "replaced", now, change.job, ids[index]):
            raise _gone(store, old)
        if change.compaction:
            _move_coverage(database, old, ids[index])
    for old, reason in change.expired.items():
        if not _end(database, old, "expired", now, reason, None):
            raise _gone(store, old)
    return ids


def _enter_file(database: sqlite3.Connection, file: NewFile, batch: int | None, now: float) -> int:
    cursor = database.execute(
        "INSERT INTO files (kind, level, period, tier, path, rows, bytes, sha256, totals, first_ns, last_ns, "
        "made_by, batch, state, created_s) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'live', ?)",
        [
            file.kind,
            int(file.level),
            file.period,
            file.tier,
            file.path,
            file.rows,
            file.bytes,
            file.sha256,
            json.dumps(dict(file.totals)),
            file.first_ns,
            file.last_ns,
            file.made_by,
            batch,
            now,
        ],
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def _end(database: sqlite3.Connection, number: int, state: str, now: float, reason: str, by: int | None) -> bool:
    """Whether the file was live."""
    ended = database.execute(
        "UPDATE files SET state = ?, ended_s = ?, reason = ?, replaced_by = ? WHERE id = ? AND state = 'live'",
        [state, now, reason, by, number],
    )
    return ended.rowcount == 1


def _gone(store: Store, number: int) -> StoreError:
    return StoreError(f"{store.root}: file {number} of the journal is not live; another writer was at it")


def _cover(database: sqlite3.Connection, rollup: int, sources: Iterable[int]) -> None:
    database.executemany(
        "INSERT OR IGNORE INTO coverage VALUES (?, ?)", [(rollup, source) for source in sorted(sources)]
    )


def _move_coverage(database: sqlite3.Connection, old: int, new: int) -> None:
    """What covered the old file covers the new one, and the new one covers what the old one did."""
    database.execute("INSERT OR IGNORE INTO coverage SELECT rollup_id, ? FROM coverage WHERE input_id = ?", [new, old])
    database.execute("INSERT OR IGNORE INTO coverage SELECT ?, input_id FROM coverage WHERE rollup_id = ?", [new, old])
    database.execute("DELETE FROM coverage WHERE input_id = ? OR rollup_id = ?", [old, old])


def _enter_taken(database: sqlite3.Connection, taken: Taken, now: float) -> int:
    cursor = database.execute(
        "INSERT INTO batches (at_s, tallies) VALUES (?, ?)", [now, json.dumps(dict(taken.tallies))]
    )
    batch = cursor.lastrowid
    assert batch is not None
    for segment in taken.segments:
        values = [
            segment.path,
            segment.device,
            segment.inode,
            segment.size,
            segment.offset,
            segment.mtime_ns,
            segment.head,
            segment.digest,
            segment.state,
        ]
        database.execute(
            f"INSERT OR REPLACE INTO segments ({SEGMENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [segment.id, *values],
        )
    database.executemany(
        "INSERT INTO asides VALUES (?, ?, ?, ?, ?)",
        [(batch, each.signal, each.reason, each.items, each.path) for each in taken.asides],
    )
    database.executemany(
        "INSERT INTO processes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET "
        "service = excluded.service, instance = excluded.instance, pid = excluded.pid, host = excluded.host, "
        "digest = excluded.digest, environment = excluded.environment, state = excluded.state, "
        "seen_ns = excluded.seen_ns WHERE excluded.seen_ns >= processes.seen_ns",
        [
            (p.key, p.service, p.instance, p.pid, p.host, p.digest, p.environment, p.state, p.seen_ns)
            for p in taken.processes
        ],
    )
    database.executemany(
        "INSERT OR REPLACE INTO cumulative VALUES (?, ?, ?, ?)",
        [(key, *state) for key, state in taken.cumulative.items()],
    )
    return batch
