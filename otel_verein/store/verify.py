"""Whether a store is whole: every row accounted for from segment to month, and the journal true to the disk.

Writers and readers may go on meanwhile: what is told was so in a moment in which the journal said otherwise.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from otel_verein.errors import StoreError
from otel_verein.store.journal import Journal
from otel_verein.store.layout import Store
from otel_verein.store.records import Batch, Segment
from otel_verein.store.verifying.files import FileCheck, segment_problems
from otel_verein.store.verifying.journal import aside_problems, journal_problems
from otel_verein.store.verifying.records import Discrepancy, Ledger
from otel_verein.store.verifying.records import Verdict as Verdict

_ROUNDS = 5
"""How often files that came while others were looked at are looked at, too."""

_FEW = 10
_CORRUPT = "restore a backup"
_LEFT = "the next job that writes deletes it; if 'store verify' says nothing else, nothing is missing"


@dataclass(frozen=True, slots=True)
class _Books:
    """All that is compared, of one moment."""

    ledger: Ledger
    batches: tuple[Batch, ...]
    asides: tuple[tuple[int, str, str, int, str | None], ...]
    segments: tuple[Segment, ...]


def verify(store: Store, quick: bool = False, stop: Callable[[], bool] | None = None) -> Verdict:
    """Look at everything in *store* and say what is wrong; raises StoreError when there is none or no journal to read.

    ``quick`` believes in the content of files of the right size; otherwise all of them are read, in bounded memory.
    With *stop*, which is asked between two files, what was looked at until then.
    """
    try:
        with Journal.opened(store) as journal:
            damage = [_damage(store, fault) for fault in journal.integrity()[:_FEW]]
            return Verdict(tuple(damage), (), {}) if damage else _verified(store, journal, quick, stop)
    except StoreError as fault:
        if not _is_damage(fault.__cause__):
            raise
        return Verdict((_damage(store, str(fault.__cause__)),), (), {})


def _verified(store: Store, journal: Journal, quick: bool, stop: Callable[[], bool] | None) -> Verdict:
    stopped = stop or (lambda: False)
    checked: Counter[str] = Counter()
    notes: list[str] = []
    problems: list[Discrepancy] = []
    problems += _files(store, journal, quick, stopped, checked, notes)
    books = _books(journal)
    problems += journal_problems(books.ledger, books.batches)
    problems += aside_problems(books.batches, books.asides)
    problems += _asides(store, books, quick, checked)
    problems += _segments(journal, books, quick, stopped, checked)
    problems += _orphans(store, journal, notes)
    checked["batches"] = len(books.batches)
    checked["rollups"] = len(books.ledger.coverage)
    return Verdict(tuple(problems), tuple(notes), dict(checked))


def _books(journal: Journal) -> _Books:
    with journal.snapshot():
        files = {file.id: file for file in journal.files(state=None)}
        ledger = Ledger(files, journal.coverage(), journal.folded("batch"), journal.folded("file"))
        return _Books(ledger, tuple(journal.batches()), tuple(journal.asides()), tuple(journal.segments()))


def _damage(store: Store, what: str) -> Discrepancy:
    return Discrepancy("journal", str(store.journal), "a whole database", what, _CORRUPT)


def _is_damage(fault: BaseException | None) -> bool:
    """Whether SQLite found the database itself to be wrong, and not only that it cannot be had now."""
    return isinstance(fault, sqlite3.DatabaseError) and not isinstance(fault, sqlite3.OperationalError)


def _files(
    store: Store, journal: Journal, quick: bool, stopped: Callable[[], bool], checked: Counter[str], notes: list[str]
) -> Iterator[Discrepancy]:
    """What is wrong with files that were live before and after they were looked at."""
    seen: set[int] = set()
    for _ in range(_ROUNDS):
        waiting = [file for file in journal.files() if file.id not in seen]
        if not waiting:
            return
        found: dict[int, tuple[Discrepancy, ...]] = {}
        with FileCheck(store, quick) as check:
            for file in waiting:
                if stopped():
                    notes.append("stopped before all files were looked at")
                    return
                seen.add(file.id)
                found[file.id] = check.problems(file)
        live = {file.id for file in journal.files()}
        for file in waiting:
            if file.id in live:
                checked["files"] += 1
                checked["rows"] += file.rows
                checked["bytes"] += file.bytes
                yield from found[file.id]
    missed = sum(file.id not in seen for file in journal.files())
    if missed:
        notes.append(f"{missed} files came while others were looked at; run it again to see them, too")


def _segments(
    journal: Journal, books: _Books, quick: bool, stopped: Callable[[], bool], checked: Counter[str]
) -> Iterator[Discrepancy]:
    found: list[Segment] = []
    for segment in books.segments:
        if stopped():
            return
        checked["segments"] += 1
        found += [segment for _ in segment_problems(segment, quick)]
    now = {segment.id: segment for segment in journal.segments()} if found else {}
    for segment in found:
        if now.get(segment.id) == segment:  # else ingest has been at it meanwhile
            yield from segment_problems(segment, quick)


def _asides(store: Store, books: _Books, quick: bool, checked: Counter[str]) -> Iterator[Discrepancy]:
    """What was set aside is still in its file, as long as there is one."""
    expected: Counter[str] = Counter()
    for _, _, _, items, name in books.asides:
        checked["aside"] += items
        if name is not None:
            expected[name] += items
    for name, items in expected.items() if not quick else ():
        path = store.aside / name
        if Path(name).name != name:
            yield Discrepancy("path", repr(name), "a file below aside", "another place", _CORRUPT)
        elif path.is_file() and (lines := _lines(path)) < items:
            yield Discrepancy("aside", f"aside/{name}", f"{items} items", f"{lines} lines", "restore it from a backup")


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1024 * 1024), b""))


def _orphans(store: Store, journal: Journal, notes: list[str]) -> Iterator[Discrepancy]:
    """Files that do not count: a note while somebody may be at it, else what a job that died has left."""
    with _undisturbed(store) as alone:
        there = store.files()
        known = {file.path for file in journal.files()}
    orphans = [name for name in there if name not in known]
    if orphans and not alone:
        notes.append(f"{len(orphans)} files are not in the journal; a job may be at it")
    for name in orphans if alone else ():
        yield Discrepancy("no row", name, "a live row in the journal", "none", _LEFT)


@contextmanager
def _undisturbed(store: Store) -> Iterator[bool]:
    """Keep writers out for a moment, if there is none now; it takes no more than the right to read."""
    try:
        handle = os.open(store.lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        yield False
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            alone = True
        except OSError:
            alone = False
        yield alone
    finally:
        os.close(handle)
