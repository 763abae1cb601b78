"""What the status of a store says, figure by figure, on a store in which every figure is known."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from otel_verein.config.schema import Config
from otel_verein.errors import StoreError
from otel_verein.store.journal import Journal
from otel_verein.store.layout import Store
from otel_verein.store.records import Change
from otel_verein.store.status import Disk, Lag, Next, Part, status
from tests.unit.store_small import HOUR, LINES, copied, live, small_store, spans
from tests.unit.store_small import parquet_file as written

_NS = 1_000_000_000
_DAY_S = 86_400


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A small store with everything in it."""
    return small_store(tmp_path_factory.mktemp("made") / "store")


@pytest.fixture
def store(made: Store, tmp_path: Path) -> Store:
    """A copy of it, which a test may change."""
    return copied(made, tmp_path)


def size(store: Store, *folders: str) -> int:
    """The bytes of all files below some folders."""
    return sum(path.stat().st_size for each in folders for path in (store.root / each).rglob("*") if path.is_file())


def enter(store: Store, change: Change) -> None:
    """Enter a change as a job would."""
    with Journal.opened(store, create=True) as journal:
        journal.commit(change)


def test_every_kind_level_and_tier_is_a_part(store: Store) -> None:
    """In the order from detail to month; files that do not count any more are in none of them."""
    parts = status(store, Config(), HOUR).parts

    assert [
        ("detail", "others", "", 1, 1),
        ("detail", "points", "", 1, 1),
        ("detail", "spans", "long", 1, 3),
        ("hour", "entities", "", 1, 1),
        ("hour", "series", "", 1, 1),
        ("day", "entities", "", 1, 1),
        ("day", "findings", "", 1, 1),
        ("day", "series", "", 1, 1),
    ] == [(part.level, part.kind, part.tier, part.files, part.rows) for part in parts]
    assert size(store, "detail", "rollup") == sum(part.bytes for part in parts)


def test_a_part_knows_its_files(store: Store) -> None:
    """Bytes as on the disk, and the time that its data spans."""
    file = live(store, "spans", 0, "long")

    (part,) = (each for each in status(store, Config(), HOUR).parts if each.tier == "long")

    assert Part("spans", "detail", "long", 1, 3, file.bytes, HOUR * _NS, HOUR * _NS + 10) == part


def test_age_and_tallies(store: Store) -> None:
    """The newest data counts; what was taken adds up over all batches, also what has expired."""
    answer = status(store, Config(), HOUR + 7200.0)

    assert (HOUR * _NS + 10, 7200.0) == (answer.newest_ns, answer.age_s)
    assert {
        "lines": 255, "bytes": len(LINES), "spans": 13, "findings": 2, "others": 1, "operations": 42,
        "observations": 42, "seconds": 4.6, "spans_aside": 2,
    } == answer.tallies  # fmt: skip


def test_reduction_is_of_what_was_taken(store: Store) -> None:
    """All that the store takes for each byte of JSON; what rollups take for each byte that they stand for."""
    answer = status(store, Config(), HOUR).reduction

    rollups = size(store, "rollup")
    with Journal.opened(store) as journal:
        detail = [file for file in journal.files(state=None, level=0) if file.state != "replaced"]
        uncovered = sum(file.bytes for file in detail if file.kind == "others")
    taken = sum(file.bytes for file in detail)
    whole = size(store, "detail", "rollup", "aside", "baselines") + store.journal.stat().st_size
    whole += store.lock.stat().st_size if store.lock.exists() else 0
    assert len(LINES) == answer.json_bytes
    assert (whole, rollups) == (answer.store_bytes, answer.rollup_bytes)
    assert whole / len(LINES) == answer.share
    assert round(len(LINES) * (taken - uncovered) / taken) == answer.rolled_json_bytes
    assert round(len(LINES) * (taken - uncovered) / taken) / rollups == answer.rolled
    assert live(store, "spans", 0, "long").bytes / 3 == answer.bytes_per_span


def test_an_empty_store_says_nothing_instead_of_nought(tmp_path: Path) -> None:
    """No figure is made up where nothing was taken."""
    store = Store(tmp_path / "store")
    store.root.mkdir()
    with Journal.opened(store, create=True):
        pass

    answer = status(store, Config(), HOUR)

    assert ((), None, None) == (answer.parts, answer.newest_ns, answer.age_s)
    assert (0, None, None, None, None) == (
        answer.reduction.json_bytes,
        answer.reduction.share,
        answer.reduction.rolled,
        answer.reduction.rolled_json_bytes,
        answer.reduction.bytes_per_span,
    )
    assert Lag(0, 0, None) == answer.lag
    assert Next(0, (), 0, 0, 0, None, None) == answer.next


