"""Which files below a directory are segments, what state each is in, and how far it was taken.

A segment is known again by how it begins, so that one that a collector renames when it closes it goes on where it was,
and one that was begun anew under the old name begins anew here.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from otel_verein.store.abandoned import abandoned
from otel_verein.store.records import Segment

OPEN_SUFFIX: Final = ".part"
OF_A_COLLECTOR: Final = frozenset(("long.jsonl", "medium.jsonl", "short.jsonl", "metrics.jsonl"))
"""The files that a collector has open: it adds the time to the name of one when it closes it."""

_PLAIN: Final = (".jsonl", ".json")
ENDINGS: Final = (*_PLAIN, ".jsonl.gz", ".jsonl.zst", ".jsonl" + OPEN_SUFFIX)
QUIET_S: Final = 60.0
"""How long nothing has to be written to a segment of a process that is no more."""

_CLOSED: Final = re.compile(
    r"\d{8}T\d{12}-\d+-[0-9a-f]+\.jsonl|(?:long|medium|short|metrics)-\d{4}-\d\d-\d\dT[\w.-]+\.jsonl"
).fullmatch
"""The names that our SDK and a collector give to a file when they close it."""

_HEAD_BYTES: Final = 4096
_BLOCK: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Found:
    """A segment on disk. ``closed``: nobody writes to it any more. ``known``: what the journal has of it."""

    path: Path
    device: int
    inode: int
    size: int
    mtime_ns: int
    closed: bool
    known: Segment | None

    @property
    def offset(self) -> int:
        """How many bytes of it are in the store."""
        return 0 if self.known is None else self.known.offset

    @property
    def left(self) -> int:
        """How many bytes are to be taken yet."""
        return max(0, self.size - self.offset)


def is_open(path: Path) -> bool:
    """Whether somebody may be writing to it: one of ours with its suffix, or the one of a tier without a time."""
    return path.name.endswith(OPEN_SUFFIX) or path.name in OF_A_COLLECTOR


def find(sources: Sequence[Path], known: Iterable[Segment], now_s: float) -> list[Found]:
    """All segments below the directories *sources*, or those files themselves, oldest first."""
    heads = _Heads(known)
    found: dict[tuple[int, int], Found] = {}
    for path in _paths(sources):
        try:
            status = path.lstat()
        except OSError:
            continue
        identity = status.st_dev, status.st_ino
        if not stat.S_ISREG(status.st_mode) or identity in found:
            continue
        closed = _is_closed(path, status, now_s, sources)
        same = heads.of(path, status)
        found[identity] = Found(path, *identity, status.st_size, status.st_mtime_ns, closed, same)
    return sorted(found.values(), key=lambda each: (each.mtime_ns, str(each.path)))


def _is_closed(path: Path, status: os.stat_result, now_s: float, sources: Sequence[Path]) -> bool:
    """Whether nobody writes to it any more; of one with a foreign name only silence says so, or who names it."""
    if path.name.endswith(OPEN_SUFFIX):
        return abandoned(path, now_s, QUIET_S)
    if is_open(path):
        return False
    return path in sources or _CLOSED(path.name) is not None or now_s - status.st_mtime >= QUIET_S


class _Heads:
    """The segments of the journal by how they begin.

    Inodes alone do not do: they are given anew at once, and are others on a volume that was copied; devices are others
    after a restart.
    """

    def __init__(self, known: Iterable[Segment]) -> None:
        self._segments: dict[str, list[Segment]] = {}
        for segment in known:
            if segment.offset:
                self._segments.setdefault(segment.head, []).append(segment)
        self._lengths = sorted({int(head.partition(":")[0]) for head in self._segments}, reverse=True)

    def of(self, path: Path, status: os.stat_result) -> Segment | None:
        """The segment that the file is: of several that begin so, the one of its inode, else of its name."""
        lengths = [length for length in self._lengths if length <= status.st_size]
        if not lengths:
            return None
        try:
            with path.open("rb") as file:
                begin = file.read(lengths[0])
        except OSError:
            return None
        for length in lengths:
            candidates = self._segments.get(_head(begin[:length], length), ())
            fitting = [each for each in candidates if each.offset <= status.st_size]
            if fitting:
                name = printable(path)
                return max(fitting, key=lambda each: (each.inode == status.st_ino, each.path == name))
        return None


def head_of(path: Path, taken: int) -> str:
    """How the segment begins, as far as it was taken: what a file that was begun anew does not have."""
    length = min(taken, _HEAD_BYTES)
    with path.open("rb") as file:
        return _head(file.read(length), length)


def _head(begin: bytes, length: int) -> str:
    return f"{length}:{hashlib.sha256(begin).hexdigest()}"


def content_of(path: Path, stop: Callable[[], bool] = bool) -> str | None:
    """The SHA-256 of the whole file; None when *stop* says so."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
            if stop():
                return None
    return found.hexdigest()


def printable(path: Path) -> str:
    """The path as text, also where its bytes are no UTF-8."""
    return os.fsencode(path.absolute()).decode("utf-8", "backslashreplace")


def _paths(sources: Sequence[Path]) -> Iterator[Path]:
    for source in sources:
        if source.is_file():
            yield source
            continue
        for folder, _, names in os.walk(source):
            for name in sorted(names):
                if name.endswith(ENDINGS):
                    yield Path(folder, name)
