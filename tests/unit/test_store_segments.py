"""Which files are segments, whether they are closed, and how far each was taken."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from otel_verein.store.records import Segment
from otel_verein.store.segments import Found, content_of, find, head_of, printable

OURS = "20261127T134411345641-8528-399b0d.jsonl"
LINE = b'{"resourceSpans":[]}\n'


def segment(path: Path, offset: int, number: int = 1) -> Segment:
    """What the journal has of the file when *offset* bytes were taken."""
    at = path.stat()
    return Segment(
        number,
        printable(path),
        at.st_dev,
        at.st_ino,
        at.st_size,
        offset,
        at.st_mtime_ns,
        head_of(path, offset),
        None,
        "",
    )


def one(found: list[Found]) -> Found:
    """The only one."""
    (single,) = found
    return single


@pytest.mark.parametrize(
    ("name", "closed"),
    [
        (OURS, True),
        (OURS + ".part", False),
        ("long.jsonl", False),
        ("metrics.jsonl", False),
        ("long-2026-11-27T15-39-56.708.jsonl", True),
        ("short-2026-11-27T15-39-56.708-size.jsonl", True),
        ("traces.jsonl", False),
    ],
)
def test_a_file_is_closed_by_its_name(tmp_path: Path, name: str, closed: bool) -> None:
    """A foreign name says nothing while it was written to just now."""
    path = tmp_path / name
    path.write_bytes(LINE)

    assert one(find([tmp_path], [], path.stat().st_mtime)).closed is closed


def test_a_foreign_file_is_closed_when_it_is_quiet_or_named(tmp_path: Path) -> None:
    """A minute of silence, or the user's word."""
    path = tmp_path / "traces.jsonl"
    path.write_bytes(LINE)
    now = path.stat().st_mtime

    assert one(find([tmp_path], [], now + 61)).closed
    assert one(find([path], [], now)).closed


def test_only_segments_are_found(tmp_path: Path) -> None:
    """No link, no device, nothing of another kind; oldest first, whichever folder it is in."""
    late, early = tmp_path / "spans" / OURS, tmp_path / "metrics" / OURS
    for path, when in ((late, 200), (early, 100)):
        path.parent.mkdir()
        path.write_bytes(LINE)
        os.utime(path, (when, when))
    (tmp_path / "notes.txt").write_bytes(LINE)
    (tmp_path / "link.jsonl").symlink_to(late)
    os.mkfifo(tmp_path / "pipe.jsonl")

    assert [each.path for each in find([tmp_path], [], 0)] == [early, late]


def test_a_segment_goes_on_where_it_was_under_its_new_name(tmp_path: Path) -> None:
    """A collector renames a file when it closes it, a copied volume has other inodes."""
    path = tmp_path / "long.jsonl"
    path.write_bytes(LINE * 500)
    known = segment(path, len(LINE) * 400)
    path.rename(tmp_path / "long-2026-11-27T15-39-56.708.jsonl")

    renamed = one(find([tmp_path], [known], 0))
    elsewhere = one(find([tmp_path], [replace(known, inode=1, device=1)], 0))

    assert (renamed.known, renamed.left) == (known, len(LINE) * 100)
    assert elsewhere.known == replace(known, inode=1, device=1)


def test_a_file_begun_anew_under_the_old_name_begins_anew(tmp_path: Path) -> None:
    """Another beginning, or less than was taken, is another file, also with the same inode."""
    path = tmp_path / "long.jsonl"
    path.write_bytes(LINE * 500)
    known = segment(path, len(LINE) * 400)

    with path.open("r+b") as file:
        file.write(b'{"resourceSpans":[1]}')
    other = one(find([tmp_path], [known], 0))
    path.write_bytes(LINE * 3)
    shorter = one(find([tmp_path], [known], 0))

    assert (other.known, other.offset) == (None, 0)
    assert (shorter.known, shorter.offset) == (None, 0)


def test_of_two_that_begin_the_same_each_inode_has_its_own(tmp_path: Path) -> None:
    """A copy beside a growing file does not take its place."""
    path = tmp_path / "long.jsonl"
    path.write_bytes(LINE * 10)
    shutil.copy(path, tmp_path / "short.jsonl")
    known = [segment(path, len(LINE) * 10, 1), segment(tmp_path / "short.jsonl", len(LINE) * 10, 2)]

    found = {each.path.name: each.known for each in find([tmp_path], known, 0)}

    assert found == {"long.jsonl": known[0], "short.jsonl": known[1]}


def test_content_is_asked_for_until_told_to_stop(tmp_path: Path) -> None:
    """Hashing a large file does not hold up an exit."""
    path = tmp_path / OURS
    path.write_bytes(LINE)

    assert content_of(path) == hashlib.sha256(LINE).hexdigest()
    assert content_of(path, lambda: True) is None


def test_a_name_that_is_no_text_is_printable(tmp_path: Path) -> None:
    """The journal keeps text; the file itself is known by how it begins."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.jsonl"))

    assert printable(path) == f"{tmp_path}/\\xff.jsonl"
