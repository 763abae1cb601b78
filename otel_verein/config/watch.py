"""Notices that the configuration of this process has changed: a look at some files, and no thread of its own.

A look costs two or three calls of ``stat``. What has changed is read when it has been the same for two looks in a row,
since an editor may be in the middle of writing it; after some looks it is read in any case.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

from otel_verein.clock import Clock
from otel_verein.config.environment import debug_flag
from otel_verein.config.files import candidates
from otel_verein.config.layers import Resolved, resolve
from otel_verein.config.schema import SECTIONS, Config
from otel_verein.errors import ConfigError

LOOK_S = 1.0
"""Time between two looks."""

TAKEN_OVER_WITHIN_S = 5.0
"""What is promised to users: the looks that a change takes, and as much again for a machine under load."""

_PATIENCE = 3
"""Looks at a file that changes all the time, after which it is read as it is."""

_FRESH_NS = 2_000_000_000
"""A file as young as this may change again without a new time stamp: on some disks they are as coarse."""

Stamps = tuple[object, ...]


class Look(NamedTuple):
    """What a process reads when something has changed: a configuration, or why there is none."""

    resolved: Resolved | None
    error: ConfigError | None

    @property
    def config(self) -> Config:
        """The configuration; raises the error if there is none."""
        if self.resolved is not None:
            return self.resolved.config
        raise self.error or ConfigError([])


class Watch:
    """Follows the configuration of a process with *environ*, started in *directory* (else the working directory).

    For one thread at a time. *wall_ns* is a clock in nanoseconds since the epoch.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        directory: Path | None = None,
        wall_ns: Callable[[], int] = Clock.wall_ns,
    ) -> None:
        # as they are now: the application may change its environment and its working directory. All variables, since
        # a standard file may name any in its values
        self._environ = dict(environ)
        self._directory = (directory or Path.cwd()).absolute()
        files = candidates(self._environ, self._directory)
        self._paths = [
            os.fspath(path) for path in dict.fromkeys(p for each in files for p in (each.file, each.override))
        ]
        self._wall_ns = wall_ns
        self._read: Stamps = ()
        self._seen: Stamps = ()
        self._looks = 0
        self._again = False
        self._next_end_ns: int | None = None

    def read(self) -> Look:
        """The configuration as it is now."""
        stamps, now = self._stamps(), self._wall_ns()
        self._read = self._seen = stamps
        self._looks = 0
        self._again = _fresh(stamps, now)
        self._next_end_ns = None
        try:
            resolved = resolve(self._environ, self._directory, now=datetime.fromtimestamp(now / 1e9, timezone.utc))
        except ConfigError as error:
            return Look(None, error)
        if resolved.next_end is not None:
            self._next_end_ns = int(resolved.next_end.timestamp() * 1e9)
        return Look(resolved, None)

    def look(self) -> Look | None:
        """The configuration if it may have changed since it was read; None if it has not, or is being written."""
        return self.read() if self.is_due() else None

    def is_due(self) -> bool:
        """Whether it is time to read: something may have changed, and is not just being written."""
        stamps = self._stamps()
        if stamps != self._read:
            settled = stamps == self._seen
            self._seen = stamps
            self._looks += 1
            return settled or self._looks >= _PATIENCE
        ended = self._next_end_ns is not None and self._wall_ns() >= self._next_end_ns
        return ended or (self._again and not _fresh(stamps, self._wall_ns()))

    def forget(self) -> None:
        """In a forked child: read with the first look, whatever a thread of the parent was about to do."""
        self._read = self._seen = ()
        self._looks = _PATIENCE

    def _stamps(self) -> Stamps:
        return (*map(_stamp, self._paths), debug_flag(self._environ))


def running(before: Config, wanted: Config) -> Config:
    """What a process runs that was started under *before*: *wanted*, but for options that take effect at a start."""
    sections = {}
    for name, kind in SECTIONS.items():
        kept = {
            each.name: getattr(getattr(before, name), each.name) for each in fields(kind) if each.metadata["at_start"]
        }
        sections[name] = replace(getattr(wanted, name), **kept)
    return replace(wanted, **sections)


def _fresh(stamps: Stamps, now_ns: int) -> bool:
    return any(0 <= now_ns - stamp[2] < _FRESH_NS for stamp in stamps if isinstance(stamp, tuple))


def _stamp(path: str) -> tuple[int, int, int] | str:
    """What changes when the file at *path* does."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return "absent"
    except OSError as fault:
        return f"cannot be looked at: {fault.errno}"
    return found.st_ino, found.st_size, found.st_mtime_ns
