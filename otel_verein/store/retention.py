"""Deletion of what the plan says: the only place where a file that counts is taken away.

Before a file goes, the rollups that hold it are read from disk and compared with what they were made from. The journal
is told first, so that a process that dies leaves files that no longer count, never a journal that counts files which
are gone; whoever writes next deletes them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import duckdb

from otel_verein.errors import StoreError
from otel_verein.store.balance import imbalances
from otel_verein.store.journal import Journal
from otel_verein.store.layout import Store
from otel_verein.store.parquet import digest
from otel_verein.store.records import Change, StoredFile
from otel_verein.store.removal import remove
from otel_verein.store.retaining.plan import Action, AsideFile, Held, Plan, View, plan, units
from otel_verein.store.retaining.standing import Standing, unit_of
from otel_verein.store.totals import same, totals_of

__all__ = ["Action", "Applied", "AsideFile", "Held", "Plan", "View", "apply", "plan", "view"]

_BATCH: Final = 64
"""Files of one transaction: few enough that a stop is answered soon."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What was deleted, and what the plan named but was kept: a rollup that is damaged holds nothing."""

    files: int = 0
    asides: int = 0
    bytes: int = 0
    held: tuple[Held, ...] = ()

    def figures(self) -> dict[str, Any]:
        """The numbers by name."""
        return {"files": self.files, "asides": self.asides, "bytes": self.bytes, "held": len(self.held)}


@dataclass(slots=True)
class _Batch:
    """What one transaction deletes."""

    actions: list[Action] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)


def view(store: Store, journal: Journal) -> View:
    """What a plan is made from, as it stands now."""
    asides = []
    if store.aside.is_dir():
        for path in sorted(store.aside.glob("*.jsonl")):
            status = path.lstat()
            asides.append(AsideFile(path.name, status.st_size, status.st_mtime))
    others = (*store.root.glob(store.journal.name + "*"), store.lock, store.baselines)
    return View(journal.contents(), tuple(asides), sum(_size(path) for path in others))


def apply(store: Store, plan: Plan, *, stop: Callable[[], bool] | None = None) -> Applied:
    """Delete what *plan* says, as far as it may still go; the caller holds the lock of *store*.

    May be called again with the same plan after it was interrupted. *stop* is asked between transactions.
    """
    files, freed, held = 0, 0, []
    with Journal.opened(store, create=True) as journal:
        judge = _Judge(store, journal)
        for batch in _batches(judge, plan.actions, stop):
            held += batch.held
            if batch.actions:
                journal.commit(Change(job="retention", expired={each.file.id: each.why for each in batch.actions}))
                for action in batch.actions:
                    remove(store, action.file.path)
                    freed += action.file.bytes
                files += len(batch.actions)
    asides = [each for each in plan.asides if not (stop and stop()) and _unlink_aside(store, each)]
    return Applied(files, len(asides), freed + sum(each.bytes for each in asides), tuple(held))


def _batches(judge: _Judge, actions: Iterable[Action], stop: Callable[[], bool] | None) -> Iterator[_Batch]:
    """The actions that may be done, by transaction; what goes together is in the same one."""
    batch = _Batch()
    for _, together in groupby(actions, key=lambda action: unit_of(action.file)):
        if stop is not None and stop():
            break
        unit = [action for action in together if judge.is_live(action.file)]
        obstacle = judge.obstacle(unit)
        if obstacle is None:
            batch.actions += unit
        else:
            batch.held += [Held(action.file, f"{action.why}, but {obstacle}") for action in unit]
        if len(batch.actions) >= _BATCH:
            yield batch
            batch = _Batch()
    yield batch


class _Judge:
    """Says of files whether they may go, from what is on disk now; each rollup is read once."""

    def __init__(self, store: Store, journal: Journal) -> None:
        self._store = store
        self._journal = journal
        self._standing = Standing(journal.contents())
        self._units = {unit_of(unit[0]): unit for unit in units(self._standing.live.values())}
        self._found: dict[int, str | None] = {}

    def is_live(self, file: StoredFile) -> bool:
        """Whether *file* still is what it was when the plan was made."""
        return self._standing.live.get(file.id) == file

    def obstacle(self, unit: list[Action]) -> str | None:
        """Why the files of *unit* may not go; None when they may, and they count as gone from then on."""
        if not unit:
            return None
        files = [action.file for action in unit]
        if len(files) < len(self._units[unit_of(files[0])]):
            return "more has come to what it goes together with"
        reason = self._standing.obstacle(files) or self._damage(files)
        if reason is None:
            self._standing.gone(files)
        return reason

    def _damage(self, files: list[StoredFile]) -> str | None:
        holders = {each.id: each for file in files for each in self._standing.holders(file)}
        for holder in holders.values():
            if holder.id not in self._found:
                self._found[holder.id] = self._fault(holder)
            fault = self._found[holder.id]
            if fault is not None:
                return f"{holder.path}, which holds it, {fault}"
        return None

    def _fault(self, rollup: StoredFile) -> str | None:
        """What is wrong with a rollup on disk; None when it is whole and holds all that it was made from."""
        made_of = self._standing.made_of(rollup)
        inputs = self._journal.by_id(made_of)
        if len(inputs) < len(made_of) or not inputs:
            return "was made from files that the journal does not know"
        try:
            path = self._store.path(rollup.path)
            if digest(path) != rollup.sha256:
                return "is not what was written"
            totals = totals_of(rollup.kind, rollup.level, path)
        except (OSError, duckdb.Error, StoreError) as fault:
            return f"cannot be read: {str(fault).splitlines()[0]}"
        if any(not same(name, totals.get(name, 0), value) for name, value in rollup.totals.items()):
            return "does not add up to what the journal says"
        wrong = next(imbalances(rollup.kind, totals, inputs.values()), None)
        return None if wrong is None else f"holds {wrong}"


def _unlink_aside(store: Store, aside: AsideFile) -> bool:
    path = store.aside / Path(aside.name).name
    try:
        if path.lstat().st_mtime != aside.modified_s:
            return False
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as fault:
        raise StoreError(f"{path}: cannot be deleted: {fault.strerror or fault}") from fault
    return True


def _size(path: Path) -> int:
    """Bytes of a file, or of all files below a directory; of links only themselves."""
    if path.is_dir() and not path.is_symlink():
        return sum(_size(Path(entry.path)) for entry in os.scandir(path))
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0
