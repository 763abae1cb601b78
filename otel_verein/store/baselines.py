"""Files of baselines: each version is one, is whole on the disk or not there, and never changes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from otel_verein.errors import StoreError
from otel_verein.store.layout import Store

MOST_BYTES: Final = 256 * 1024 * 1024
"""The largest file that is read."""

NAME: Final = r"[A-Za-z0-9][A-Za-z0-9_.=+-]{0,63}"
"""The pattern of the name of a baseline."""

_NAME: Final = re.compile(NAME, re.ASCII)
_FILE: Final = re.compile(r"([1-9][0-9]{0,8})\.json", re.ASCII)
_ATTEMPTS: Final = 8
_DIRECTORY_MODE: Final = 0o750
_FILE_MODE: Final = 0o640


def add(store: Store, name: str, content: Callable[[int], bytes]) -> int:
    """Write the next version of the baseline *name*, and say which that is; on return it is on the disk.

    *content* makes the bytes for a number: one more than the highest that is there. Raises StoreError for a name that
    cannot be one, and when the disk does not take it.
    """
    folder = _folder(store, name)
    try:
        _make(folder)
        _make(store.tmp)
        for _ in range(_ATTEMPTS):
            number = max(numbers(store, name), default=0) + 1
            with suppress(FileExistsError, FileNotFoundError):  # another was first, or a job cleared unfinished files
                _publish(store, content(number), folder / f"{number}.json")
                return number
    except OSError as fault:
        raise store.unwritable(fault) from fault
    raise StoreError(f"{folder}: others write to it all the time; try again")


def names(store: Store) -> list[str]:
    """The baselines that have a version."""
    try:
        found = sorted(path.name for path in store.baselines.iterdir() if _NAME.fullmatch(path.name))
    except FileNotFoundError:
        return []
    except OSError as fault:
        raise _unreadable(store.baselines, fault) from fault
    return [name for name in found if numbers(store, name)]


def numbers(store: Store, name: str) -> list[int]:
    """The versions of a baseline, the oldest first; none when there is no such baseline."""
    folder = _folder(store, name)
    try:
        matches = [_FILE.fullmatch(path) for path in os.listdir(folder)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as fault:
        raise _unreadable(folder, fault) from fault
    return sorted(int(match[1]) for match in matches if match)


def content(store: Store, name: str, number: int | None = None) -> tuple[int, bytes, Path]:
    """The version *number*, or the latest: its number, its bytes and where they are; StoreError if it is not there."""
    number, path = _place(store, name, number)
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as fault:
        raise _unreadable(path, fault) from fault
    if len(data) > MOST_BYTES:
        raise StoreError(f"{path}: is larger than any baseline; it cannot be one")
    return number, data, path


def remove(store: Store, name: str, number: int) -> None:
    """Remove one version for good; raises StoreError if it is not there."""
    _, path = _place(store, name, number)
    try:
        path.unlink()
        _sync(path.parent)
        with suppress(OSError):
            path.parent.rmdir()  # unless there are other versions
    except OSError as fault:
        raise store.unwritable(fault) from fault


def _place(store: Store, name: str, number: int | None) -> tuple[int, Path]:
    there = numbers(store, name)
    if not there:
        known = ", ".join(names(store)) or "none"
        raise StoreError(f"{store.baselines}: there is no baseline {name!r}; there are: {known}")
    if number is None:
        number = there[-1]
    if number not in there:
        raise StoreError(f"{store.baselines}: {name!r} has no version {number}; it has {', '.join(map(str, there))}")
    return number, _folder(store, name) / f"{number}.json"


def _folder(store: Store, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise StoreError(
            f"{name!r}: cannot be the name of a baseline; it has to be up to 64 of A-Z a-z 0-9 . _ = + -, "
            "with a letter or digit first"
        )
    return store.baselines / name


def _publish(store: Store, data: bytes, path: Path) -> None:
    """Give *data* the name *path*; raises FileExistsError when another has it."""
    partial = store.tmp / f"baseline-{os.urandom(8).hex()}"
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, _FILE_MODE)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _name(partial, path)
        _sync(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def _name(partial: Path, path: Path) -> None:
    try:
        os.link(partial, path)
    except (FileExistsError, FileNotFoundError):
        raise
    except OSError:  # a disk without second names
        if os.path.lexists(path):
            raise FileExistsError(path) from None
        os.rename(partial, path)


def _make(directory: Path) -> None:
    """Make it with all above it, each of whose names is on the disk before it is used."""
    if not directory.is_dir():
        _make(directory.parent)
        with suppress(FileExistsError):
            directory.mkdir(_DIRECTORY_MODE)
        _sync(directory.parent)


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unreadable(path: Path, fault: OSError) -> StoreError:
    return StoreError(f"{path}: cannot be read: {fault.strerror or fault}")
