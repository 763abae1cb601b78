"""Verification of a store: a whole one is sound, and whatever is done to it is found by name."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from otel_verein.errors import StoreError
from otel_verein.store import lock
from otel_verein.store.journal import Journal
from otel_verein.store.layout import Store, new_place
from otel_verein.store.records import Change
from otel_verein.store.verify import verify
from tests.unit.store_small import HOUR, LINES, copied, duration, live, parquet_file, segment_of, small_store, spans


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A small store with everything in it."""
    return small_store(tmp_path_factory.mktemp("made") / "store")


@pytest.fixture
def store(made: Store, tmp_path: Path) -> Store:
    """A copy of it, which a test may spoil; somebody has held its lock before, as in any store."""
    copy = copied(made, tmp_path)
    copy.lock.touch()
    return copy


def found(store: Store, quick: bool = False) -> list[str]:
    """The names of what a verification finds, each once."""
    return sorted({problem.check for problem in verify(store, quick).problems})


def edit(store: Store, statement: str, *values: Any) -> None:
    """Change the journal behind everybody's back."""
    with closing(sqlite3.connect(store.journal)) as database, database:
        assert database.execute(statement, values).rowcount > 0


def retotal(store: Store, number: int, **totals: float) -> None:
    """Write other totals into the row of a file."""
    with closing(sqlite3.connect(store.journal)) as database:
        row = database.execute("SELECT totals FROM files WHERE id = ?", [number]).fetchone()
    edit(store, "UPDATE files SET totals = ? WHERE id = ?", json.dumps({**json.loads(row[0]), **totals}), number)


def long_spans(store: Store) -> Path:
    """A live file of detail."""
    return store.path(live(store, "spans", 0, "long").path)


@pytest.mark.parametrize("quick", [False, True])
def test_a_whole_store_is_sound(store: Store, quick: bool) -> None:
    """Nothing is wrong with a store in which batches were compacted, rolled up and deleted in order."""
    verdict = verify(store, quick)

    assert () == verdict.problems
    assert verdict.sound
    assert {"files": 8, "rows": 10, "segments": 1, "batches": 2, "rollups": 6, "aside": 2} == {
        name: count for name, count in verdict.checked.items() if name != "bytes"
    }


def flip(store: Store) -> None:
    """One bit of the data."""
    path = long_spans(store)
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    path.write_bytes(data)


def truncate(store: Store) -> None:
    """The end is gone."""
    path = long_spans(store)
    os.truncate(path, path.stat().st_size - 1)


def swap(store: Store) -> None:
    """Two files have changed places."""
    one, other = long_spans(store), store.path(live(store, "points", 0).path)
    aside = one.with_name("aside")
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


def replace_by_another(store: Store) -> None:
    """A good file of other rows, for which the row in the journal has the size and the hash."""
    other = parquet_file(store, "spans", 0, spans(range(4), "long"), tier="long")
    os.replace(store.path(other.path), long_spans(store))
    number = live(store, "spans", 0, "long").id
    edit(store, "UPDATE files SET bytes = ?, sha256 = ? WHERE id = ?", other.bytes, other.sha256, number)


def replace_rows_and_all(store: Store) -> None:
    """The same, and as many rows as before, but not the same sums."""
    other = parquet_file(store, "points", 0, [duration(41, 0.1, minute=HOUR + 60)])
    file = live(store, "points", 0)
    os.replace(store.path(other.path), store.path(file.path))
    edit(store, "UPDATE files SET bytes = ?, sha256 = ? WHERE id = ?", other.bytes, other.sha256, file.id)


def link(store: Store) -> None:
    """A file stands elsewhere and is only pointed to."""
    path = long_spans(store)
    path.rename(store.root.parent / "elsewhere")
    path.symlink_to(store.root.parent / "elsewhere")


def duplicate(store: Store) -> None:
    """The same rows a second time, in a file of their own with a row of its own."""
    file = live(store, "points", 0)
    place = new_place("points", 0, HOUR)
    shutil.copyfile(store.path(file.path), store.path(place))
    columns = (
        "kind, level, period, tier, rows, bytes, sha256, totals, first_ns, last_ns, made_by, batch, state, created_s"
    )
    edit(store, f"INSERT INTO files (path, {columns}) SELECT ?, {columns} FROM files WHERE id = ?", place, file.id)


