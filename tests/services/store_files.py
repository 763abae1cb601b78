"""Files as telemetry is kept in them before a store takes it: our segments, and those of a collector."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import BinaryIO


class Segments:
    """The segments of one process, closed by size and by age, with names as ``exporters/otlp_file.py`` gives them."""

    def __init__(self, directory: Path, pid: int, most_bytes: int, most_s: int) -> None:
        self._directory = directory
        self._pid = pid
        self._most_bytes = most_bytes
        self._most_ns = most_s * 10**9
        self._file: BinaryIO | None = None
        self._path = Path()
        self._size = 0
        self._opened_ns = 0
        self._made = 0

    def write(self, line: bytes, now_ns: int) -> None:
        """Append a whole line, in a new segment where one is due."""
        if self._file is not None and (self._size >= self._most_bytes or now_ns - self._opened_ns >= self._most_ns):
            self.close()
        if self._file is None:
            self._file = self._open(now_ns)
        self._file.write(line)
        self._size += len(line)

    def close(self, leave_open: bool = False) -> None:
        """End the last segment; with *leave_open* it keeps the name of one that is being written."""
        file, self._file = self._file, None
        if file is None:
            return
        file.close()
        if not leave_open:
            self._path.rename(self._path.with_suffix(""))

    def _open(self, now_ns: int) -> BinaryIO:
        self._directory.mkdir(parents=True, exist_ok=True)
        self._made += 1
        self._path = self._directory / f"{_time(now_ns, '%Y%m%dT%H%M%S%f')}-{self._pid}-{self._made:06x}.jsonl.part"
        self._size, self._opened_ns = 0, now_ns
        return self._path.open("xb")


class Growing:
    """A file of a collector's file exporter: appended to, and renamed with the time when it has reached its size."""

    def __init__(self, directory: Path, name: str, most_bytes: int) -> None:
        self._path = directory / f"{name}.jsonl"
        self._most_bytes = most_bytes

    def write(self, line: bytes, now_ns: int) -> None:
        """Append a whole line."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._path.exists() and self._path.stat().st_size + len(line) > self._most_bytes:
            time = _time(now_ns, "%Y-%m-%dT%H-%M-%S.%f")[:-3]
            self._path.rename(self._path.with_name(f"{self._path.stem}-{time}-size.jsonl"))
        with self._path.open("ab") as file:
            file.write(line)


def _time(time_ns: int, shape: str) -> str:
    return datetime.fromtimestamp(time_ns / 1e9, timezone.utc).strftime(shape)
