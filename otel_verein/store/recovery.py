"""What a process that died while it wrote has left behind: nothing of it counts, and it goes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from otel_verein.errors import StoreError
from otel_verein.store.backup import clear_staging
from otel_verein.store.journal import Journal
from otel_verein.store.layout import Store


def recover(store: Store, journal: Journal) -> int:
    """Delete every file that does not count; how many. Only for who holds the lock.

    Those are files without a live entry in the journal: of transactions that were never finished, and of finished
    ones whose last step, the deletion of what was replaced, did not come.
    """
    live = {file.path for file in journal.files()}
    kept = {path for *_, path in journal.asides() if path is not None}
    try:
        gone = [store.root / relative for relative in store.files() if relative not in live]
        gone += [path for path in _inside(store.aside) if path.name not in kept]
        gone += list(store.tmp.iterdir()) if store.tmp.is_dir() else []
        for path in gone:
            _remove(path)
        clear_staging(store)
        _drop_empty(store)
    except OSError as fault:
        raise StoreError(f"{fault.filename}: cannot be deleted: {fault.strerror or fault}") from fault
    return len(gone)


def _inside(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)  # where a query that needed more than its memory put the rest
    else:
        path.unlink(missing_ok=True)


def _drop_empty(store: Store) -> None:
    """The directories of hours that are gone; never those of kinds, which somebody may be about to fill."""
    for folder, _, _ in os.walk(store.root / "detail", topdown=False):
        if "=" in os.path.basename(folder) and not os.listdir(folder):
            os.rmdir(folder)
