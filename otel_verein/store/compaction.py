"""Many small files become one: fewer footers to read, better compression, and each span once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from otel_verein.config.sections.storing import Store as StoreConfig
from otel_verein.store import parquet
from otel_verein.store.balance import imbalances
from otel_verein.store.compacting.groups import Group, groups
from otel_verein.store.compacting.rows import Rows
from otel_verein.store.compacting.sql import RowOrder
from otel_verein.store.duck import in_memory
from otel_verein.store.journal import Journal
from otel_verein.store.layout import Store, new_place
from otel_verein.store.records import Change, NewFile, StoredFile, Totals
from otel_verein.store.removal import remove
from otel_verein.store.tables import table_of
from otel_verein.store.totals import totals_of

__all__ = ["CompactResult", "Group", "compact", "groups"]

_T = TypeVar("_T")

_SEE = "`otel-verein store verify` says more"

_MB = 1_000_000
_SORTING_PERCENT = 50
_CACHE_PERCENT = 15
"""Of the memory it may take: what DuckDB sorts in, spilling the rest, and rows on their way; writing takes the rest."""


@dataclass(slots=True)
class CompactResult:
    """What was merged; ``problems`` are sentences about groups that were left as they are."""

    files_before: int = 0
    files_after: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    rows: int = 0
    duplicates: int = 0
    problems: tuple[str, ...] = ()

    def figures(self) -> dict[str, Any]:
        """The numbers by name."""
        return {
            "files_before": self.files_before,
            "files_after": self.files_after,
            "bytes_before": self.bytes_before,
            "bytes_after": self.bytes_after,
            "rows": self.rows,
            "duplicates": self.duplicates,
            "problems": len(self.problems),
        }


def compact(
    store: Store,
    now: float,
    config: StoreConfig | None = None,
    *,
    settled_s: float = 0.0,
    stop: Callable[[], bool] | None = None,
) -> CompactResult:
    """Merge what :func:`groups` names; the caller holds the lock of *store*.

    *now* is in epoch seconds. *stop* is asked many times; what is unfinished then is left as it was. Raises StoreError
    when the disk or the journal does not take it; what was merged until then stays merged.
    """
    result = CompactResult()
    asked = stop or (lambda: False)
    limits = config or StoreConfig()
    parquet.take_little(limits.threads)
    with Journal.opened(store, create=True) as journal, _database(store, limits) as database:
        work = _Work(store, journal, database, limits.memory_mb * _MB * _CACHE_PERCENT // 100, asked)
        for group in groups(journal.contents(), now, settled_s):
            if asked():
                break
            try:
                work.merge(group, result)
            except _Stopped:
                break
            except _Unfit as fault:
                result.problems += (str(fault),)
    return result


class _Stopped(Exception):
    """The user wants it to end."""


class _Unfit(Exception):
    """A group that is left as it is; the message says why."""


@dataclass(frozen=True, slots=True)
class _Work:
    """What a merge is made with."""

    store: Store
    journal: Journal
    database: duckdb.DuckDBPyConnection
    cache_bytes: int
    stop: Callable[[], bool]

    def merge(self, group: Group, result: CompactResult) -> None:
        """Merge one group and count it."""
        self._check(group)
        try:
            new, duplicates = self._written(group)
        except duckdb.Error as fault:
            raise _unfit(group, str(fault).splitlines()[0]) from fault
        replaced = {file.id: 0 for file in group.files}
        self.journal.commit(Change(job="compaction", add=[new], replaced=replaced, compaction=True))
        for file in group.files:
            remove(self.store, file.path)
        result.files_before += len(group.files)
        result.files_after += 1
        result.bytes_before += sum(file.bytes for file in group.files)
        result.bytes_after += new.bytes
        result.rows += new.rows
        result.duplicates += duplicates

    def _check(self, group: Group) -> None:
        """Refuse a file that is not what was written: a copy of it would hide that."""
        for file in (*group.files, *group.longer):
            try:
                found = parquet.digest(self.store.path(file.path))
            except OSError as fault:
                raise _Unfit(f"{file.path}: cannot be read: {fault.strerror or fault}; {_SEE}") from fault
            if found != file.sha256:
                raise _Unfit(f"{file.path}: is not what was written; {_SEE}")

    def _written(self, group: Group) -> tuple[NewFile, int]:
        """The merged file in its place, checked, and how many rows were left out of it."""
        first = group.files[0]
        table = table_of(first.kind, first.level)
        files = _paths(self.store, group.files)
        order = RowOrder(self.database, first.kind, first.level, files, _paths(self.store, group.longer))
        rows = Rows(files, table, self.cache_bytes)
        footer = None
        if "duplicates" in first.totals:
            duplicates = sum(int(file.totals["duplicates"]) for file in group.files) + order.left_out
            footer = {parquet.DUPLICATES: str(duplicates)}
        pieces = (rows.fetched(piece) for piece in self._until_stop(order.pieces(rows.piece)))
        written = parquet.write(self.store, pieces, table, footer=footer)
        try:
            totals = _balanced(group, written, order.left_out)
            path = new_place(first.kind, first.level, first.period, first.tier)
            parquet.publish(self.store, written, path)
        except BaseException:
            written.path.unlink(missing_ok=True)
            raise
        return _entry(group, written, path, totals), order.left_out

    def _until_stop(self, pieces: Iterable[_T]) -> Iterator[_T]:
        for piece in pieces:
            if self.stop():
                raise _Stopped
            yield piece


def _balanced(group: Group, written: parquet.Written, left_out: int) -> Totals:
    """The sums of the merged file, which are those of its parts."""
    first = group.files[0]
    totals = totals_of(first.kind, first.level, written.path)
    wrong = list(imbalances(first.kind, totals, group.files))
    if written.rows != group.rows - left_out:
        wrong.insert(0, f"{written.rows} rows instead of {group.rows - left_out}")
    if wrong:
        raise _unfit(group, f"it would hold {'; '.join(wrong)}")
    return totals


def _entry(group: Group, written: parquet.Written, path: str, totals: Totals) -> NewFile:
    first = group.files[0]
    return NewFile(
        kind=first.kind,
        level=first.level,
        period=first.period,
        tier=first.tier,
        path=path,
        rows=written.rows,
        bytes=written.bytes,
        sha256=written.sha256,
        totals=totals,
        first_ns=min(file.first_ns for file in group.files),
        last_ns=max(file.last_ns for file in group.files),
        made_by="compaction",
    )


def _unfit(group: Group, why: str) -> _Unfit:
    return _Unfit(f"{group.files[0].path} and {len(group.files) - 1} more: cannot be merged: {why}")


def _paths(store: Store, files: tuple[StoredFile, ...]) -> list[Path]:
    return [store.path(file.path) for file in files]


@contextmanager
def _database(store: Store, limits: StoreConfig) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory that spills into the store's own place for unfinished files."""
    with in_memory(
        store.spilling("spill-"),
        memory_limit=f"{limits.memory_mb * _SORTING_PERCENT // 100}MB",
        threads=limits.threads,
        preserve_insertion_order=False,
    ) as database:
        yield database