def test_lag_is_what_waits_in_the_sources(store: Store, tmp_path: Path) -> None:
    """A segment that was taken does not count, one that is new does, with the time since when it waits."""
    folder = tmp_path / "segments"
    (folder / "new.jsonl").write_bytes(b"{}\n" * 4)
    waits = (folder / "new.jsonl").stat().st_mtime

    lag = status(store, Config(), HOUR, [folder]).lag

    assert (1, 12) == (lag.segments, lag.bytes)
    assert waits == pytest.approx(lag.oldest_s, abs=1e-3)


def test_without_new_segments_there_is_no_lag(store: Store, tmp_path: Path) -> None:
    """What is there is in the store already."""
    assert Lag(0, 0, None) == status(store, Config(), HOUR, [tmp_path / "segments"]).lag


def test_what_was_set_aside_by_reason(store: Store) -> None:
    """Each signal and reason with its items."""
    assert {("spans", "no id"): 2} == status(store, Config(), HOUR).aside


def test_the_last_run_of_each_job(store: Store) -> None:
    """When it ended and what came of it."""
    (job,) = status(store, Config(), HOUR).jobs

    assert ("ingest", HOUR + 20.0, None, {"spans": 13}) == (job.job, job.ended_s, job.error, dict(job.figures))


def test_what_comes_next(store: Store) -> None:
    """The month is rolled up a day after its end; the detail of the hour goes a week after it."""
    answer = status(store, Config(), HOUR + 7200.0).next

    april = HOUR - 10 * 3600 + 31 * _DAY_S
    assert Next(0, (), 0, 0, 0, april + 24 * 3600.0, HOUR + 3600 + 7 * _DAY_S) == answer


def test_what_is_due_now(store: Store) -> None:
    """A new file in an hour that is long over has to be rolled up at once; old detail that is held may go."""
    enter(store, Change("ingest", [written(store, "spans", 0, spans([50], "short"), tier="short")]))

    answer = status(store, Config(), HOUR + 8.0 * _DAY_S).next

    assert 2 == answer.rollups  # series and entities of the hour
    assert HOUR + 3600 + 24 * 3600.0 == answer.rollup_s
    assert (1, live(store, "others", 0).bytes) == (answer.expiring_files, answer.expiring_bytes)
    assert 2 == answer.held_files  # the new spans, and the points beside them, wait for the rollups


def test_without_retention_nothing_is_due(store: Store) -> None:
    """Nothing is added up or deleted then, and the status says so."""
    config = Config()
    off = replace(config, capabilities=replace(config.capabilities, retention=False))

    answer = status(store, off, HOUR + 1000.0 * _DAY_S)

    assert not answer.retention
    assert Next(0, (), 0, 0, 0, None, None) == answer.next


@pytest.mark.parametrize(("megabytes", "budget"), [(0, None), (1, 1_000_000)])
def test_the_disk(store: Store, megabytes: int, budget: int | None) -> None:
    """What the store takes, what it may take, and what is left of the disk; 0 is no bound."""
    config = Config()
    bound = replace(config, retention=replace(config.retention, disk_mb=megabytes))

    disk = status(store, bound, HOUR).disk

    free = shutil.disk_usage(store.root).free
    assert Disk(status(store, config, HOUR).reduction.store_bytes, budget, 0, disk.free_bytes) == disk
    assert free == pytest.approx(disk.free_bytes, rel=0.1)


def test_as_json(store: Store) -> None:
    """Every key is there, and all of it is plain JSON."""
    found = json.loads(json.dumps(status(store, Config(), HOUR).as_dict()))

    assert [
        "root", "now_s", "parts", "tallies", "newest_ns", "age_s", "reduction", "lag", "jobs", "aside", "next", "disk",
        "retention",
    ] == list(found)  # fmt: skip
    assert [{"signal": "spans", "reason": "no id", "items": 2}] == found["aside"]
    assert -20.0 == found["jobs"][0]["ago_s"]


def test_no_store_is_an_error(tmp_path: Path) -> None:
    """There is nothing to say, and nothing is made."""
    with pytest.raises(StoreError, match="there is no store here"):
        status(Store(tmp_path / "none"), Config(), HOUR)

    assert not (tmp_path / "none").exists()