def forget(kind: str, level: int, tier: str = "") -> Callable[[Store], None]:
    """The row of a live file is gone, and with it its file."""

    def act(store: Store) -> None:
        file = live(store, kind, level, tier)
        store.path(file.path).unlink()
        edit(store, "DELETE FROM files WHERE id = ?", file.id)

    return act


def forget_rollup_wholly(store: Store) -> None:
    """The day is gone with its file and all that spoke of it; what it was made from has expired."""
    file = live(store, "findings", 2)
    store.path(file.path).unlink()
    edit(store, "DELETE FROM coverage WHERE rollup_id = ?", file.id)
    edit(store, "DELETE FROM files WHERE id = ?", file.id)


def said(statement: str) -> Callable[[Store], None]:
    """An edit of the journal."""
    return lambda store: edit(store, statement)


def counted(kind: str, level: int, tier: str = "", **totals: float) -> Callable[[Store], None]:
    """Other totals in the row of a live file."""
    return lambda store: retotal(store, live(store, kind, level, tier).id, **totals)


def twice(store: Store) -> None:
    """A second rollup of an hour that is rolled already."""
    file = live(store, "series", 2)
    place = new_place("series", 2, file.period)
    shutil.copyfile(store.path(file.path), store.path(place))
    columns = "kind, level, period, tier, rows, bytes, sha256, totals, first_ns, last_ns, made_by, state, created_s"
    edit(store, f"INSERT INTO files (path, {columns}) SELECT ?, {columns} FROM files WHERE id = ?", place, file.id)
    edit(
        store,
        "INSERT INTO coverage SELECT (SELECT max(id) FROM files), input_id FROM coverage WHERE rollup_id = ?",
        file.id,
    )


def garble(store: Store) -> None:
    """What is no Parquet, for which the row in the journal has the size and the hash."""
    data = b"PAR1" + bytes(100) + b"PAR1"
    long_spans(store).write_bytes(data)
    number, content = live(store, "spans", 0, "long").id, hashlib.sha256(data).hexdigest()
    edit(store, "UPDATE files SET bytes = ?, sha256 = ? WHERE id = ?", len(data), content, number)


def roll_again_without_an_input(store: Store) -> None:
    """The hour is made anew, in order but for one file that the old one held."""
    old = live(store, "series", 1)
    rows = [duration(40.0, 4.5, period=HOUR, basis="metrics", samples=2)]
    new = parquet_file(store, "series", 1, rows, period=HOUR)
    with Journal.opened(store, create=True) as journal:
        inputs = journal.coverage()[old.id] - {live(store, "points", 0).id}
        journal.commit(Change("rollup", [new], {old.id: 0}, covers={0: inputs}))
    store.path(old.path).unlink()


def orphan(store: Store) -> None:
    """A file that a job wrote before it died."""
    parquet_file(store, "spans", 0, spans([1], "short"), tier="short")


def segment(act: Callable[[Path], None]) -> Callable[[Store], None]:
    """Something is done to the segment."""
    return lambda store: act(segment_of(store))


