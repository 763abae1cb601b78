"""OTLP JSON lines in segments, as the collector's file exporter writes them.

A segment belongs to one process and is ``*.jsonl.part`` while it is open. Every line is flushed to the operating
system, so a killed process loses only what was not handed over yet; the rename at the end says that a segment is
complete. A directory that cannot be written, or a full disk, costs telemetry and one log line, never more.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from otel_verein.config.schema import Export

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

_logger = logging.getLogger("otel_verein")


class Outage:
    """Tells the log once that files cannot be written, and once that they can again, for all writers that share it."""

    def __init__(self) -> None:
        self._failing: set[Path] = set()

    def begins(self, directory: Path, fault: OSError, retry_s: float) -> None:
        """*directory* cannot be written."""
        if not self._failing:
            _logger.warning(
                "otel-verein: cannot write to %s: %s; telemetry is dropped and counted, the application is not "
                "affected; trying again every %g s",
                directory,
                fault.strerror or fault,
                retry_s,
            )
        self._failing.add(directory)

    def ends(self, directory: Path) -> None:
        """*directory* can be written."""
        if directory in self._failing:
            self._failing.discard(directory)
            if not self._failing:
                _logger.warning("otel-verein: writes to %s again", directory)


class SegmentWriter:
    """Appends lines to the open segment of *directory*; used by one thread at a time; a fork starts a new one."""

    def __init__(
        self,
        directory: Path,
        options: Export,
        clock: Callable[[], float] = monotonic,
        outage: Outage | None = None,
    ) -> None:
        self._directory = directory
        self._outage = outage or Outage()
        self._options = options
        self._clock = clock
        self._failed_at: float | None = None
        self._file: int | None = None
        self._path = Path()
        self._size = 0
        self._opened = 0.0
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._leave_to_parent)

    def _leave_to_parent(self) -> None:
        """In a forked child: let go of the parent's segment, without renaming it."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def write(self, line: bytes) -> bool:
        """Append *line*, whole or not at all; False when it could not be written."""
        if self._failed_at is not None and self._clock() - self._failed_at < self._options.retry_s:
            return False
        try:
            self._rotate_if_due()
            if self._file is None:
                self._open()
            self._append(line + b"\n")
        except OSError as fault:
            self._fail(fault)
            return False
        if self._failed_at is not None:
            self._failed_at = None
            self._outage.ends(self._directory)
        return True

    def close(self) -> None:
        """Close the open segment and give it its final name."""
        if self._file is None:
            return
        os.close(self._file)
        self._file = None
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
        self._path = self._directory / f"{now}-{os.getpid()}-{secrets.token_hex(3)}.jsonl.part"
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
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

    def _fail(self, fault: OSError) -> None:
        self._outage.begins(self._directory, fault, self._options.retry_s)
        self._failed_at = self._clock()


def file_exporters(directory: Path | str, options: Export) -> tuple[FileSpanExporter, FileMetricExporter]:
    """Both exporters to *directory*, which tell of an outage together."""
    outage = Outage()
    return FileSpanExporter(directory, options, outage), FileMetricExporter(directory, options, outage)


class FileSpanExporter(SpanExporter):
    """Writes spans as OTLP JSON lines under ``<directory>/spans``."""

    def __init__(self, directory: Path | str, options: Export, outage: Outage | None = None) -> None:
        self._writer = SegmentWriter(Path(directory) / "spans", options, outage=outage)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write *spans* as one line; FAILURE when the disk would not take it."""
        from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

        written = self._writer.write(_line(encode_spans(spans)))
        return SpanExportResult.SUCCESS if written else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        """Close the open segment."""
        self._writer.close()


class FileMetricExporter(MetricExporter):
    """Writes metrics as OTLP JSON lines under ``<directory>/metrics``."""

    def __init__(self, directory: Path | str, options: Export, outage: Outage | None = None) -> None:
        super().__init__()
        self._writer = SegmentWriter(Path(directory) / "metrics", options, outage=outage)

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        """Write *metrics_data* as one line; FAILURE when the disk would not take it."""
        from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics

        written = self._writer.write(_line(encode_metrics(metrics_data)))
        return MetricExportResult.SUCCESS if written else MetricExportResult.FAILURE

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """True: every line is with the operating system when ``export`` returns."""
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Close the open segment."""
        self._writer.close()


_ID_FIELDS = frozenset({"traceId", "spanId", "parentSpanId"})


def _line(message: Any) -> bytes:
    """One OTLP JSON line: as protobuf JSON, but with integer enums and hexadecimal ids.

    Source: opentelemetry-proto, "JSON Protobuf Encoding" of the OTLP specification.
    """
    from google.protobuf.json_format import MessageToDict

    encoded: dict[str, Any] = MessageToDict(message, use_integers_for_enums=True)  # type: ignore[no-untyped-call]
    _hexadecimal(encoded)
    return json.dumps(encoded, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def _hexadecimal(node: Any) -> None:
    import base64

    if isinstance(node, list):
        for item in node:
            _hexadecimal(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in _ID_FIELDS and isinstance(value, str):
                node[key] = base64.b64decode(value).hex()
            elif isinstance(value, dict | list):
                _hexadecimal(value)
