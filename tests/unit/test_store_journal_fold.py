"""A journal whose old days are added up: as sound as before, and small."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from otel_verein.config.schema import Config
from otel_verein.store.journal import Journal
from otel_verein.store.journal_fold import Folded, fold
from otel_verein.store.layout import Store
from otel_verein.store.records import Aside, Change, Taken
from otel_verein.store.status import status
from otel_verein.store.verify import verify
from tests.unit.store_small import HOUR, copied, duration, live, parquet_file, small_store, spans

_DAY_S = 86_400


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A small store with everything in it."""
    return small_store(tmp_path_factory.mktemp("made") / "store")


@pytest.fixture
def store(made: Store, tmp_path: Path) -> Store:
    """A copy of it, which a test may change."""
    return copied(made, tmp_path)


def tomorrow() -> float:
    """When today is over."""
    return time.time() + 1.5 * _DAY_S


def rows(store: Store, table: str) -> int:
    """How many rows a table of the journal has."""
    with closing(sqlite3.connect(store.journal)) as database:
        return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def edit(store: Store, statement: str) -> None:
    """Change the journal behind everybody's back."""
    with closing(sqlite3.connect(store.journal)) as database, database:
        assert database.execute(statement).rowcount > 0


def test_a_day_that_is_over_is_folded(store: Store) -> None:
    """Its batches are one, what was merged is gone, and nothing is wrong with the store."""
    before = status(store, Config(), 0.0)

    folded = fold(store, Config(), tomorrow())

    after = status(store, Config(), 0.0)
    assert Folded(batches=1, files=2, segments=0, asides=0) == folded
    assert () == verify(store).problems
    assert (before.tallies, before.parts, before.aside) == (after.tallies, after.parts, after.aside)
    assert (1, 12) == (rows(store, "batches"), rows(store, "files"))


def test_today_is_left_alone(store: Store) -> None:
    """What happened today may still be looked into."""
    assert Folded(0, 0, 0, 0) == fold(store, Config(), time.time() - 3600)


def test_folding_again_changes_nothing(store: Store) -> None:
    """What is folded stays as it is, to the byte."""
    fold(store, Config(), tomorrow())
    before = store.journal.read_bytes()

    assert Folded(0, 0, 0, 0) == fold(store, Config(), tomorrow())
    assert before == store.journal.read_bytes()


def test_what_is_merged_again_later_still_adds_up(store: Store) -> None:
    """A file into which others went may itself be merged with what came late, and folded on another day."""
    fold(store, Config(), tomorrow())
    old = live(store, "spans", 0, "long")
    late = parquet_file(store, "spans", 0, spans([70, 71], "long"), tier="long")
    both = parquet_file(store, "spans", 0, spans([0, 1, 2, 70, 71], "long"), tier="long")
    with Journal.opened(store, create=True) as journal:
        number = journal.commit(Change("ingest", [late], taken=Taken({"spans": 2})))[0]
        journal.commit(Change("compact", [both], {old.id: 0, number: 0}, compaction=True))
    for path in (old.path, late.path):
        store.path(path).unlink()

    folded = fold(store, Config(), tomorrow())

    assert (1, 2) == (folded.batches, folded.files)
    assert () == verify(store).problems


def test_a_chain_of_merges_is_folded_at_once(store: Store) -> None:
    """Files that went into files that went into others: only the last is left."""
    with Journal.opened(store, create=True) as journal:
        old = live(store, "points", 0)
        for _ in range(3):
            new = parquet_file(store, "points", 0, [duration(2, 0.1, minute=HOUR + 60)])
            number = journal.commit(Change("compact", [new], {old.id: 0}, compaction=True))[0]
            store.path(old.path).unlink()
            old = next(file for file in journal.files() if file.id == number)

    folded = fold(store, Config(), tomorrow())

    assert 2 + 3 == folded.files
    assert () == verify(store).problems
    assert 1 == rows(store, f"folded WHERE owner = 'file' AND number = {old.id}")


def test_deleted_segments_are_forgotten_when_detail_is(store: Store) -> None:
    """Until then a copy of one is known; the last row stays, so that no number is given twice."""
    edit(store, "UPDATE segments SET state = 'deleted'")
    columns = "path, device, inode, size, taken, mtime_ns, head, digest, state"
    edit(store, f"INSERT INTO segments (id, {columns}) SELECT 2, {columns} FROM segments")

    assert 0 == fold(store, Config(), time.time() + 6 * _DAY_S).segments
    assert 1 == fold(store, Config(), time.time() + 8 * _DAY_S).segments
    assert 1 == rows(store, "segments WHERE id = 2")


def test_what_was_set_aside_is_counted_for_ever(store: Store) -> None:
    """Its rows become one for each reason once its file is gone; the items stay."""
    with Journal.opened(store, create=True) as journal:
        for _ in range(3):
            taken = Taken({"spans_aside": 1}, asides=[Aside("spans", "no id", 1, "gone.jsonl")])
            journal.commit(Change("ingest", taken=taken))

    folded = fold(store, Config(), tomorrow())

    assert (4, 2) == (folded.batches, folded.asides)
    assert {("spans", "no id"): 5} == status(store, Config(), 0.0).aside
    assert () == verify(store).problems


@pytest.mark.parametrize(
    ("statement", "checks"),
    [
        ("UPDATE folded SET totals = '{\"spans\": 8, \"duplicates\": 1}' WHERE owner = 'batch'", ["batch", "folded"]),
        (
            "UPDATE folded SET totals = '{\"spans\": 8, \"duplicates\": 1}' WHERE owner = 'file'",
            ["compaction", "folded"],
        ),
        ("DELETE FROM folded WHERE owner = 'batch'", ["batch", "folded"]),
        ("DELETE FROM folded WHERE owner = 'file'", ["folded"]),
        ("UPDATE folded SET number = 99 WHERE owner = 'file'", ["compaction"]),
        ("DELETE FROM batches", ["batch", "whole"]),
    ],
    ids=["brought", "merged", "brought gone", "merged gone", "merged into nothing", "batches gone"],
)
def test_what_is_done_to_what_was_folded_is_found(store: Store, statement: str, checks: list[str]) -> None:
    """The sums that stayed are held against the batches and the files."""
    fold(store, Config(), tomorrow())
    edit(store, statement)

    assert checks == sorted({problem.check for problem in verify(store).problems})


def test_a_month_of_small_batches_is_a_row_a_day(store: Store) -> None:
    """The journal does not grow with the number of rounds."""
    days = [(time.time() - (number % 30) * _DAY_S, '{"lines": 1}') for number in range(300)]
    with closing(sqlite3.connect(store.journal)) as database, database:
        database.executemany("INSERT INTO batches (at_s, tallies) VALUES (?, ?)", days)

    assert 302 - 30 == fold(store, Config(), tomorrow()).batches
    assert 30 == rows(store, "batches")
    assert 300 + 255 == status(store, Config(), 0.0).tallies["lines"]
    assert () == verify(store).problems
