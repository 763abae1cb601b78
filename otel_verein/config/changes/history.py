"""The history of a configuration in its state directory, written ahead so that a crash at any point loses nothing.

::

    history.jsonl             one entry a line
    snapshots/<sha256>.yaml   every content that an entry speaks of
    pending.json              the entry of the change that is going on
    lock                      held by the one writer

An entry is in the history if and only if its file was changed: it is pending before the file is, and the next one to
hold the lock compares the two.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

from otel_verein.config.changes import atomic
from otel_verein.config.changes.entry import Entry, entry_of
from otel_verein.errors import ConfigError, Problem

LOG = "history.jsonl"
PENDING = "pending.json"
SNAPSHOTS = "snapshots"
MAX_ENTRIES = 10_000  # years of changes by hand; past it the oldest tenth goes, with the snapshots only it speaks of

_HASH = re.compile(r"[0-9a-f]{64}")
_TEMPORARY = re.compile(r"\.[^/]+\.[0-9a-f]{8}\.verein-tmp")


def entries(state: Path) -> list[Entry]:
    """The history, oldest first; needs no lock. Raises :class:`ConfigError` if a line of it is no entry.

    A last line without an end is what a killed process was writing, and is left out.
    """
    path = state / LOG
    *lines, _ = _read(path).split(b"\n")
    return [_entry(path, number, line) for number, line in enumerate(lines, start=1)]


def snapshot(state: Path, digest: str) -> bytes:
    """The content with that SHA-256; raises :class:`ConfigError` if it is gone or no longer what it was."""
    path = _snapshot_path(state, digest)
    data = atomic.content(path)
    if data is None or hash_of(data) != digest:
        raise ConfigError([Problem(str(path), "is missing" if data is None else "is damaged: its content has changed")])
    return data


def hash_of(data: bytes | None) -> str | None:
    """What entries call a content; None for a file that is not there."""
    return None if data is None else hashlib.sha256(data).hexdigest()


def temporary_beside(file: Path) -> Path:
    """A new name in the directory of *file*."""
    return file.with_name(f".{file.name}.{secrets.token_hex(4)}.verein-tmp")


class History:
    """The writing side; to be made and used under the lock of the *state* directory.

    Making one completes or drops what a killed process has left half done.
    """

    def __init__(self, state: Path) -> None:
        self._state = state
        self._path = state / LOG
        self._log = _read(self._path)
        whole = self._log.rfind(b"\n") + 1
        if whole < len(self._log):
            atomic.truncate(self._path, whole)
            self._log = self._log[:whole]
        atomic.make_directory(state / SNAPSHOTS)
        self._recover()

    @property
    def next_id(self) -> int:
        """The number of the next entry."""
        newest = next(self._newest_first(), None)
        return 1 if newest is None else newest.id + 1

    def last(self, layer: str) -> Entry | None:
        """The newest entry of a layer."""
        return next((entry for entry in self._newest_first() if entry.layer == layer), None)

    def all(self) -> list[Entry]:
        """Every entry, oldest first."""
        return entries(self._state)

    def keep(self, data: bytes | None) -> str | None:
        """The hash of *data*, which can be had back by it from now on."""
        digest = hash_of(data)
        if data is not None and digest is not None:
            path = _snapshot_path(self._state, digest)
            if not path.exists():
                _write(path, data)
        return digest

    def append(self, entry: Entry) -> None:
        """Add an entry for good."""
        line = entry.line()
        atomic.append(self._path, line)
        self._log += line
        if self._log.count(b"\n") > MAX_ENTRIES:
            self._trim()

    def change(self, entry: Entry, file: Path, data: bytes | None) -> None:
        """Make *data* the content of *file*, or remove it for None, and *entry* the newest of the history.

        Raises :class:`ConfigError` if that cannot be done. The file is as it was then, unless the message says that
        it was changed and only the history waits.
        """
        temporary = temporary_beside(file)
        pending = {"entry": entry.line().decode(), "file": str(file), "temporary": temporary.name}
        _write(self._state / PENDING, json.dumps(pending).encode())
        try:
            if data is None:
                atomic.remove(file)
            else:
                atomic.replace(file, data, temporary)
        except ConfigError:
            self._recover()
            raise
        try:
            self.append(entry)
        except ConfigError as fault:
            what = f"was changed; its entry waits for the next change to be added to the history: {fault}"
            raise ConfigError([Problem(str(file), what)]) from fault
        atomic.remove(self._state / PENDING)

    def _recover(self) -> None:
        path = self._state / PENDING
        data = atomic.content(path)
        if data is None:
            return
        try:
            pending = json.loads(data)
            entry, file, temporary = entry_of(pending["entry"]), Path(pending["file"]), str(pending["temporary"])
        except (ValueError, KeyError, TypeError):
            atomic.remove(path)  # it is renamed into place whole, so this is none of ours
            return
        if entry.id >= self.next_id and hash_of(atomic.content(file)) == entry.after:
            self.append(entry)
        if _TEMPORARY.fullmatch(temporary):
            atomic.remove(file.with_name(temporary))
        atomic.remove(path)

    def _newest_first(self) -> Iterator[Entry]:
        end = len(self._log) - 1
        while end > 0:
            start = self._log.rfind(b"\n", 0, end) + 1
            yield _entry(self._path, self._log.count(b"\n", 0, start) + 1, self._log[start:end])
            end = start - 1

    def _trim(self) -> None:
        """Drop the oldest tenth; the newest entry of each layer stays, for what is compared with it."""
        kept = self.all()
        newest = {entry.layer: entry.id for entry in kept}
        cut = len(kept) - MAX_ENTRIES * 9 // 10
        kept = [entry for place, entry in enumerate(kept) if place >= cut or entry.id == newest[entry.layer]]
        self._log = b"".join(entry.line() for entry in kept)
        _write(self._path, self._log)
        used = {digest for entry in kept for digest in (entry.before, entry.after)}
        for path in (self._state / SNAPSHOTS).glob("*.yaml"):
            if path.stem not in used and _HASH.fullmatch(path.stem):
                atomic.remove(path)


def _read(path: Path) -> bytes:
    with atomic.told(path, "read"):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return b""


def _entry(path: Path, number: int, line: bytes) -> Entry:
    try:
        return entry_of(line)
    except (ValueError, RecursionError) as fault:
        what = f"is not an entry of the history ({fault}); move the file away to begin a new one"
        raise ConfigError([Problem(f"{path}:{number}", what)]) from fault


def _snapshot_path(state: Path, digest: str) -> Path:
    if not _HASH.fullmatch(digest):
        raise ConfigError([Problem(str(state / SNAPSHOTS), "holds no snapshot of that name: it is no SHA-256")])
    return state / SNAPSHOTS / f"{digest}.yaml"


def _write(path: Path, data: bytes) -> None:
    """A file of the state directory; what a killed process left under the name it is written by is replaced."""
    temporary = path.with_name("new.tmp")
    with atomic.told(temporary, "removed"):
        temporary.unlink(missing_ok=True)
    atomic.replace(path, data, temporary)
