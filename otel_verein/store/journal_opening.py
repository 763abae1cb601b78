"""Opening a journal: made if need be, never where files already are, and never of a version that is not ours."""

from __future__ import annotations

import sqlite3
import time
from typing import Final

from otel_verein.errors import StoreError
from otel_verein.store.journal_sql import SCHEMA, VERSION
from otel_verein.store.layout import Store

_BUSY_S: Final = 10.0
"""How long a reader waits for a transaction of a writer; those take milliseconds."""


def connected(store: Store, create: bool) -> sqlite3.Connection:
    """The database, made with its tables if *create* says so; raises StoreError."""
    if not create and not store.exists:
        raise _absent(store)
    try:
        if create:
            return _checked(store, _database(store, "rwc"), create)
        try:
            return _checked(store, _database(store, "ro"), create)
        except sqlite3.OperationalError as fault:
            if "readonly" not in str(fault):
                raise
            # A writer died in the middle of a change, which who only reads cannot undo.
            return _checked(store, _database(store, "rw"), create)
    except sqlite3.Error as fault:
        raise told(store, fault) from fault


def _database(store: Store, mode: str) -> sqlite3.Connection:
    name = str(store.journal.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    return sqlite3.connect(f"file:{name}?mode={mode}", uri=True, timeout=_BUSY_S, isolation_level=None)


def _checked(store: Store, database: sqlite3.Connection, create: bool) -> sqlite3.Connection:
    """*database*, which has the tables of a version that is known; closed where it has not."""
    try:
        if create:
            database.execute("PRAGMA synchronous = EXTRA")
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
            if not create:
                raise _absent(store)
            _make(store, database)
        version = str(database.execute("SELECT value FROM meta WHERE key = 'version'").fetchone()[0])
        if version != str(VERSION):
            raise StoreError(
                f"{store.root}: the store has version {version}, this otel-verein knows version {VERSION}; "
                "install the one that made it"
            )
    except BaseException:
        database.close()
        raise
    return database


def _make(store: Store, database: sqlite3.Connection) -> None:
    if there := store.files():
        raise StoreError(
            f"{store.root}: has {len(there)} files and no journal, so nothing says which of them count; restore a "
            "backup with `otel-verein store restore`, or move the directory away to begin anew"
        )
    database.execute("BEGIN IMMEDIATE")
    try:
        for statement in SCHEMA:
            database.execute(statement)
        database.executemany(
            "INSERT OR IGNORE INTO meta VALUES (?, ?)", [("version", str(VERSION)), ("made_s", str(time.time()))]
        )
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _absent(store: Store) -> StoreError:
    return StoreError(f"{store.root}: there is no store here; `otel-verein store ingest` makes one")


def told(store: Store, fault: Exception) -> StoreError:
    """What SQLite says, with the likely cure."""
    text = str(fault)
    if "full" in text or "disk I/O" in text:
        cure = "make room on the disk; nothing was lost"
    elif "locked" in text:
        cure = "another process holds it; try again"
    elif "readonly" in text:
        cure = "a writer died in the middle of a change; any `otel-verein store` command of its owner puts it right"
    elif "unable to open" in text:
        cure = "check who may write there"
    else:
        cure = "restore a backup with `otel-verein store restore`"
    return StoreError(f"{store.journal}: the journal cannot be used: {text}; {cure}")
