"""The tables of the journal."""

from __future__ import annotations

from typing import Final

VERSION: Final = 1
"""Of these tables and of the columns in the Parquet files; a store of a later version is not touched."""

SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    """
    CREATE TABLE IF NOT EXISTS batches (
        id INTEGER PRIMARY KEY AUTOINCREMENT, at_s REAL NOT NULL, tallies TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS files (
        id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, level INTEGER NOT NULL, period INTEGER NOT NULL,
        tier TEXT NOT NULL, path TEXT NOT NULL UNIQUE, rows INTEGER NOT NULL, bytes INTEGER NOT NULL,
        sha256 TEXT NOT NULL, totals TEXT NOT NULL, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL,
        made_by TEXT NOT NULL, batch INTEGER REFERENCES batches (id), state TEXT NOT NULL,
        replaced_by INTEGER REFERENCES files (id), created_s REAL NOT NULL, ended_s REAL, reason TEXT
    )
    """,
    "CREATE INDEX IF NOT EXISTS files_by_state ON files (state, kind, level, period)",
    """
    CREATE TABLE IF NOT EXISTS coverage (
        rollup_id INTEGER NOT NULL REFERENCES files (id), input_id INTEGER NOT NULL REFERENCES files (id),
        PRIMARY KEY (rollup_id, input_id)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX IF NOT EXISTS coverage_by_input ON coverage (input_id)",
    """
    CREATE TABLE IF NOT EXISTS segments (
        id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL, device INTEGER NOT NULL, inode INTEGER NOT NULL,
        size INTEGER NOT NULL, taken INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, head TEXT NOT NULL, digest TEXT,
        state TEXT NOT NULL
    )
    """,
    "CREATE INDEX IF NOT EXISTS segments_by_digest ON segments (digest)",
    "CREATE INDEX IF NOT EXISTS segments_by_state ON segments (state)",
    """
    CREATE TABLE IF NOT EXISTS asides (
        batch INTEGER NOT NULL REFERENCES batches (id), signal TEXT NOT NULL, reason TEXT NOT NULL,
        items INTEGER NOT NULL, path TEXT
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS processes (
        key TEXT PRIMARY KEY, service TEXT NOT NULL, instance TEXT, pid INTEGER, host TEXT, digest TEXT NOT NULL,
        environment TEXT NOT NULL, state TEXT NOT NULL, seen_ns INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS cumulative (
        key BLOB PRIMARY KEY, start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL, state BLOB NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS runs (
        job TEXT PRIMARY KEY, began_s REAL NOT NULL, ended_s REAL NOT NULL, error TEXT, figures TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS folded (
        owner TEXT NOT NULL, number INTEGER NOT NULL, kind TEXT NOT NULL, totals TEXT NOT NULL,
        PRIMARY KEY (owner, number, kind)
    ) WITHOUT ROWID
    """,
)
