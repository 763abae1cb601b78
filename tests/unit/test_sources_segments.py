"""Segments: which files are read for which signal."""

from __future__ import annotations

from pathlib import Path

from otel_verein.sources.segments import broken_lines, find_segments
from tests.unit.otlp_lines import write


def names(paths: tuple[Path, ...]) -> list[str]:
    """The bare names, in order."""
    return [path.name for path in paths]


def test_folder_tells_the_signal(tmp_path: Path):
    """Files under spans/ and metrics/ are read once; a file elsewhere may hold both."""
    for name in ("spans/s.jsonl", "metrics/m.jsonl", "tier/long/x.jsonl", "y.json", "notes.txt"):
        write(tmp_path / name, "{}")

    found = find_segments(tmp_path)

    assert names(found.metrics) == ["m.jsonl", "x.jsonl", "y.json"]
    assert names(found.spans) == ["s.jsonl", "x.jsonl", "y.json"]


def test_folder_of_one_signal_can_be_named_itself(tmp_path: Path):
    """The folder of a signal, given as the place to read, keeps its meaning."""
    write(tmp_path / "spans" / "s.jsonl", "{}")

    found = find_segments(tmp_path / "spans")

    assert (names(found.metrics), names(found.spans)) == ([], ["s.jsonl"])


def test_segment_closed_during_the_listing_counts_once(tmp_path: Path):
    """Of a segment that is seen under its open and its closed name, only the closed one is read."""
    write(tmp_path / "metrics" / "a.jsonl", "{}")
    write(tmp_path / "metrics" / "a.jsonl.part", "{}")

    assert names(find_segments(tmp_path).metrics) == ["a.jsonl"]


def test_cut_off_end_of_a_closed_segment_is_broken(tmp_path: Path):
    """Only an open segment may end in the middle of a line."""
    closed = write(tmp_path / "a.jsonl", '{"resourceSpans": [', end="")
    still_open = write(tmp_path / "b.jsonl.part", '{"resourceSpans": [', end="")

    assert (broken_lines(closed, 1).lines, broken_lines(closed, 1).cut_off) == ((1,), False)
    assert (broken_lines(still_open, 1).lines, broken_lines(still_open, 1).cut_off) == ((), True)


def test_many_broken_lines_are_named_up_to_five(tmp_path: Path):
    """A file full of something else does not fill the screen."""
    path = write(tmp_path / "a.jsonl", *["x"] * 7)

    named = ", ".join(f"{path}:{line}" for line in range(1, 6))
    assert broken_lines(path, 7).note() == f"{named} and 2 more in this file: not an OTLP/JSON line; skipped"
