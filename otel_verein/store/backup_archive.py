"""The one file of a backup: a plain tar whose first member says what the others are, and that holds nothing else.

Other programs can read it (``tar -xf``). What is read here is written by anybody, so only regular members are
taken, only under names of the store's layout, and only as long and as whole as the manifest says.
"""

from __future__ import annotations

import hashlib
import os
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from otel_verein.errors import StoreError
from otel_verein.store.layout import is_place

FORMAT = "otel-verein store"
VERSION = 1
MANIFEST = "manifest.json"
JOURNAL = "journal.sqlite"

_BLOCK = tarfile.BLOCKSIZE
_PIECE = 1024 * 1024
_MANIFEST_BYTES = 256 * 1024 * 1024  # some 200 bytes a member: more than a million files
TOP = ("detail", "rollup", "aside", "baselines")
"""The directories of a store that a backup holds."""
_PART = re.compile(r"[\w=+@ -][\w.=+@ -]{0,199}", re.ASCII)
_DEPTH = 10
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Member(msgspec.Struct, frozen=True):
    """One file of the store: its name below the store's directory, its size in bytes and the hash of its content."""

    name: str
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What an archive holds, in the order in which it holds it; the journal is the first member."""

    format: str
    version: int
    made: str
    program: str
    members: tuple[Member, ...]


def allowed(name: str) -> bool:
    """Whether a member may be called so: the journal, or a file below a directory of the layout."""
    top, *parts = name.split("/")
    if not parts:
        return name == JOURNAL
    if top in ("detail", "rollup"):
        return is_place(name)
    return top in TOP and len(parts) <= _DEPTH and all(_PART.fullmatch(part) for part in parts)


def write(target: BinaryIO, manifest: Manifest, folder: Path) -> int:
    """Write an archive of the files below *folder*; the bytes written.

    Raises StoreError when a file is not what the manifest says: what is damaged is no backup.
    """
    data = msgspec.json.encode(manifest)
    target.write(_header(MANIFEST, len(data)) + data + _padding(len(data)))
    for member in manifest.members:
        target.write(_header(member.name, member.bytes))
        with (folder / member.name).open("rb") as source:
            if _copied(source, target, member.bytes) != member.sha256:
                raise StoreError(
                    f"{member.name}: is not what the journal says, so it is not backed up; "
                    "'otel-verein store verify' says what is wrong"
                )
        target.write(_padding(member.bytes))
    target.write(b"\0" * 2 * _BLOCK)
    return target.tell()


class Archive:
    """An archive that is being read from its beginning; every fault is a StoreError that names *path*."""

    def __init__(self, stream: BinaryIO, path: Path) -> None:
        self._stream = stream
        self._path = path
        self._size = os.fstat(stream.fileno()).st_size
        self.manifest = self._manifest()

    def extract(self, folder: Path) -> None:
        """Write every member below *folder*, flushed to the disk; it raises if one is not as the manifest says."""
        for member in self.manifest.members:
            self._next(member.name, member.bytes)
            place = folder / member.name
            place.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o664)
            with os.fdopen(handle, "wb") as target:
                if _copied(self._stream, target, member.bytes) != member.sha256:
                    raise self._fault(f"{member.name} is damaged: its content does not have the hash of the manifest")
                target.flush()
                os.fsync(target.fileno())
            self._skip_padding(member.bytes)
        if self._stream.read(_BLOCK).strip(b"\0"):
            raise self._fault("it holds more than its manifest names")

    def _manifest(self) -> Manifest:
        try:
            info = self._info()
        except tarfile.HeaderError:
            raise self._fault("it is not a backup of a store") from None
        if info.name != MANIFEST or not 0 <= info.size <= _MANIFEST_BYTES:
            raise self._fault("it is not a backup of a store")
        self._check_length(info)
        data = self._stream.read(info.size)
        self._skip_padding(info.size)
        try:
            manifest = msgspec.json.decode(data, type=Manifest)
        except (msgspec.MsgspecError, UnicodeDecodeError) as fault:
            raise self._fault(f"its manifest cannot be read: {fault}") from None
        if manifest.format != FORMAT:
            raise self._fault("it is not a backup of a store")
        if manifest.version != VERSION:
            raise self._fault(
                f"it is of version {manifest.version}, and this program reads version {VERSION}; "
                "restore it with the program that made it"
            )
        for problem in _problems(manifest):
            raise self._fault(problem)
        return manifest

    def _next(self, name: str, size: int) -> None:
        """Stand at the content of the member *name*, which has to be the next one and of *size*."""
        try:
            info = self._info()
        except tarfile.HeaderError:
            raise self._fault(f"it is cut off or damaged before {name}") from None
        if not info.isreg() or info.name != name or info.size != size:
            raise self._fault(f"{info.name!r} stands where its manifest has {name} of {size} bytes")
        self._check_length(info)

    def _info(self) -> tarfile.TarInfo:
        """The next header alone: no extension of the format is followed."""
        return tarfile.TarInfo.frombuf(self._stream.read(_BLOCK), "utf-8", "surrogateescape")

    def _check_length(self, info: tarfile.TarInfo) -> None:
        if self._stream.tell() + info.size > self._size:
            raise self._fault(f"it is cut off in {info.name}")

    def _skip_padding(self, size: int) -> None:
        self._stream.seek(len(_padding(size)), os.SEEK_CUR)

    def _fault(self, what: str) -> StoreError:
        return StoreError(f"{self._path}: cannot be restored: {what}")


def sha256(path: Path, size: int) -> str:
    """The hash of the first *size* bytes of a file, which may be growing."""
    with path.open("rb") as source:
        return _copied(source, None, size)


def _problems(manifest: Manifest) -> Iterator[str]:
    names = [member.name for member in manifest.members]
    if names[:1] != [JOURNAL]:
        yield f"its first member is not {JOURNAL}"
    if len(set(names)) != len(names):
        yield "its manifest names a file twice"
    for member in manifest.members:
        if not allowed(member.name):
            yield f"{member.name!r} is no name of a store's file"
        if member.bytes < 0 or not _SHA256.fullmatch(member.sha256):
            yield f"its manifest says nothing usable of {member.name}"


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = 0o644
    try:
        return info.tobuf(tarfile.USTAR_FORMAT, "utf-8", "strict")
    except ValueError as fault:
        raise StoreError(f"{name}: cannot be backed up: {fault}") from fault


def _padding(size: int) -> bytes:
    return b"\0" * (-size % _BLOCK)


def _copied(source: BinaryIO, target: BinaryIO | None, size: int) -> str:
    """Copy *size* bytes, or what there is of them; the hash of what was copied."""
    digest = hashlib.sha256()
    left = size
    while left and (piece := source.read(min(left, _PIECE))):
        digest.update(piece)
        if target is not None:
            target.write(piece)
        left -= len(piece)
    return digest.hexdigest()
