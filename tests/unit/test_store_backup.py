"""A store as one file: what is in it, what is refused, and that writers go on meanwhile."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from otel_verein.errors import StoreBusyError, StoreError
from otel_verein.store import lock
from otel_verein.store.backup import Archived, backup, clear_staging, staged
from otel_verein.store.journal import Journal
from otel_verein.store.layout import Store
from otel_verein.store.records import Change
from otel_verein.store.restore import restore
from otel_verein.store.verify import verify
from tests.unit.store_small import copied, live, small_store


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A small store with everything in it."""
    return small_store(tmp_path_factory.mktemp("made") / "store")


@pytest.fixture
def store(made: Store, tmp_path: Path) -> Store:
    """A copy of it, which a test may spoil."""
    return copied(made, tmp_path)


def contents(root: Path) -> dict[str, bytes]:
    """Every file that a backup has to hold."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for folder in ("detail", "rollup", "aside", "baselines")
        for path in (root / folder).rglob("*")
        if path.is_file()
    }


def journal_of(store: Store) -> list[str]:
    """All that the journal says."""
    with closing(sqlite3.connect(store.journal)) as database:
        return list(database.iterdump())


def entries(folder: Path) -> list[str]:
    """Everything below *folder*, by name, but for what any writer leaves there."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    return sorted(name for name in found if name not in ("lock", "tmp"))


def test_a_restored_store_is_the_same(store: Store, tmp_path: Path) -> None:
    """Every file that counts, what was set aside, the baselines and every row of the journal."""
    made = backup(store, tmp_path / "store.tar")
    restored = restore(tmp_path / "store.tar", tmp_path / "other" / "store")

    other = Store(tmp_path / "other" / "store")
    assert Archived(tmp_path / "store.tar", 11, (tmp_path / "store.tar").stat().st_size) == made
    assert (11, True) == (restored.files, restored.verdict.sound)
    assert contents(store.root) == contents(other.root)
    assert journal_of(store) == journal_of(other)
    assert verify(other).sound


def test_nothing_is_left_behind_in_the_store(store: Store, tmp_path: Path) -> None:
    """The store is as it was before: no second names, no folder."""
    before = entries(store.root)

    backup(store, tmp_path / "store.tar")

    assert before == entries(store.root)


def test_any_tar_reads_it(store: Store, tmp_path: Path) -> None:
    """Without otel-verein one gets at the Parquet files, too."""
    backup(store, tmp_path / "store.tar")

    with tarfile.open(tmp_path / "store.tar") as opened:
        found = {name: opened.extractfile(name).read() for name in opened.getnames()}  # type: ignore[union-attr]

    assert ["manifest.json", "journal.sqlite"] == list(found)[:2]
    assert contents(store.root) == {name: data for name, data in found.items() if "/" in name}


def test_a_file_is_never_overwritten(store: Store, tmp_path: Path) -> None:
    """Whatever stands at the place stays."""
    file = tmp_path / "store.tar"
    file.write_bytes(b"the last backup")

    with pytest.raises(StoreError) as caught:
        backup(store, file)

    assert f"{file}: is already there, and a backup overwrites nothing; name another file" == str(caught.value)
    assert b"the last backup" == file.read_bytes()


def test_a_backup_does_not_belong_into_the_store(store: Store) -> None:
    """It would be lost with it."""
    file = store.root / "backup.tar"

    with pytest.raises(StoreError) as caught:
        backup(store, file)

    assert f"{file}: is inside the store itself; a backup belongs elsewhere, best on another disk" == str(caught.value)


def test_without_a_store_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    """Nothing is made at either place."""
    with pytest.raises(StoreError, match="there is no store here"):
        backup(Store(tmp_path / "none"), tmp_path / "store.tar")

    assert [] == entries(tmp_path)


def test_a_directory_that_is_not_there(store: Store, tmp_path: Path) -> None:
    """The message names the file, and the store is as it was."""
    before = entries(store.root)

    with pytest.raises(StoreError) as caught:
        backup(store, tmp_path / "none" / "store.tar")

    assert f"{tmp_path / 'none' / 'store.tar'}: cannot be written: No such file or directory" == str(caught.value)
    assert before == entries(store.root)


def test_damage_is_not_backed_up(store: Store, tmp_path: Path) -> None:
    """A backup that holds what is broken would take the place of a good one."""
    file = live(store, "spans", 0, "long")
    data = bytearray(store.path(file.path).read_bytes())
    data[20] ^= 1
    store.path(file.path).write_bytes(data)

    with pytest.raises(StoreError) as caught:
        backup(store, tmp_path / "store.tar")

    assert (
        f"{file.path}: is not what the journal says, so it is not backed up; "
        "'otel-verein store verify' says what is wrong"
    ) == str(caught.value)
    assert ["segments", "segments/spans.jsonl", "store"] == [each for each in entries(tmp_path) if "store/" not in each]


def test_a_missing_file_is_told(store: Store, tmp_path: Path) -> None:
    """There is no backup of what is not there."""
    file = live(store, "spans", 0, "long")
    store.path(file.path).unlink()

    with pytest.raises(StoreError) as caught:
        backup(store, tmp_path / "store.tar")

    assert (
        f"{store.root}: {file.path} is missing, so it cannot be backed up; "
        "'otel-verein store verify' says what else is wrong"
    ) == str(caught.value)
    assert not (tmp_path / "store.tar").exists()
    assert not (store.root / "backing-up").exists()


def test_a_writer_at_work_is_waited_for(store: Store, tmp_path: Path) -> None:
    """Without time to wait it says who is at it."""
    with lock.held(store, "ingest"), pytest.raises(StoreBusyError, match=f"ingest of process {os.getpid()}"):
        backup(store, tmp_path / "store.tar")

    assert not (tmp_path / "store.tar").exists()


def test_what_is_deleted_meanwhile_is_still_in_it(store: Store) -> None:
    """Writers go on while files are copied: the backup is of the moment in which it began."""
    file = live(store, "others", 0)
    before = contents(store.root)

    with staged(store, 0.0) as (folder, members):
        with lock.held(store, "retention"), Journal.opened(store, create=True) as journal:
            journal.commit(Change("retention", expired={file.id: "detail_d"}))
            store.path(file.path).unlink()
        held_back = contents(folder)

    assert before == held_back
    assert 11 == len(members)
    assert verify(store).sound


def test_what_a_killed_backup_left_is_cleared(store: Store, tmp_path: Path) -> None:
    """Its second names hold bytes of deleted files; those of a living one stay."""
    dead, living = store.root / "backing-up" / "dead", store.root / "backing-up" / "living"
    for folder in (dead, living):
        (folder / "detail").mkdir(parents=True)
    handle = os.open(living, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        clear_staging(store)

        assert ["living"] == [path.name for path in (store.root / "backing-up").iterdir()]
    finally:
        os.close(handle)
    backup(store, tmp_path / "store.tar")
    assert not (store.root / "backing-up").exists()
