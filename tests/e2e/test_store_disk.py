"""No room on the disk: a store says so plainly, loses nothing, and makes up for it once there is some."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.store_disks import DiskAbsent, TinyDisk, tiny_disk
from tests.e2e.store_jobs import Jobs, jobs
from tests.e2e.store_states import Scene, record, stored, taken

JOBS = ("ingest", "roll", "compact", "retention")
MAKING_ROOM = ("compact", "retention")
"""The jobs that a store keeps some room for."""

ROOMS = [
    pytest.param(0, id="no byte left"),
    pytest.param(40_960, id="40 kB left", marks=pytest.mark.soak),
    pytest.param(122_880, id="120 kB left", marks=pytest.mark.soak),
]


@pytest.fixture(scope="module")
def starter() -> Iterator[Jobs]:
    """One process from which all jobs are forked."""
    with jobs() as found:
        yield found


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[TinyDisk]:
    """A disk of 16 MB."""
    try:
        with tiny_disk(tmp_path / "disk", 16) as found:
            yield found
    except DiskAbsent as missing:
        pytest.skip(f"no disk can be mounted: {missing}")


def _prepare(scene: Scene, job: str) -> None:
    """All that has to be done for *job* to have work."""
    if job == "ingest":
        record(scene)
    elif job == "compact":
        record(scene)
        scene.run("ingest").sound()
    elif job == "retention":
        scene.run("roll").sound()


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("job", JOBS)
def test_full_disk_is_said_and_nothing_is_lost(
    job: str, room: int, starter: Jobs, disk: TinyDisk, tmp_path: Path
) -> None:
    """A job that finds no room says so, leaves nothing behind, and comes to its end once there is some."""
    scene = taken(starter, disk.place / "world")
    _prepare(scene, job)
    disk.leave(room)
    before = stored(scene.world.root)

    ended = scene.run(job)

    assert ended.fault is None, ended.fault
    if ended.error is None:
        assert room or job in MAKING_ROOM, "it found room where there is none"
    else:
        assert ended.error in _no_room(scene.world.root)
        assert before == stored(scene.world.root)
    disk.make_room()
    scene.put_right()


def test_retention_makes_room_on_a_full_disk(starter: Jobs, disk: TinyDisk, tmp_path: Path) -> None:
    """The job that deletes needs no room for it: who finds the disk full can let it go on by itself."""
    scene = taken(starter, disk.place / "world")
    _prepare(scene, "retention")
    disk.leave(0)

    scene.run("retention").sound()

    assert disk.room > 0
    scene.assert_nothing_counts_twice_or_is_missing()


def _no_room(root: Path) -> tuple[str, ...]:
    return (
        f"{root}: cannot be written to: No space left on device",
        f"{root / 'journal.sqlite'}: the journal cannot be used: database or disk is full; "
        "make room on the disk; nothing was lost",
    )


@pytest.mark.parametrize("job", JOBS)
def test_file_that_may_not_grow_is_said_and_nothing_is_lost(job: str, starter: Jobs, tmp_path: Path) -> None:
    """The same where the system refuses a single file; a job that got by without such a file is done."""
    scene = taken(starter, tmp_path / "world")
    _prepare(scene, job)
    before = stored(scene.world.root)
    root = scene.world.root

    ended = scene.run(job, file_bytes=4096)

    assert ended.fault is None, ended.fault
    said = (f"{root}: cannot be written to: File too large", *_no_room(root))
    disk_fault = f"{root / 'journal.sqlite'}: the journal cannot be used: disk I/O error; "
    assert ended.error in (*said, disk_fault + "make room on the disk; nothing was lost")
    assert before == stored(root)
    scene.put_right()
