"""Deletion by plan: only what is held by a rollup that is whole on disk, the journal first, and nothing else."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from otel_verein.config.schema import Config
from otel_verein.errors import StoreError
from otel_verein.store.journal import Journal
from otel_verein.store.layout import Store
from otel_verein.store.records import Change, StoredFile
from otel_verein.store.retention import Applied, Plan, apply, plan, view
from tests.unit.store_files import DAY_S
from tests.unit.store_small import HOUR, duration, parquet_file

NOW = HOUR + 8 * DAY_S


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Points of two hours, each with its series, and points of an hour that is not rolled up."""
    store = begun(tmp_path)
    for hour in (HOUR, HOUR + 3600):
        rolled(store, [points(store, hour), points(store, hour)], hour)
    points(store, HOUR + 7200)
    return store


def begun(directory: Path) -> Store:
    """An empty store."""
    store = Store(directory / "store")
    store.root.mkdir()
    with Journal.opened(store, create=True):
        return store


def points(store: Store, hour: int, count: int = 40) -> int:
    """The number of a new file of points."""
    file = parquet_file(store, "points", 0, [duration(count, 4.5, minute=hour)], period=hour)
    with Journal.opened(store, create=True) as journal:
        return journal.commit(Change("ingest", [file]))[0]


def rolled(store: Store, made_of: list[int], hour: int = HOUR, count: float = 80.0) -> int:
    """The number of a new file of series, which holds *count* operations."""
    row = duration(count, 9.0, period=hour, basis="metrics", samples=2)
    file = parquet_file(store, "series", 1, [row], period=hour)
    with Journal.opened(store, create=True) as journal:
        return journal.commit(Change("rollup", [file], covers={0: frozenset(made_of)}))[0]


def planned(store: Store, now: float = NOW) -> Plan:
    """What is to go by the defaults."""
    with Journal.opened(store) as journal:
        return plan(view(store, journal), Config(), now)


def files(store: Store, state: str = "live", level: int = 0) -> list[StoredFile]:
    """What the journal says."""
    with Journal.opened(store) as journal:
        return journal.files(state=state, level=level)


def on_disk(store: Store, found: list[StoredFile]) -> list[bool]:
    """Whether each is there."""
    return [store.path(file.path).exists() for file in found]


def test_what_the_plan_names_is_gone_and_stays_in_the_books(store: Store):
    """With its sums and the reason; the directories that it leaves empty go, too."""
    before = files(store)

    done = apply(store, planned(store))

    expired = files(store, "expired")
    assert done == Applied(4, 0, sum(file.bytes for file in before[:4]))
    assert [(file.id, file.reason) for file in expired] == [
        (file.id, "older than 7 days (retention.detail_d)") for file in before[:4]
    ]
    assert [file.totals for file in expired] == [file.totals for file in before[:4]]
    assert on_disk(store, before) == [False] * 4 + [True]
    assert [path.name for path in sorted((store.root / "detail/points").rglob("hour=*"))] == ["hour=12"]


def test_a_second_run_has_nothing_to_do(store: Store):
    """The same plan may be applied again, as after an interruption."""
    made = planned(store)
    apply(store, made)

    assert (apply(store, made), planned(store).actions) == (Applied(), ())


def test_a_stop_ends_it_between_two_transactions(store: Store):
    """What was done stays done; the rest is for the next run."""
    assert apply(store, planned(store), stop=lambda: True) == Applied()
    assert on_disk(store, files(store)) == [True] * 5


def deleted(path: Path) -> None:
    """It is not there."""
    path.unlink()


