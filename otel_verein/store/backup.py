"""A store as one file, and a store from such a file: each of them whole, or not there at all."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, BinaryIO

from otel_verein.errors import StoreError
from otel_verein.store import backup_archive as archive
from otel_verein.store.journal import Journal
from otel_verein.store.layout import Store
from otel_verein.store.lock import held
from otel_verein.store.parquet import sync_directory
from otel_verein.version import __version__

_STAGING = "backing-up"
_MODE = 0o640


@dataclass(frozen=True, slots=True)
class Archived:
    """A finished backup: its file, how many files of the store are in it, and its size."""

    file: Path
    files: int
    bytes: int

    def as_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {**asdict(self), "file": str(self.file)}


def backup(store: Store, file: Path, wait_s: float = 0.0) -> Archived:
    """Write all that counts in *store* to *file*, which must not be there; on return it is on the disk.

    Writers are held off only while the files are noted, not while they are copied. Raises StoreBusyError when one does
    not let go within *wait_s*, and StoreError when something in the store is damaged, or the file cannot be written.
    """
    with Journal.opened(store):
        pass  # there is a store
    _refuse_place(store, file)
    with _told(file, "written"), staged(store, wait_s) as (folder, members), _beside(file) as target:
        made = f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
        manifest = archive.Manifest(archive.FORMAT, archive.VERSION, made, __version__, members)
        size = archive.write(target, manifest, folder)
    return Archived(file, len(members), size)


def _refuse_place(store: Store, file: Path) -> None:
    if os.path.lexists(file):
        raise StoreError(f"{file}: is already there, and a backup overwrites nothing; name another file")
    if file.resolve().is_relative_to(store.root.resolve()):
        raise StoreError(f"{file}: is inside the store itself; a backup belongs elsewhere, best on another disk")


@contextmanager
def _told(file: Path, what: str) -> Iterator[None]:
    """What goes wrong on the disk is a StoreError that names *file*."""
    try:
        yield
    except OSError as fault:
        raise StoreError(f"{file}: cannot be {what}: {fault.strerror or fault}") from fault


@contextmanager
def staged(store: Store, wait_s: float) -> Iterator[tuple[Path, tuple[archive.Member, ...]]]:
    """A folder with second names of all that counts at one moment, so that nothing of it goes while it is copied."""
    folder = store.root / _STAGING / os.urandom(8).hex()
    with ExitStack() as stack:
        with held(store, "backup", wait_s):
            clear_staging(store)
            folder.mkdir(parents=True)
            stack.callback(_remove, folder)
            stack.enter_context(_living(folder))
            noted = _noted(store, folder)
        yield folder, tuple(_hashed(folder, noted))


@contextmanager
def _living(folder: Path) -> Iterator[None]:
    """Hold the folder, which shows others that this process lives."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder)
    with suppress(OSError):
        folder.parent.rmdir()  # unless another backup is at it


def clear_staging(store: Store) -> None:
    """Remove what backups that died have left; for who holds the lock of the store."""
    staging = store.root / _STAGING
    for folder in sorted(staging.iterdir()) if staging.is_dir() else ():
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)
        except BlockingIOError:
            pass  # a living backup
        finally:
            os.close(handle)


def _noted(store: Store, folder: Path) -> list[archive.Member]:
    """The members, linked into *folder*; those of the journal with its hash, others without."""
    with Journal.opened(store) as journal, closing(sqlite3.connect(folder / archive.JOURNAL)) as copy:
        journal.copy_to(copy)
        live = journal.files()
    members = [archive.Member(archive.JOURNAL, (folder / archive.JOURNAL).stat().st_size, "")]
    for file in live:
        try:
            _link(store.path(file.path), folder / file.path)
        except FileNotFoundError:
            raise StoreError(
                f"{store.root}: {file.path} is missing, so it cannot be backed up; "
                "'otel-verein store verify' says what else is wrong"
            ) from None
        members.append(archive.Member(file.path, file.bytes, file.sha256))
    for path in _others(store):
        name = path.relative_to(store.root).as_posix()
        if not archive.allowed(name):
            raise StoreError(f"{path}: has a name that a backup cannot hold; rename it or move it away")
        _link(path, folder / name)
        members.append(archive.Member(name, path.stat().st_size, ""))
    return members


def _others(store: Store) -> Iterator[Path]:
    for root in (store.aside, store.baselines):
        for path in sorted(root.rglob("*")):
            if stat.S_ISREG(path.lstat().st_mode):
                yield path


def _link(path: Path, second: Path) -> None:
    second.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, second, follow_symlinks=False)
    except FileNotFoundError:
        raise
    except OSError:  # a disk without second names: then writers wait for the copy
        shutil.copyfile(path, second, follow_symlinks=False)


def _hashed(folder: Path, members: list[archive.Member]) -> Iterator[archive.Member]:
    """The members, all with a hash; a file that grows counts as far as it went when it was noted."""
    for member in members:
        digest = member.sha256 or archive.sha256(folder / member.name, member.bytes)
        yield archive.Member(member.name, member.bytes, digest)


@contextmanager
def _beside(file: Path) -> Iterator[BinaryIO]:
    """A new file that gets the name *file* once it is written and on the disk; else nothing is left of it."""
    partial = file.with_name(f".{file.name}.{os.urandom(8).hex()}.part")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
    try:
        with os.fdopen(handle, "wb") as target:
            yield target
            target.flush()
            os.fsync(target.fileno())
        _name(partial, file)
        sync_directory(file.parent)
    finally:
        partial.unlink(missing_ok=True)


def _name(partial: Path, file: Path) -> None:
    """Give the file its name unless another has taken it meanwhile."""
    try:
        os.link(partial, file)
    except FileExistsError:
        raise StoreError(f"{file}: is already there, and a backup overwrites nothing; name another file") from None
    except OSError:  # a disk without second names
        if os.path.lexists(file):
            raise StoreError(f"{file}: is already there, and a backup overwrites nothing; name another file") from None
        os.rename(partial, file)
