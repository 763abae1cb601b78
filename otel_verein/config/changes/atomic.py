"""Files that are whole at any instant: written beside their place, flushed to the disk, then renamed into it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from otel_verein.errors import ConfigError, Problem

MAX_BYTES = 1024 * 1024  # what the reader of configurations takes, and far beyond any real one
_FILE_MODE = 0o664  # what the umask leaves of it; never executable, never writable by the world
_DIRECTORY_MODE = 0o775


@contextmanager
def told(path: Path, what: str) -> Iterator[None]:
    """Errors of the system as :class:`ConfigError`: ``<path>: cannot be <what>: <why>``."""
    try:
        yield
    except OSError as fault:
        raise ConfigError([Problem(str(path), f"cannot be {what}: {fault.strerror or fault}")]) from fault


def content(path: Path) -> bytes | None:
    """The bytes of a file, None if there is none; raises :class:`ConfigError` for what is no file or over 1 MiB."""
    with told(path, "read"):
        try:
            # What waits for a writer, such as a pipe, must not keep us waiting: it is refused below.
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise ConfigError([Problem(str(path), "cannot be read: it is not a regular file")])
            with open(handle, "rb", closefd=False) as file:
                data = file.read(MAX_BYTES + 1)
        finally:
            os.close(handle)
    if len(data) > MAX_BYTES:
        raise ConfigError([Problem(str(path), f"cannot be read: it is larger than {MAX_BYTES} bytes")])
    return data


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