def flipped(path: Path) -> None:
    """One bit in the middle is another."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    """The end is missing."""
    path.write_bytes(path.read_bytes()[:-10])


def emptied(path: Path) -> None:
    """A Parquet file in order, without a row."""
    pq.write_table(pq.read_table(path).slice(0, 0), path)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        pytest.param(deleted, "cannot be read: [Errno 2] No such file or directory: '{file}'", id="deleted"),
        pytest.param(flipped, "is not what was written", id="a bit flipped"),
        pytest.param(cut, "is not what was written", id="cut off"),
        pytest.param(emptied, "is not what was written", id="another file"),
    ],
)
def test_a_damaged_rollup_keeps_its_detail(store: Store, damage: object, reason: str):
    """The journal's word that it was right once is not enough; other hours go on."""
    made = planned(store)
    rollup = files(store, level=1)[0]
    damage(store.path(rollup.path))  # type: ignore[operator]

    done = apply(store, made)

    told = f"older than 7 days (retention.detail_d), but {rollup.path}, which holds it, {reason}"
    assert [each.why for each in done.held] == [told.format(file=store.path(rollup.path))] * 2
    assert (done.files, on_disk(store, files(store))) == (2, [True] * 3)


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        pytest.param(
            "UPDATE files SET sha256 = 'x' WHERE level = 1", "which holds it, is not what was written", id="hash"
        ),
        pytest.param(
            "UPDATE files SET totals = '{\"operations\": 81}' WHERE level = 1",
            "which holds it, does not add up to what the journal says",
            id="sums of the rollup",
        ),
        pytest.param(
            "UPDATE files SET totals = json_set(totals, '$.operations', 41) WHERE level = 0",
            "which holds it, holds 80 operations instead of 82",
            id="sums of the detail",
        ),
        pytest.param(
            "INSERT INTO coverage SELECT id, 999 FROM files WHERE level = 1",
            "which holds it, was made from files that the journal does not know",
            id="coverage",
        ),
    ],
)
def test_a_rollup_that_does_not_add_up_keeps_its_detail(store: Store, edit: str, reason: str):
    """Hash, sums in the journal and sums of what it was made from have to be those of the file on disk."""
    with sqlite3.connect(store.journal) as database:
        database.execute(edit)
    database.close()

    done = apply(store, planned(store))

    assert {each.why.split(".parquet, ")[1] for each in done.held} == {reason}
    assert (done.files, on_disk(store, files(store))) == (0, [True] * 5)


def test_a_rollup_that_lost_rows_while_it_was_made_keeps_its_detail(tmp_path: Path):
    """It and the journal agree, but it holds less than what it was made from."""
    store = begun(tmp_path)
    rolled(store, [points(store, HOUR), points(store, HOUR)], count=79.0)

    done = apply(store, planned(store))

    assert {each.why.split("which holds it, ")[1] for each in done.held} == {"holds 79 operations instead of 80"}
    assert done.files == 0


def test_what_came_after_the_plan_is_heeded(store: Store):
    """Points that came late to an hour keep what is there, until they are rolled up, too."""
    made = planned(store)
    points(store, HOUR)

    done = apply(store, made)

    assert {each.why.split(", but ")[1] for each in done.held} == {"other files of its hour are not in the series yet"}
    assert done.files == 2


def test_a_process_that_died_after_the_journal_was_told_loses_nothing(store: Store):
    """Its files no longer count; the next run has nothing to do with them."""
    made = planned(store)
    with Journal.opened(store, create=True) as journal:
        journal.commit(Change("retention", expired={made.actions[0].file.id: "age"}))

    assert apply(store, made).files == 3


def test_only_what_was_set_aside_long_ago_goes(store: Store):
    """A file that was written to since the plan was made stays, as does all that is no file of the plan."""
    store.aside.mkdir()
    store.baselines.mkdir()
    kept = [store.baselines / "release.json", store.aside / "again.jsonl", store.root / "notes.txt"]
    old = store.aside / "old.jsonl"
    for path in (*kept, old):
        path.write_text("{}\n")
    made = planned(store, old.stat().st_mtime + 8 * DAY_S)
    kept[1].touch()

    done = apply(store, made)

    assert (done.asides, old.exists(), [path.exists() for path in kept]) == (1, False, [True] * 3)


def test_a_file_that_may_not_be_deleted_is_an_error(store: Store):
    """It no longer counts; the message says which one it is."""
    made = planned(store)
    path = store.path(made.actions[0].file.path)
    path.unlink()
    path.mkdir()

    with pytest.raises(StoreError) as raised:
        apply(store, made)

    assert str(raised.value) == f"{path}: cannot be deleted: Is a directory"


def test_the_store_takes_what_its_files_journal_and_baselines_do(store: Store):
    """Segments and the collector's files may lie beside them, and are no part of it."""
    for name, size in (("baselines/release.json", 1000), ("otlp/spans/a.jsonl", 100_000), ("collector/queue", 100_000)):
        path = store.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)

    parquet = sum(path.stat().st_size for path in store.root.rglob("*.parquet"))
    assert planned(store).used_bytes == parquet + store.journal.stat().st_size + 1000
