"""Whether a store would answer anything else than before, told without reading a file of it."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Hashable, Iterable, Iterator, Sequence
from pathlib import Path

from otel_verein.store.journal_opening import connected, told
from otel_verein.store.layout import Store
from otel_verein.store.segments import ENDINGS, QUIET_S

_JOURNAL = """
SELECT (SELECT value FROM meta WHERE key = 'made_s'), (SELECT max(id) FROM batches), (SELECT max(id) FROM files),
    (SELECT count(*) FROM files WHERE state = 'live')
"""
"""Files only ever come with a higher id and go one by one, so their number and the highest id tell each state."""


def state_of(store: Store, segments: Sequence[Path]) -> Hashable:
    """What is equal as long as the *store*, with what is below *segments*, answers the same.

    Raises StoreError when the journal cannot be read.
    """
    journal = connected(store, False)
    try:
        (row,) = journal.execute(_JOURNAL).fetchall()
    except sqlite3.Error as fault:
        raise told(store, fault) from fault
    finally:
        journal.close()
    try:
        aside = store.aside.stat().st_mtime_ns
    except OSError:
        aside = 0
    return (*row, aside, state_of_files(segments))


def state_of_files(places: Iterable[Path]) -> Hashable:
    """Path, size and time of every segment at or below *places*, and whether somebody may be writing to it yet."""
    now_s = time.time()
    return frozenset(entry for place in places for entry in _entries(str(place), now_s))


def _entries(place: str, now_s: float) -> Iterator[tuple[str, int, int, bool]]:
    try:
        with os.scandir(place) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from _entries(entry.path, now_s)
                elif entry.name.endswith(ENDINGS):
                    yield _entry(entry.path, entry.stat(follow_symlinks=False), now_s)
    except NotADirectoryError:
        yield _entry(place, os.stat(place), now_s)
    except FileNotFoundError:
        return


def _entry(path: str, status: os.stat_result, now_s: float) -> tuple[str, int, int, bool]:
    return path, status.st_size, status.st_mtime_ns, now_s - status.st_mtime < QUIET_S
