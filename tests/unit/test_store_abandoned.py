"""Open segments: the one of a killed process is abandoned, the one of a quiet process is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from otel_verein.config.schema import Export
from otel_verein.exporters.otlp_file import SegmentWriter
from otel_verein.store.abandoned import abandoned

LATER_S = time.time() + 3600
"""An hour after whatever the tests write."""

_WRITER = """
import os, sys, time
from pathlib import Path
from otel_verein.config.schema import Export
from otel_verein.exporters.otlp_file import SegmentWriter
writer = SegmentWriter(Path(sys.argv[1]), Export())
writer.write(b"{}")
if sys.argv[2] == "alone" or os.fork() == 0:
    print(os.getpid(), flush=True)
time.sleep(600)
"""


@contextmanager
def writer_elsewhere(directory: Path, how: str = "alone") -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that has an open segment, and the process that it said: its child where it forks, else itself."""
    process = subprocess.Popen([sys.executable, "-c", _WRITER, str(directory), how], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = int(process.stdout.readline())
    try:
        yield process, said
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        if said != process.pid:
            os.kill(said, signal.SIGKILL)


def segment(directory: Path) -> Path:
    """The only file of *directory*."""
    (path,) = directory.iterdir()
    return path


def test_segment_of_a_living_process_is_not_abandoned(tmp_path: Path) -> None:
    """However long it has been quiet."""
    with writer_elsewhere(tmp_path):
        assert not abandoned(segment(tmp_path), LATER_S, 60)


def test_segment_of_a_killed_process_is_abandoned_when_it_is_quiet(tmp_path: Path) -> None:
    """The lock went with the process; the time of quiet is waited for all the same."""
    with writer_elsewhere(tmp_path) as (process, _):
        process.kill()
        process.wait()

        assert abandoned(segment(tmp_path), LATER_S, 60)
        assert not abandoned(segment(tmp_path), LATER_S, 7200)


def test_own_segment_is_not_abandoned(tmp_path: Path) -> None:
    """A lock of our own process counts as anybody else's."""
    writer = SegmentWriter(tmp_path, Export())
    writer.write(b"{}")

    assert not abandoned(segment(tmp_path), LATER_S, 60)
    writer.close()
    assert abandoned(segment(tmp_path), LATER_S, 60)


def test_child_neither_frees_nor_keeps_the_lock(tmp_path: Path) -> None:
    """It lets go of its parent's segment at once; the parent's end decides."""
    with writer_elsewhere(tmp_path, "forks") as (parent, _):
        living = abandoned(segment(tmp_path), LATER_S, 60)
        parent.kill()
        parent.wait()

        assert not living
        assert abandoned(segment(tmp_path), LATER_S, 60)


def test_end_of_a_child_leaves_the_lock(tmp_path: Path) -> None:
    """The lock belongs to the opened file, which the parent has still."""
    writer = SegmentWriter(tmp_path, Export())
    writer.write(b"{}")
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)

    assert not abandoned(segment(tmp_path), LATER_S, 60)
    writer.close()


def test_look_at_a_segment_does_not_lock_it(tmp_path: Path) -> None:
    """Two may look, and the next writer of the file gets its lock."""
    path = tmp_path / "a.jsonl.part"
    path.write_bytes(b"{}\n")

    assert [True, True] == [abandoned(path, LATER_S, 60) for _ in range(2)]


@pytest.mark.parametrize("kind", ["gone", "pipe that just came", "from the future"])
def test_what_cannot_be_told_is_not_abandoned(tmp_path: Path, kind: str) -> None:
    """Nothing is raised for a file that another process has just renamed, or that is none."""
    path = tmp_path / "a.jsonl.part"
    if kind == "pipe that just came":
        os.mkfifo(path)
        os.utime(path, (LATER_S, LATER_S))
    elif kind == "from the future":
        path.write_bytes(b"{}\n")
        os.utime(path, (LATER_S + 60, LATER_S + 60))

    assert not abandoned(path, LATER_S, 1)


def test_writer_whose_segment_was_taken_closes_without_a_fault(tmp_path: Path) -> None:
    """It is not there any more for the writer to rename."""
    writer = SegmentWriter(tmp_path, Export())
    writer.write(b"{}")
    path = segment(tmp_path)
    path.rename(path.with_suffix(""))

    writer.close()

    assert [".jsonl"] == ["".join(path.suffixes) for path in tmp_path.iterdir()]
