"""What could not be taken, kept with the reason: nothing that came in is thrown away."""

from __future__ import annotations

import base64
import json
import os
from collections import Counter
from pathlib import Path
from typing import BinaryIO

from otel_verein.store.layout import Store
from otel_verein.store.parquet import make_directory, sync_directory
from otel_verein.store.records import Aside

SPANS, METRICS, LINES = "spans", "metrics", "lines"
REPAIRED = "repaired"
"""The signal of a line that was taken, with characters replaced: it is kept as it came, and nothing is missing."""


class AsideFile:
    """Collects the items of one batch in a file below ``tmp``; :meth:`publish` gives it its place.

    Each line is one item: the signal, the reason, the segment with the byte at which its line begins, and the item as
    text, or as ``base64`` where it is none.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._path: Path | None = None
        self._file: BinaryIO | None = None
        self._counts: Counter[tuple[str, str]] = Counter()

    @property
    def items(self) -> Counter[str]:
        """How many items of each signal there are."""
        found: Counter[str] = Counter()
        for (signal, _), count in self._counts.items():
            found[signal] += count
        return found

    def add(self, signal: str, reason: str, segment: Path, offset: int, item: bytes) -> None:
        """Append one item."""
        line: dict[str, object] = {"signal": signal, "reason": reason, "segment": str(segment), "offset": offset}
        try:
            line["item"] = item.decode("utf-8")
        except UnicodeDecodeError:
            line["base64"] = base64.b64encode(item).decode()
        self._write(json.dumps(line).encode() + b"\n")
        self._counts[signal, reason] += 1

    def add_stretch(self, reason: str, segment: Path, offset: int, end: int) -> None:
        """Append the bytes from *offset* to *end* of the segment, which may be more than fit into memory."""
        head = {"signal": LINES, "reason": reason, "segment": str(segment), "offset": offset}
        self._write(json.dumps(head).encode()[:-1] + b', "base64": "')
        with segment.open("rb") as source:
            source.seek(offset)
            while offset < end and (block := source.read(min(_BLOCK, end - offset))):
                self._write(base64.b64encode(block))
                offset += len(block)
        self._write(b'"}\n')
        self._counts[LINES, reason] += 1

    def publish(self) -> list[Aside]:
        """Have the file on disk in its place, and say what is in it; nothing is left here."""
        if self._file is None or self._path is None:
            return []
        name = self._path.name
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            make_directory(self._store.aside)
            os.rename(self._path, self._store.aside / name)
            sync_directory(self._store.aside)
        except OSError as fault:
            raise self._store.unwritable(fault) from fault
        counts, self._counts, self._file, self._path = self._counts, Counter(), None, None
        return [Aside(signal, reason, items, name) for (signal, reason), items in sorted(counts.items())]

    def discard(self) -> None:
        """Forget it all."""
        if self._file is not None and self._path is not None:
            self._file.close()
            self._path.unlink(missing_ok=True)
        self._file, self._path = None, None
        self._counts.clear()

    def _write(self, data: bytes) -> None:
        try:
            if self._file is None:
                self._store.tmp.mkdir(parents=True, exist_ok=True)
                self._path = self._store.tmp / f"{os.urandom(8).hex()}.jsonl"
                self._file = self._path.open("xb")
            self._file.write(data)
        except OSError as fault:
            raise self._store.unwritable(fault) from fault


_BLOCK = 3 * 1024 * 1024
"""A multiple of 3, so that the parts in base64 join to one."""