_MUTATIONS: dict[str, tuple[Callable[[Store], None], list[str], list[str]]] = {
    "a bit flips": (flip, ["file hash"], []),
    "the end of a file is gone": (truncate, ["file size"], ["file size"]),
    "a file is gone": (lambda store: long_spans(store).unlink(), ["file missing"], ["file missing"]),
    "a file is a link": (link, ["file missing"], ["file missing"]),
    "two files are swapped": (swap, ["file size"], ["file size"]),
    "another good file, hash and size told": (replace_by_another, ["file rows"], ["file rows"]),
    "another good file, rows alike": (replace_rows_and_all, ["file totals"], []),
    "an empty file": (lambda store: long_spans(store).write_bytes(b""), ["file size"], ["file size"]),
    "rows of a file told wrong": (
        said("UPDATE files SET rows = rows + 1 WHERE state = 'live' AND kind = 'others'"), ["file rows"], ["file rows"],
    ),
    "no Parquet at all, hash and size told": (garble, ["file unreadable"], ["file unreadable"]),
    "an hour made anew of less": (
        roll_again_without_an_input, ["rolled up again"], ["rolled up again"],
    ),
    "a file without a row": (orphan, ["no row"], ["no row"]),
    "rows twice": (duplicate, ["batch", "whole"], ["batch", "whole"]),
    "a row of detail gone": (
        forget("spans", 0, "long"), ["batch", "coverage"], ["batch", "coverage"],
    ),
    "a row of others gone": (forget("others", 0), ["batch"], ["batch"]),
    "a rollup's row gone": (
        forget("findings", 2), ["coverage", "expired", "whole"], ["coverage", "expired", "whole"],
    ),
    "a rollup and its coverage gone": (forget_rollup_wholly, ["expired", "whole"], ["expired", "whole"]),
    "a count of detail": (
        counted("points", 0, operations=3), ["batch", "file totals", "rollup"], ["batch", "rollup"],
    ),
    "a count of a rollup": (
        counted("series", 2, operations=41), ["file totals", "rollup", "whole"], ["rollup", "whole"],
    ),
    "seconds of a rollup": (
        counted("series", 2, seconds=4.7), ["file totals", "rollup", "whole"], ["rollup", "whole"],
    ),
    "a span lost in compaction": (
        counted("spans", 0, "long", spans=2), ["batch", "file totals"], ["batch"],
    ),
    "samples of a day": (counted("entities", 2, samples=10), ["file totals", "rollup"], ["rollup"]),
    "a count of a compacted file that expired": (
        said("UPDATE files SET totals = '{\"spans\": 7, \"duplicates\": 2}' WHERE tier = 'short' AND batch IS NULL"),
        ["compaction"], ["compaction"],
    ),
    "a tally": (
        said("UPDATE batches SET tallies = replace(tallies, '\"spans\": 8', '\"spans\": 9')"), ["batch"], ["batch"],
    ),
    "a batch gone": (said("DELETE FROM batches WHERE id = 2"), ["batch", "whole"], ["batch", "whole"]),
    "coverage gone": (
        said("DELETE FROM coverage WHERE rollup_id IN (SELECT id FROM files WHERE kind = 'series' AND level = 1)"),
        ["coverage", "expired", "whole"], ["coverage", "expired", "whole"],
    ),
    "coverage of one input gone": (
        said("DELETE FROM coverage WHERE input_id IN (SELECT id FROM files WHERE kind = 'points' AND state = 'live')"),
        ["rollup", "whole"], ["rollup", "whole"],
    ),
    "coverage of a strange input": (
        said("INSERT INTO coverage SELECT a.id, b.id FROM files a, files b WHERE a.kind = 'entities' AND a.level = 2 "
             "AND b.kind = 'others'"),
        ["coverage"], ["coverage"],
    ),
    "a day twice": (twice, ["counted twice", "whole"], ["counted twice", "whole"]),
    "expired too early": (
        said("UPDATE files SET state = 'expired' WHERE kind = 'series' AND level = 2"),
        ["expired", "no row"], ["expired", "no row"],
    ),
    "replaced by nothing": (
        said("UPDATE files SET state = 'replaced' WHERE kind = 'others'"), ["no row", "state"], ["no row", "state"],
    ),
    "replaced by a stranger": (
        said("UPDATE files SET state = 'replaced', replaced_by = (SELECT id FROM files WHERE tier = 'long') "
             "WHERE kind = 'others'"),
        ["compaction", "no row", "successor"], ["compaction", "no row", "successor"],
    ),
    "a state that is none": (
        said("UPDATE files SET state = 'gone' WHERE kind = 'others'"), ["no row", "state"], ["no row", "state"],
    ),
    "a path out of the store": (
        said("UPDATE files SET path = '../../etc/passwd' WHERE kind = 'others'"),
        ["no row", "path"], ["no row", "path"],
    ),
    "aside items gone": (lambda store: (store.aside / "one.jsonl").write_bytes(b"{}\n"), ["aside"], []),
    "aside told wrong": (said("UPDATE asides SET items = 1"), ["aside"], ["aside"]),
    "a taken segment changed": (segment(lambda path: path.write_bytes(LINES[:-2] + b"]\n")), ["segment changed"], []),
    "a taken segment shrank": (
        segment(lambda path: os.truncate(path, 5000)), ["segment shrank"], ["segment shrank"],
    ),
    "a taken segment grew": (
        segment(lambda path: path.write_bytes(LINES * 2)), ["segment grew"], ["segment grew"],
    ),
    "a deleted segment is there": (
        said("UPDATE segments SET state = 'deleted'"), ["segment not deleted"], ["segment not deleted"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("act", "checks", "quick"), _MUTATIONS.values(), ids=_MUTATIONS)
def test_what_is_done_to_a_store_is_found_by_name(
    store: Store, act: Callable[[Store], None], checks: list[str], quick: list[str]
) -> None:
    """Every corruption is told, and nothing that it did not touch; a quick look leaves out what needs the content."""
    act(store)

    assert checks == found(store)
    assert quick == found(store, quick=True)


def test_a_gone_segment_is_fine(store: Store) -> None:
    """What was taken of it is in the store; another file is another file, also in the same place on the disk."""
    segment_of(store).unlink()
    assert [] == found(store)

    segment_of(store).write_bytes(b"another one")
    assert [] == found(store)

    at = segment_of(store).stat()
    edit(store, "UPDATE segments SET inode = ?, state = 'deleted'", at.st_ino)
    assert [] == found(store)


def test_a_problem_says_where_and_what_to_do(store: Store) -> None:
    """The sentence has the place, the rule, both figures and the cure."""
    file = live(store, "series", 2)
    retotal(store, file.id, operations=41)

    problems = [str(problem) for problem in verify(store, quick=True).problems]

    assert [
        f"{file.path}, operations: rollup: expected 42, found 41; "
        "restore a backup, or rebuild the store from the segments if they are still there",
        "all operations: whole: expected 42, found 41; "
        "restore a backup, or rebuild the store from the segments if they are still there",
    ] == problems


def test_a_file_without_a_row_may_be_of_a_job_at_work(store: Store) -> None:
    """While somebody holds the lock it is a note; nobody can tell yet what becomes of it."""
    orphan(store)

    with lock.held(store, "rollup"):
        verdict = verify(store)

    assert () == verdict.problems
    assert ("1 files are not in the journal; a job may be at it",) == verdict.notes


def test_a_damaged_journal_is_a_problem(store: Store) -> None:
    """What SQLite finds wrong is told; nothing else is looked at then."""
    data = bytearray(store.journal.read_bytes())
    data[4096 * 3 : 4096 * 6] = b"\xff" * (4096 * 3)
    store.journal.write_bytes(data)

    verdict = verify(store)

    assert {"journal"} == {problem.check for problem in verdict.problems}
    assert {} == verdict.checked


def test_no_journal_at_all_is_a_problem(store: Store) -> None:
    """A file that is no database cannot be read."""
    store.journal.write_bytes(b"not a database" * 1000)

    (problem,) = verify(store).problems

    assert ("journal", "file is not a database") == (problem.check, problem.found)


def test_no_store_is_an_error(tmp_path: Path) -> None:
    """There is nothing to say of a place without a store, and none is made."""
    with pytest.raises(StoreError, match="there is no store here"):
        verify(Store(tmp_path / "none"))

    assert not (tmp_path / "none").exists()


def test_it_stops_when_asked(store: Store) -> None:
    """What was looked at until then is in the verdict, and that it is not all."""
    verdict = verify(store, stop=lambda: True)

    assert ("stopped before all files were looked at",) == verdict.notes
    assert "files" not in verdict.checked


def test_a_job_at_work_is_no_problem(store: Store) -> None:
    """A file that was replaced while others were looked at is looked at in its new form."""
    done: list[int] = []

    def compact() -> bool:
        if not done:
            old = live(store, "points", 0)
            new = parquet_file(store, "points", 0, [duration(2, 0.1, minute=HOUR + 60)])
            with lock.held(store, "compact"), Journal.opened(store, create=True) as journal:
                done.extend(journal.commit(Change("compact", [new], {old.id: 0}, compaction=True)))
            store.path(old.path).unlink()
        return False

    verdict = verify(store, stop=compact)

    assert () == verdict.problems
    assert (8, 10) == (verdict.checked["files"], verdict.checked["rows"])
