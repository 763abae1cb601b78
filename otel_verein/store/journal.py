"""The journal of a store: an SQLite database that says which files count, and where every row of them came from.

A change is one transaction, so it is there wholly or not at all, whenever a process dies. What counted once stays in
the journal after its file has gone, with its sums, so that the books can be checked from the first segment on.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from otel_verein.store.journal_entering import SEGMENT_COLUMNS, enter
from otel_verein.store.journal_opening import connected, told
from otel_verein.store.layout import Store
from otel_verein.store.records import Batch, Change, Contents, Process, Run, Segment, StoredFile

_T = TypeVar("_T")

_AT_ONCE = 500
"""Numbers that one statement is asked for; SQLite takes 999 at least."""

_FILE = (
    "id, kind, level, period, tier, path, rows, bytes, sha256, totals, first_ns, last_ns, made_by, batch, state, "
    "replaced_by, created_s, ended_s, reason"
)


class Journal:
    """An open journal; :meth:`close` it. Readers and writers of several processes may have it open."""

    def __init__(self, store: Store, database: sqlite3.Connection) -> None:
        self.store = store
        self._database = database

    @classmethod
    @contextmanager
    def opened(cls, store: Store, *, create: bool = False) -> Iterator[Journal]:
        """The journal of *store*; raises StoreError when there is none, or it cannot be used.

        With *create* it is made if there is none, and can be written to; otherwise it is only read.
        """
        journal = cls(store, connected(store, create))
        try:
            yield journal
        except sqlite3.Error as fault:
            raise told(store, fault) from fault
        finally:
            journal.close()

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All that is read inside is of one moment."""
        self._database.execute("BEGIN")
        try:
            yield
        finally:
            self._database.execute("ROLLBACK")

    def files(
        self, *, state: str | None = "live", kind: str | None = None, level: int | None = None
    ) -> list[StoredFile]:
        """The files of that state (None: of any), kind and level, in the order in which they were entered."""
        wanted = [("state", state), ("kind", kind), ("level", level)]
        given = [(column, value) for column, value in wanted if value is not None]
        where = " AND ".join(f"{column} = ?" for column, _ in given) or "true"
        rows = self._database.execute(
            f"SELECT {_FILE} FROM files WHERE {where} ORDER BY id", [value for _, value in given]
        )
        return [_file(row) for row in rows]

    def by_id(self, numbers: Collection[int]) -> dict[int, StoredFile]:
        """The files of those numbers that the journal knows, whatever their state."""
        wanted, found = sorted(numbers), {}
        for first in range(0, len(wanted), _AT_ONCE):
            some = wanted[first : first + _AT_ONCE]
            marks = ", ".join("?" * len(some))
            for row in self._database.execute(f"SELECT {_FILE} FROM files WHERE id IN ({marks})", some):
                found[row[0]] = _file(row)
        return found

    def coverage(self) -> dict[int, frozenset[int]]:
        """By the id of every rollup, the ids of what it was made from."""
        found: dict[int, set[int]] = {}
        for rollup, source in self._database.execute("SELECT rollup_id, input_id FROM coverage"):
            found.setdefault(rollup, set()).add(source)
        return {rollup: frozenset(sources) for rollup, sources in found.items()}

    def replacements(self) -> dict[int, int]:
        """By the id of every replaced file that some rollup still covers, the file that took its place."""
        rows = self._database.execute(
            "SELECT id, replaced_by FROM files WHERE state = 'replaced' AND id IN (SELECT input_id FROM coverage)"
        )
        return dict(rows.fetchall())

    def contents(self) -> Contents:
        """All that counts, of one moment."""
        with self.snapshot():
            return Contents(tuple(self.files()), self.coverage(), self.replacements())

    def segments(self, *, present: bool = False) -> list[Segment]:
        """Every segment that something was taken from; with *present*, those that were not deleted."""
        where = "WHERE state <> 'deleted'" if present else ""
        rows = self._database.execute(f"SELECT {SEGMENT_COLUMNS} FROM segments {where} ORDER BY id")
        return [Segment(*row) for row in rows]

    def highest_segment(self) -> int:
        """The highest number that a segment ever had."""
        return int(self._database.execute("SELECT coalesce(max(id), 0) FROM segments").fetchone()[0])

    def has_content(self, digest: str) -> bool:
        """Whether a segment with just this content was taken."""
        found = self._database.execute("SELECT 1 FROM segments WHERE digest = ? LIMIT 1", [digest]).fetchone()
        return found is not None

    def sizes_of_taken(self) -> frozenset[int]:
        """The sizes of all segments that were taken wholly: only a file of such a size can be one of them again."""
        rows = self._database.execute("SELECT DISTINCT size FROM segments WHERE digest IS NOT NULL")
        return frozenset(row[0] for row in rows)

    def batches(self) -> list[Batch]:
        """What each transaction of ingest took."""
        rows = self._database.execute("SELECT id, at_s, tallies FROM batches ORDER BY id")
        return [Batch(number, at_s, json.loads(tallies)) for number, at_s, tallies in rows]

    def asides(self) -> list[tuple[int, str, str, int, str | None]]:
        """What was set aside: batch, signal, reason, items, and the file below ``aside``."""
        return self._database.execute("SELECT batch, signal, reason, items, path FROM asides ORDER BY rowid").fetchall()

    def processes(self) -> list[Process]:
        """The last that each process said of its configuration, the latest first."""
        rows = self._database.execute(
            "SELECT key, service, instance, pid, host, digest, environment, state, seen_ns FROM processes "
            "ORDER BY service, seen_ns DESC, instance"
        )
        return [Process(*row) for row in rows]

    def cumulative(self, keys: Sequence[bytes] | None = None) -> dict[bytes, tuple[int, int, bytes]]:
        """By series, the last cumulative point: start and end in ns, and its state; of *keys*, or of all."""
        if keys is None:
            rows: Iterable[Any] = self._database.execute("SELECT key, start_ns, end_ns, state FROM cumulative")
            return {key: (start, end, state) for key, start, end, state in rows}
        found = {}
        for key in keys:
            row = self._database.execute("SELECT start_ns, end_ns, state FROM cumulative WHERE key = ?", [key])
            value = row.fetchone()
            if value is not None:
                found[key] = (value[0], value[1], value[2])
        return found

    def runs(self) -> dict[str, Run]:
        """The last run of every job, by its name."""
        rows = self._database.execute("SELECT job, began_s, ended_s, error, figures FROM runs")
        return {row[0]: Run(*(*row[:-1], json.loads(row[-1]))) for row in rows}

    def folded(self, owner: str) -> dict[tuple[int, str], dict[str, float]]:
        """By number and kind, the totals of files that the journal has no more: by batch, or by the file they became.

        *owner* is ``batch`` or ``file``.
        """
        rows = self._database.execute("SELECT number, kind, totals FROM folded WHERE owner = ?", [owner])
        return {(number, kind): json.loads(totals) for number, kind, totals in rows}

    def changed(self, act: Callable[[sqlite3.Connection], _T]) -> _T:
        """What *act* gives; what it does to the database is one transaction."""
        return self._transaction(lambda: act(self._database))

    def value(self, key: str) -> str | None:
        """One of the store's own values, such as when it was made."""
        row = self._database.execute("SELECT value FROM meta WHERE key = ?", [key]).fetchone()
        return None if row is None else str(row[0])

    def integrity(self) -> list[str]:
        """What SQLite itself finds wrong with the journal; empty when nothing is."""
        found = [str(row[0]) for row in self._database.execute("PRAGMA integrity_check")]
        return [] if found == ["ok"] else found

    def copy_to(self, other: sqlite3.Connection) -> None:
        """A copy of the journal as it stands."""
        self._database.backup(other)

    def commit(self, change: Change) -> list[int]:
        """Enter *change*, wholly or not at all; the ids of the files added, in their order."""
        return self._transaction(lambda: enter(self._database, change, self.store))

    def segment_states(self, states: Mapping[int, str]) -> None:
        """Enter that segments, by id, are in another state now, such as deleted."""
        self._transaction(
            lambda: self._database.executemany(
                "UPDATE segments SET state = ? WHERE id = ?", [(state, number) for number, state in states.items()]
            )
        )

    def ran(self, run: Run) -> None:
        """Enter that a job ran."""
        self._transaction(
            lambda: self._database.execute(
                "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?)",
                [run.job, run.began_s, run.ended_s, run.error, json.dumps(dict(run.figures))],
            )
        )

    def _transaction(self, act: Callable[[], _T]) -> _T:
        try:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                done = act()
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise
        except sqlite3.Error as fault:
            raise told(self.store, fault) from fault
        return done


def _file(row: tuple[Any, ...]) -> StoredFile:
    values = list(row)
    values[9] = json.loads(values[9])
    return StoredFile(*values)
