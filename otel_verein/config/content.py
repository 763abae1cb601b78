"""The bytes of a file of the configuration: all of it, bounded, or why not; never a wait."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from otel_verein.config.document.characters import MAX_BYTES as MAX_BYTES
from otel_verein.errors import ConfigError, Problem

# What waits for a writer, such as a pipe, must not keep us waiting: it is refused once it is open.
_FLAGS = os.O_RDONLY
for _name in ("O_CLOEXEC", "O_NONBLOCK", "O_BINARY"):  # not every system has them all
    _FLAGS |= getattr(os, _name, 0)


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
            handle = os.open(path, _FLAGS)
        except FileNotFoundError:
            return None
        try:
            if os.fspath(path) == os.devnull:
                return b""
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise ConfigError([Problem(str(path), "cannot be read: it is not a regular file")])
            with open(handle, "rb", closefd=False) as file:
                data = file.read(MAX_BYTES + 1)
        finally:
            os.close(handle)
    if len(data) > MAX_BYTES:
        raise ConfigError([Problem(str(path), f"cannot be read: it is larger than {MAX_BYTES} bytes")])
    return data
