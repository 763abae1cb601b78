"""Whether the files on disk are those that the journal speaks of."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from otel_verein.store.layout import Store, is_place
from otel_verein.store.parquet import digest
from otel_verein.store.records import Segment, StoredFile
from otel_verein.store.segments import head_of
from otel_verein.store.totals import same, totals_of
from otel_verein.store.verifying.records import Discrepancy

_DAMAGED = "restore it from a backup"
_MEMORY = "200MB"  # sums need far less; this is what one row group may take


class FileCheck:
    """Looks at one file of a store after another; ``quick`` leaves out what has to read all of it.

    A context manager: it holds a database in memory.
    """

    def __init__(self, store: Store, quick: bool) -> None:
        self._store = store
        self._quick = quick
        self._database = duckdb.connect(
            ":memory:", config={"threads": 1, "memory_limit": _MEMORY, "temp_directory": ""}
        )
        self._database.execute("SET enable_progress_bar = false")

    def __enter__(self) -> FileCheck:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def problems(self, file: StoredFile) -> tuple[Discrepancy, ...]:
        """What is wrong with *file*; the first thing only, since the rest follows from it."""
        if not is_place(file.path):
            return ()  # the journal's own check tells it, and nothing outside the store is touched
        return tuple(self._first(file, self._store.path(file.path)))[:1]

    def _first(self, file: StoredFile, path: Path) -> Iterator[Discrepancy]:
        try:
            status = path.lstat()
            if not stat.S_ISREG(status.st_mode):
                yield _wrong("file missing", file, "a regular file", "something else")
                return
            if status.st_size != file.bytes:
                yield _wrong("file size", file, f"{file.bytes} bytes", f"{status.st_size} bytes")
            if not self._quick and digest(path) != file.sha256:
                yield _wrong("file hash", file, f"SHA-256 {file.sha256[:12]}", f"SHA-256 {digest(path)[:12]}")
            rows = pq.read_metadata(path).num_rows
            if rows != file.rows:
                yield _wrong("file rows", file, str(file.rows), str(rows))
            if not self._quick:
                yield from self._totals(file, path)
        except FileNotFoundError:
            yield _wrong("file missing", file, "a file", "none")
        except (OSError, pa.ArrowException, duckdb.Error) as fault:
            yield _wrong("file unreadable", file, "a Parquet file", str(fault).splitlines()[0])

    def _totals(self, file: StoredFile, path: Path) -> Iterator[Discrepancy]:
        found = totals_of(file.kind, file.level, path, self._database)
        for name in sorted(file.totals.keys() | found.keys()):
            expected = file.totals.get(name, 0)
            if not same(name, expected, found.get(name, 0)):
                yield _wrong("file totals", file, f"{name} {expected}", f"{name} {found.get(name, 0)}")


def _wrong(check: str, file: StoredFile, expected: str, found: str) -> Discrepancy:
    return Discrepancy(check, file.path, expected, found, _DAMAGED)


def segment_problems(segment: Segment, quick: bool) -> Iterator[Discrepancy]:
    """What is wrong with an input file, if it is still the one that was taken."""
    path = Path(segment.path)
    try:
        status = path.stat()
        if (status.st_dev, status.st_ino) != (segment.device, segment.inode) or not _begins_alike(path, segment):
            return  # another file, under its name or in its place on the disk
        if segment.state == "deleted":
            yield _segment("segment not deleted", segment, "no file", f"{status.st_size} bytes", "delete it")
        elif status.st_size < segment.offset:
            cure = "see what has shortened it: the lines are in the store"
            yield _segment("segment shrank", segment, f"{segment.offset} bytes", f"{status.st_size} bytes", cure)
        elif segment.state == "taken" and status.st_size > segment.offset:
            cure = "see what has written to it after it was closed"
            yield _segment("segment grew", segment, f"{segment.offset} bytes", f"{status.st_size} bytes", cure)
        elif segment.state == "taken" and not quick and segment.digest not in (None, digest(path)):
            cure = "see what has changed it: the store holds what it was"
            yield _segment("segment changed", segment, f"SHA-256 {str(segment.digest)[:12]}", "another", cure)
    except OSError:
        return  # gone, as segments go; what was taken of it is in the store


def _begins_alike(path: Path, segment: Segment) -> bool:
    return head_of(path, segment.offset) == segment.head


def _segment(check: str, segment: Segment, expected: str, found: str, cure: str) -> Discrepancy:
    return Discrepancy(check, segment.path, expected, found, cure)
