"""Files that are whole at any instant: written beside their place, flushed to the disk, then renamed into it."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from otel_verein.config.content import MAX_BYTES as MAX_BYTES
from otel_verein.config.content import content as content
from otel_verein.config.content import told as told
from otel_verein.errors import ConfigError, Problem

_FILE_MODE = 0o664  # what the umask leaves of it; never executable, never writable by the world
_DIRECTORY_MODE = 0o775


def replace(path: Path, data: bytes, temporary: Path) -> None:
    """Put *data* in the place of *path*, by way of *temporary* in the same directory; all of it or nothing.

    The new file has the mode of the old, and its owner where we may give files away. On return it is on the disk.
    """
    with told(path, "written"):
        try:
            _write_new(temporary, data, _status(path))
            os.replace(temporary, path)
        except OSError:
            with suppress(OSError):
                temporary.unlink()
            raise
        flush_directory(path.parent)


def remove(path: Path) -> None:
    """Remove a file for good, if it is there."""
    with told(path, "removed"):
        path.unlink(missing_ok=True)
        flush_directory(path.parent)


def append(path: Path, line: bytes) -> None:
    """Add *line* to the end of a file, all of it or nothing unless we are killed; on return it is on the disk."""
    with told(path, "written"):
        new = not path.exists()
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, _FILE_MODE)
        try:
            size = os.fstat(handle).st_size
            try:
                _write_all(handle, line)
                os.fsync(handle)
            except OSError:
                with suppress(OSError):
                    os.ftruncate(handle, size)
                raise
        finally:
            os.close(handle)
        if new:
            flush_directory(path.parent)


def truncate(path: Path, size: int) -> None:
    """Cut a file to *size* bytes, for good."""
    with told(path, "written"):
        handle = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.ftruncate(handle, size)
            os.fsync(handle)
        finally:
            os.close(handle)


def make_directory(path: Path) -> None:
    """Make a directory and those above it, if they are not there."""
    with told(path, "made"):
        missing = [each for each in (path, *path.parents) if not each.exists()]
        for each in reversed(missing):
            with suppress(FileExistsError):
                os.mkdir(each, _DIRECTORY_MODE)
            flush_directory(each.parent)
        if not path.is_dir():
            raise ConfigError([Problem(str(path), "cannot be made: it is not a directory")])


def flush_directory(path: Path) -> None:
    """Bring the names of a directory to the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _write_new(path: Path, data: bytes, like: os.stat_result | None) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, _FILE_MODE)
    try:
        if like is not None:
            with suppress(PermissionError):  # giving files away is for the administrator
                os.fchown(handle, like.st_uid, like.st_gid)
            os.fchmod(handle, stat.S_IMODE(like.st_mode))
        _write_all(handle, data)
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_all(handle: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]
