"""No right, no journal, a locked one: a store says so plainly, loses nothing, and makes up for it later."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.store_jobs import Jobs, Outcome, jobs
from tests.e2e.store_states import BEGIN_S, HOUR_S, Scene, record, stored, taken
from tests.e2e.store_truth import Holding

NOBODY = 65534
JOBS = ("ingest", "roll", "compact", "retention")
READERS_TOO = (*JOBS, "report")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="takes the place of another user")


@pytest.fixture(scope="module")
def starter() -> Iterator[Jobs]:
    """One process from which all jobs are forked."""
    with jobs() as found:
        yield found


@pytest.fixture
def scene(starter: Jobs, tmp_path: Path) -> Scene:
    """An hour of segments, taken by a store and not rolled up."""
    return taken(starter, tmp_path / "world")


@pytest.fixture
def open_scene(starter: Jobs) -> Iterator[Scene]:
    """The same where everybody may come, which nobody but its owner may to the directories of tests."""
    with tempfile.TemporaryDirectory(prefix="verein-open-") as directory:
        yield taken(starter, Path(directory, "world"))


@needs_root
def test_store_of_another_user_is_left_as_it_is(open_scene: Scene) -> None:
    """Who may not write to a store is told so, whatever the job, and changes nothing."""
    scene = open_scene
    record(scene)
    _open_to_all(scene.world.root.parent)
    before = stored(scene.world.root)

    ended = [scene.run(job, uid=NOBODY) for job in JOBS]

    assert [f"{scene.world.root}: cannot be written to: Permission denied"] * len(JOBS) == _errors(ended)
    assert before == stored(scene.world.root)
    scene.put_right()


def _errors(ended: Iterable[Outcome]) -> list[str | None]:
    return [each.fault or each.error for each in ended]


@needs_root
def test_store_is_read_by_a_user_who_may_not_write_there(open_scene: Scene) -> None:
    """Reading takes the right to read, no more."""
    scene = open_scene
    _open_to_all(scene.world.root.parent)
    truth = scene.truth

    said = scene.run("report", uid=NOBODY).sound()

    assert {"operations": truth.operations.total(), "findings": truth.findings} == said


def _open_to_all(directory: Path) -> None:
    """Everybody may read below *directory*, and come there."""
    directory.parent.chmod(0o755)
    for path in [directory, *directory.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


def test_journal_that_is_no_database_is_said_and_left_alone(scene: Scene) -> None:
    """A destroyed journal costs nothing but the run: files and segments stay, and a restored journal knows them."""
    record(scene)
    journal = scene.world.root / "journal.sqlite"
    whole = journal.read_bytes()
    journal.write_bytes(b"\xde\xad" * (len(whole) // 2))
    before = stored(scene.world.root)

    ended = [scene.run(job) for job in READERS_TOO]

    what = "file is not a database; restore a backup with `otel-verein store restore`"
    assert [f"{journal}: the journal cannot be used: {what}"] * len(ended) == _errors(ended)
    assert before == stored(scene.world.root)
    journal.write_bytes(whole)
    scene.put_right()


@pytest.mark.parametrize("left", [pytest.param(None, id="missing"), pytest.param(b"", id="empty")])
def test_files_without_their_journal_are_no_rubbish(left: bytes | None, scene: Scene, tmp_path: Path) -> None:
    """Where the journal is gone, or was cut off, the files that it knew are not deleted as unknown."""
    record(scene)
    journal = scene.world.root / "journal.sqlite"
    shutil.move(journal, tmp_path / "kept")
    if left is not None:
        journal.write_bytes(left)
    before = stored(scene.world.root)

    ended = [scene.run(job) for job in JOBS]

    files = len(list(scene.world.root.rglob("*.parquet")))
    what = f"has {files} files and no journal, so nothing says which of them count"
    cure = "restore a backup with `otel-verein store restore`, or move the directory away to begin anew"
    assert [f"{scene.world.root}: {what}; {cure}"] * len(JOBS) == _errors(ended)
    assert before == stored(scene.world.root)
    shutil.move(tmp_path / "kept", journal)
    scene.put_right()


def test_store_of_a_later_version_is_not_touched(scene: Scene) -> None:
    """An older program keeps its hands off what it may not understand."""
    record(scene)
    _change(scene, "UPDATE meta SET value = '99' WHERE key = 'version'")
    before = stored(scene.world.root)

    ended = [scene.run(job) for job in (*READERS_TOO, "verify", "backup")]

    what = "the store has version 99, this otel-verein knows version 1; install the one that made it"
    assert [f"{scene.world.root}: {what}"] * len(ended) == _errors(ended)
    assert before == stored(scene.world.root)
    _change(scene, "UPDATE meta SET value = '1' WHERE key = 'version'")
    scene.put_right()


def _change(scene: Scene, statement: str) -> None:
    journal = sqlite3.connect(scene.world.root / "journal.sqlite")
    with journal:
        journal.execute(statement)
    journal.close()


def test_journal_that_another_process_has_locked_is_waited_for(scene: Scene) -> None:
    """A transaction of somebody else, say of a backup program, only takes time."""
    record(scene)
    for job in READERS_TOO:
        with _locked(scene.world.root / "journal.sqlite"):
            scene.jobs.start(scene.order(job))
            assert not scene.jobs.has_ended(0.3), job
        scene.jobs.wait().sound()

    scene.put_right()


@pytest.mark.soak
def test_journal_that_stays_locked_is_said(scene: Scene) -> None:
    """Nobody waits for ever, and nothing is lost by it."""
    record(scene)
    journal = scene.world.root / "journal.sqlite"
    with _locked(journal):
        ended = [scene.run(job) for job in READERS_TOO]

    what = "database is locked; another process holds it; try again"
    assert [f"{journal}: the journal cannot be used: {what}"] * len(ended) == _errors(ended)
    scene.put_right()


@contextmanager
def _locked(journal: Path) -> Iterator[None]:
    database = sqlite3.connect(journal, isolation_level=None)
    database.execute("BEGIN EXCLUSIVE")
    yield
    database.close()


def test_reader_finds_what_was_there_before_a_transaction_died(scene: Scene) -> None:
    """A process that died within a transaction leaves it to be undone by whoever comes next, a reader too."""
    truth = scene.truth
    _die_within_a_transaction(scene.world.root / "journal.sqlite")
    assert (scene.world.root / "journal.sqlite-journal").exists()

    said = scene.run("report").sound()

    assert {"operations": truth.operations.total(), "findings": truth.findings} == said
    assert Holding(scene.world.root).figures() == truth


def test_open_segment_on_another_disk_goes_on_where_it_was(scene: Scene) -> None:
    """Numbers of devices and files change when a machine restarts or a volume moves; what was taken stays taken."""
    scene.world.grow(BEGIN_S, HOUR_S)
    scene.world.grow(BEGIN_S, HOUR_S)
    scene.run("ingest").sound()
    for path in list(scene.world.collectors.rglob("*.jsonl")):
        copy = path.with_name("copy")
        shutil.copy(path, copy)
        copy.replace(path)
    scene.world.settle()
    scene.sent = None

    scene.run("ingest").sound()

    scene.put_right()


def _die_within_a_transaction(journal: Path) -> None:
    child = os.fork()
    if not child:
        database = sqlite3.connect(journal, isolation_level=None)
        database.execute("PRAGMA cache_size = 1")  # so that what is not committed comes to the disk
        database.execute("BEGIN IMMEDIATE")
        database.execute("UPDATE files SET state = 'expired'")
        database.executemany("INSERT INTO meta VALUES (?, ?)", [(str(n), "x" * 4096) for n in range(100)])
        os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
