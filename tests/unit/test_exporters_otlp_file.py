"""Segments: whole lines, closed by rename, rotated; a disk that takes nothing is told to who asked."""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult

from otel_verein.config.schema import Export
from otel_verein.delivery import TAKEN, Delivery, Outcome
from otel_verein.exporters.otlp_file import FileSpanExporter, SegmentWriter
from tests.unit.odd_spans import span


class Clock:
    """A clock that is set by hand, in seconds."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def names(directory: Path) -> list[str]:
    """The suffixes of the files of *directory*."""
    return sorted("".join(path.suffixes) for path in directory.iterdir())


def test_an_open_segment_is_part_and_a_closed_one_is_not(tmp_path: Path) -> None:
    """The final name says that a segment is complete."""
    writer = SegmentWriter(tmp_path, Export())
    assert writer.write(b"{}")
    assert names(tmp_path) == [".jsonl.part"]

    writer.close()

    assert names(tmp_path) == [".jsonl"]


@pytest.mark.parametrize(("size", "seconds"), [(1024, 0.0), (10, 61.0)], ids=["size", "age"])
def test_segments_rotate_by_size_and_age(tmp_path: Path, size: int, seconds: float) -> None:
    """The line after the bound opens the next segment."""
    clock = Clock()
    writer = SegmentWriter(tmp_path, Export(segment_bytes=1024, segment_age_s=60), clock)
    writer.write(b"x" * size)
    clock.now += seconds
    writer.write(b"y")

    assert names(tmp_path) == [".jsonl", ".jsonl.part"]


def test_ids_are_hexadecimal_and_integers_are_strings(tmp_path: Path) -> None:
    """A line is OTLP JSON as the collector's file exporter writes it."""
    started = TracerProvider(shutdown_on_exit=False).get_tracer("t").start_span("GET /")
    started.set_attribute("n", 3)
    started.end()
    exporter = FileSpanExporter(tmp_path, Export())

    assert exporter.export([started]) is SpanExportResult.SUCCESS  # type: ignore[list-item]
    exporter.shutdown()

    (segment,) = (tmp_path / "spans").iterdir()
    written = json.loads(segment.read_text())["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    context = started.get_span_context()
    assert (written["traceId"], written["spanId"]) == (f"{context.trace_id:032x}", f"{context.span_id:016x}")
    assert written["attributes"] == [{"key": "n", "value": {"intValue": "3"}}]
    assert written["kind"] == 1


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Not in the log, where each failure would be a line, but to who asked; and the first write after it succeeds."""
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    exporter = FileSpanExporter(blocked, Export(retry_s=3))
    with caplog.at_level(logging.DEBUG):
        results = [exporter.export([span()]) for _ in range(3)]
    told = exporter.last
    blocked.unlink()

    assert ([SpanExportResult.FAILURE] * 3, []) == (results, caplog.messages)
    assert Delivery(Outcome.LATER, f"cannot write to {blocked}/spans: Not a directory", 3) == told
    assert exporter.export([span()]) is SpanExportResult.SUCCESS
    assert exporter.last == TAKEN


def test_a_line_that_would_be_too_long_is_not_written(tmp_path: Path) -> None:
    """``export.request_bytes`` bounds lines as it bounds requests; the outbox makes smaller ones."""
    exporter = FileSpanExporter(tmp_path, Export(request_bytes=65_536))
    result = exporter.export([span(text="a" * 65_536)])

    assert result is SpanExportResult.FAILURE
    assert Delivery(Outcome.TOO_LARGE) == exporter.last
    assert not (tmp_path / "spans").exists()


def test_a_full_disk_leaves_whole_lines(tmp_path: Path) -> None:
    """A write that the disk takes only in part is undone: readers never see half a line."""
    reader, child = os.pipe(), os.fork()
    if child == 0:  # a process of its own, since the limit on file size is the process's
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        writer = SegmentWriter(tmp_path, Export(retry_s=0.001))
        results = [writer.write(b"x" * 300) for _ in range(5)]
        os.write(reader[1], json.dumps(results).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(reader[1])
    results = json.loads(os.read(reader[0], 1000))

    assert results == [True, True, True, False, False]
    (segment,) = tmp_path.iterdir()
    assert segment.read_bytes() == (b"x" * 300 + b"\n") * 3
