"""Segments: which of their lines cannot be read, and what may have been lost with them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from otel_verein.sources.otlp_files import OtlpFiles
from otel_verein.sources.segments import line_numbers
from tests.unit.otlp_lines import metrics_request, operation_metrics, write

REQUEST = metrics_request(operation_metrics("GET /", duration=[0.1]))


def test_lines_are_told_by_where_they_begin(tmp_path: Path):
    """From 1 on, empty ones included, in a file longer than what is read at once."""
    lines = ["", "a" * 1_500_000, "b", "", "c"]
    path = write(tmp_path / "a.jsonl", *lines)
    offsets = [sum(len(line) + 1 for line in lines[:number]) for number in (1, 2, 4)]

    assert line_numbers(path, offsets) == [2, 3, 5]
    assert line_numbers(path, [0]) == [1]


def test_many_broken_lines_are_named_up_to_five(tmp_path: Path):
    """A file full of something else does not fill the screen."""
    path = write(tmp_path / "a.jsonl", *["x"] * 7)

    named = ", ".join(f"{path}:{line}" for line in range(1, 6))
    assert OtlpFiles(tmp_path).read().notes == (f"{named} and 2 more in this file: not OTLP/JSON; skipped",)


@pytest.mark.parametrize(
    ("name", "lost"),
    [("spans/a.jsonl", False), ("metrics/a.jsonl", True), ("tier/spans.jsonl", True), ("a.json", True)],
)
def test_folder_of_spans_has_no_metrics_to_lose(tmp_path: Path, name: str, lost: bool):
    """A file elsewhere may hold both."""
    write(tmp_path / name, "{oops")
    write(tmp_path / "metrics" / "good.jsonl", REQUEST)

    assert OtlpFiles(tmp_path).read().metrics_lost is lost


def test_folder_of_one_signal_can_be_named_itself(tmp_path: Path):
    """The folder of a signal, given as the place to read, keeps its meaning; and so does a file in it."""
    path = write(tmp_path / "spans" / "a.jsonl", "{oops")

    assert not OtlpFiles(tmp_path / "spans").read().metrics_lost
    assert OtlpFiles(path).read().notes == (f"{path}:1: not OTLP/JSON; skipped",)


def test_what_has_another_name_is_no_segment(tmp_path: Path):
    """It is not read, whatever it holds."""
    write(tmp_path / "metrics" / "a.jsonl", REQUEST)
    write(tmp_path / "notes.txt", "{oops")

    tables = OtlpFiles(tmp_path).read()

    assert (sum(row.count for row in tables.histograms), tables.notes) == (1, ())


def test_segment_that_was_packed_is_read(tmp_path: Path):
    """As the store takes it."""
    path = write(tmp_path / "metrics" / "a.jsonl", REQUEST)
    (tmp_path / "metrics" / "b.jsonl.gz").write_bytes(gzip.compress(path.read_bytes()))

    assert sum(row.count for row in OtlpFiles(tmp_path).read().histograms) == 2
