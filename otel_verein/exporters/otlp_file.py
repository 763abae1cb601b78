"""OTLP JSON lines in segments, as the collector's file exporter writes them.

A segment belongs to one process and is ``*.jsonl.part`` while it is open. Every line is flushed to the operating
system, so a killed process loses only what was not handed over yet; the rename at the end says that a segment is
complete. Its writer holds a lock on it, so that one whose process was killed can be told from one that is merely quiet.
A directory that cannot be written, or a full disk, costs telemetry and one log line, never more.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from otel_verein.clock import Clock
from otel_verein.config.schema import Export
from otel_verein.delivery import TAKEN, Delivery, Outcome
from otel_verein.exporters.otlp_json_metrics import MetricLines
from otel_verein.exporters.otlp_json_spans import SpanLines

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan


class SegmentWriter:
    """Appends lines to the open segment of *directory*; used by one thread at a time; a fork starts a new one."""

    def __init__(
        self,
        directory: Path,
        options: Export,
        clock: Callable[[], float] = Clock.seconds,
    ) -> None:
        self._directory = directory
        self._options = options
        self._clock = clock
        self._fault = ""
        self._file: int | None = None
        self._path = Path()
        self._size = 0
        self._opened = 0.0
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._leave_to_parent)

    def _leave_to_parent(self) -> None:
        """In a forked child: let go of the parent's segment, without renaming it."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def write(self, line: bytes) -> bool:
        """Append *line*, whole or not at all; False when it could not be written."""
        try:
            self._rotate_if_due()
            if self._file is None:
                self._open()
            self._append(line + b"\n")
        except OSError as fault:
            self._fault = f"cannot write to {self._directory}: {fault.strerror or fault}"
            return False
        return True

    def delivery(self) -> Delivery:
        """What to say of a write that failed: that it is worth another try."""
        return Delivery(Outcome.LATER, self._fault, retry_after_s=self._options.retry_s)

    def close(self) -> None:
        """Close the open segment and give it its final name."""
        file, self._file = self._file, None  # first: a child that is forked now must not close what is no longer ours
        if file is None:
            return
        os.close(file)
        with suppress(FileNotFoundError):  # the store may have taken it, had nothing been written for long
            if self._size:
                os.rename(self._path, self._path.with_suffix(""))
            else:
                self._path.unlink()

    def _rotate_if_due(self) -> None:
        if self._file is None:
            return
        if self._size >= self._options.segment_bytes or self._clock() - self._opened >= self._options.segment_age_s:
            self.close()

    def _open(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        now = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S%f")
        self._path = self._directory / f"{now}-{os.getpid()}-{os.urandom(3).hex()}.jsonl.part"
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        _lock(self._file)
        self._size = 0
        self._opened = self._clock()

    def _append(self, line: bytes) -> None:
        assert self._file is not None
        written = 0
        try:
            while written < len(line):
                written += os.write(self._file, line[written:])
        except OSError:
            os.ftruncate(self._file, self._size)
            os.lseek(self._file, self._size, os.SEEK_SET)
            raise
        self._size += written


def _lock(file: int) -> None:
    """Hold a lock on *file* until it is closed, also by the end of the process; without one where there are none."""
    if sys.platform == "win32":
        return
    with suppress(OSError):  # a file system without locks, where the store leaves open segments alone
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def file_exporters(directory: Path | str, options: Export) -> tuple[FileSpanExporter, FileMetrics]:
    """Both exporters to *directory*."""
    return FileSpanExporter(directory, options), FileMetrics(directory, options)


class FileSpanExporter(SpanExporter):
    """Writes spans as OTLP JSON lines under ``<directory>/spans``."""

    def __init__(self, directory: Path | str, options: Export) -> None:
        self._most_bytes = options.request_bytes
        self._writer = SegmentWriter(Path(directory) / "spans", options)
        self._lines = SpanLines()
        self.last: Delivery | None = None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write *spans* as one line; FAILURE when it would be too long, or the disk would not take it."""
        line, bad = self._lines.encode(spans)
        if len(line) > self._most_bytes:
            self.last = Delivery(Outcome.TOO_LARGE)
        elif self._writer.write(line):
            self.last = Delivery(Outcome.TAKEN, rejected=bad)
            return SpanExportResult.SUCCESS
        else:
            self.last = self._writer.delivery()
        return SpanExportResult.FAILURE

    def shutdown(self) -> None:
        """Close the open segment."""
        self._writer.close()


class FileMetrics:
    """Writes metrics as OTLP JSON lines under ``<directory>/metrics``; needs nothing of the SDK's own metrics."""

    def __init__(self, directory: Path | str, options: Export) -> None:
        self._most_bytes = options.request_bytes
        self._writer = SegmentWriter(Path(directory) / "metrics", options)
        self._lines = MetricLines()
        self.last: Delivery | None = None

    def export_plain(self, data: Any) -> bool:
        """Write *data*, of the SDK or plain, as one line; False when it would be too long, or was not taken."""
        line = self._lines.encode(data)
        if len(line) > self._most_bytes:
            self.last = Delivery(Outcome.TOO_LARGE)
        else:
            self.last = TAKEN if self._writer.write(line) else self._writer.delivery()
        return self.last is TAKEN

    def shutdown(self, timeout_millis: float = 30_000) -> None:
        """Close the open segment."""
        self._writer.close()
