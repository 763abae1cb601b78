"""Disks of a few megabytes, filled to the last byte or with a little room."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class DiskAbsent(Exception):
    """No file system can be mounted here; the message says why."""


class TinyDisk:
    """A file system of its own, in memory."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._ballast = place / "ballast"

    @property
    def room(self) -> int:
        """Bytes that can still be written."""
        found = os.statvfs(self.place)
        return found.f_bavail * found.f_frsize

    def leave(self, bytes_left: int) -> None:
        """Fill the disk but for so many bytes; raises where there is less room than that."""
        surplus = self.room - bytes_left
        assert surplus >= 0, f"there are only {self.room} bytes left"
        with self._ballast.open("ab") as file:
            while surplus > 0:
                surplus -= file.write(bytes(min(surplus, 65536)))

    def make_room(self) -> None:
        """Take the filling away."""
        self._ballast.unlink()


@contextmanager
def tiny_disk(place: Path, megabytes: int) -> Iterator[TinyDisk]:
    """A disk at *place*, which is made, and gone afterwards; raises DiskAbsent where none can be mounted."""
    place.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)]
    try:
        done = subprocess.run(mounted, capture_output=True, text=True, check=False)
    except FileNotFoundError as fault:
        raise DiskAbsent(str(fault)) from fault
    if done.returncode:
        raise DiskAbsent(done.stderr.strip())
    try:
        yield TinyDisk(place)
    finally:
        with contextlib.suppress(FileNotFoundError):
            subprocess.run(["umount", "-l", str(place)], check=False)
