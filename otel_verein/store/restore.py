"""A store from the file of a backup: it is there once all of it is on the disk and as it was."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from otel_verein.errors import StoreError
from otel_verein.store import backup_archive as archive
from otel_verein.store.journal import Journal
from otel_verein.store.layout import Store
from otel_verein.store.parquet import sync_directory
from otel_verein.store.verify import verify
from otel_verein.store.verifying.records import Verdict

_HARMLESS = ("lost+found",)
"""What stands in the root of an empty disk."""


@dataclass(frozen=True, slots=True)
class Restored:
    """A store that was restored: where, how many files and bytes, when the backup was made, and what verify says."""

    root: Path
    files: int
    bytes: int
    made: str
    verdict: Verdict

    def as_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "root": str(self.root),
            "files": self.files,
            "bytes": self.bytes,
            "made": self.made,
            "verdict": self.verdict.as_dict(),
        }


def restore(file: Path, root: Path) -> Restored:
    """Make the store at *root*, which is absent or empty, from the backup *file*, and verify it.

    Raises StoreError for a file that is not a whole backup, and leaves nothing behind then.
    """
    try:
        stream = file.open("rb")
    except OSError as fault:
        raise StoreError(f"{file}: cannot be restored: {fault.strerror or fault}") from fault
    with stream:
        _refuse_place(root)
        opened = archive.Archive(stream, file)
        manifest = opened.manifest
        size = sum(member.bytes for member in manifest.members)
        with _unfinished(root) as folder:
            _refuse_small_disk(folder, size)
            opened.extract(folder)
            _compare(file, folder, manifest)
            _publish(folder, root)
    return Restored(root, len(manifest.members), size, manifest.made, verify(Store(root)))


def _refuse_place(root: Path) -> None:
    try:
        found = [name for name in os.listdir(root) if name not in _HARMLESS]
    except FileNotFoundError:
        return
    except OSError as fault:
        raise StoreError(f"{root}: cannot be restored to: {fault.strerror or fault}") from fault
    if found:
        raise StoreError(
            f"{root}: is not empty ({sorted(found)[0]!r} is there), and restoring overwrites nothing; "
            "name another directory, or move what is there away"
        )


@contextmanager
def _unfinished(root: Path) -> Iterator[Path]:
    """A folder inside *root*, so on the same disk; if anything goes wrong, all is as it was before."""
    made = [each for each in (root, *root.parents) if not each.exists()]
    folder = root / f".restoring-{os.urandom(8).hex()}"
    try:
        folder.mkdir(parents=True)
        yield folder
    except BaseException as fault:
        for name in (folder.name, archive.JOURNAL, *archive.TOP):  # it was empty before
            _remove(root / name)
        for each in made:
            with suppress(OSError):
                each.rmdir()
        if isinstance(fault, OSError):
            raise StoreError(f"{root}: cannot be restored to: {fault.strerror or fault}") from fault
        raise


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _refuse_small_disk(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if size > free:
        raise StoreError(f"{folder.parent}: has {free:,} bytes free, and the backup takes {size:,}; make room first")


def _compare(file: Path, folder: Path, manifest: archive.Manifest) -> None:
    """Refuse a journal that does not speak of just the files that came with it, or that would act by itself."""
    came = {each.name: (each.bytes, each.sha256) for each in manifest.members if each.name.endswith(".parquet")}
    store = Store(folder)
    for acting in _acting(file, store):
        raise StoreError(f"{file}: cannot be restored: its journal holds a {acting}, which no journal has")
    with Journal.opened(store) as journal:
        live = {each.path: (each.bytes, each.sha256) for each in journal.files()}
    strange = sorted(name for name in live.keys() | came.keys() if live.get(name) != came.get(name))
    if strange:
        raise StoreError(f"{file}: cannot be restored: its journal and its files differ in {strange[0]!r}")


def _acting(file: Path, store: Store) -> list[str]:
    """What in the database would do or show something by itself; raises StoreError when it is no database."""
    try:
        with closing(sqlite3.connect(f"{store.journal.absolute().as_uri()}?mode=ro", uri=True)) as database:
            found = database.execute("SELECT type FROM sqlite_master WHERE type NOT IN ('table', 'index')")
            return [str(row[0]) for row in found]
    except sqlite3.Error as fault:
        raise StoreError(f"{file}: cannot be restored: its journal cannot be used: {fault}") from fault


def _publish(folder: Path, root: Path) -> None:
    """Move everything to its place, the journal last: without it, nothing of a store is there."""
    for place in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
        sync_directory(place)
    for name in (*archive.TOP, archive.JOURNAL):
        if (folder / name).exists():
            sync_directory(root)
            os.rename(folder / name, root / name)
    folder.rmdir()
    sync_directory(root)
    sync_directory(root.parent)
