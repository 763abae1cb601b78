"""Many files become one with the same rows, each once, and nothing else changes."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from otel_verein.config.sections.storing import Store as StoreConfig
from otel_verein.errors import StoreError
from otel_verein.store.compaction import CompactResult, compact
from otel_verein.store.journal import Journal
from otel_verein.store.layout import Store
from otel_verein.store.records import Change, StoredFile
from otel_verein.store.tables import table_of
from tests.unit.store_files import DAY
from tests.unit.store_small import HOUR, Rows, duration, finding, parquet_file, spans

NOW = HOUR + 3600.0


def filled(store: Store, kind: str, parts: list[Rows], *, level: int = 0, **more: Any) -> list[int]:
    """The numbers of new files, one for each list of rows."""
    files = [parquet_file(store, kind, level, rows, **more) for rows in parts]
    with Journal.opened(store, create=True) as journal:
        return journal.commit(Change("ingest", files))


def files(store: Store, state: str = "live") -> list[StoredFile]:
    """What the journal says."""
    with Journal.opened(store) as journal:
        return journal.files(state=state)


def rows(store: Store, kind: str = "spans", tier: str = "short") -> list[dict[str, Any]]:
    """All rows that count, of one kind and tier, in the order of the files."""
    live = [file for file in files(store) if file.kind == kind and file.tier == tier]
    return [row for file in live for row in pq.read_table(store.path(file.path), partitioning=None).to_pylist()]


def of_trace(trace: int, *starts: int) -> Rows:
    """Spans of one trace that begin at those nanoseconds of the hour."""
    found = spans(starts, "short")
    return [{**row, "trace_id": trace.to_bytes(16, "big")} for row in found]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store, in a directory whose name is no pattern and no SQL."""
    store = Store(tmp_path / "it's [a] store*")
    store.root.mkdir()
    with Journal.opened(store, create=True):
        return store


def test_spans_are_sorted_by_the_beginning_of_their_trace(store: Store):
    """Then by trace and time, so that a trace stands together and a stretch of time does, nearly."""
    filled(store, "spans", [of_trace(1, 50, 90), of_trace(2, 40, 95), of_trace(1, 10)], tier="short")

    compact(store, NOW)

    assert [(row["trace_id"][-1], row["start_ns"] - HOUR * 10**9) for row in rows(store)] == [
        (1, 10), (1, 50), (1, 90), (2, 40), (2, 95),
    ]  # fmt: skip


def test_every_column_survives(store: Store):
    """Also the nulls; text of any alphabet and length, lists, and the smallest and largest numbers."""
    generator = random.Random(5)
    parts = [[any_row(kind, generator) for _ in range(40)] for kind in ("points", "points", "points")]
    filled(store, "points", parts)

    compact(store, NOW)

    assert len(files(store)) == 1
    assert sorted(map(repr, rows(store, "points", ""))) == sorted(repr(row) for part in parts for row in part)


def any_row(kind: str, generator: random.Random) -> dict[str, Any]:
    """Some value, or none, for each column."""
    makers: Mapping[pa.DataType, Any] = {
        pa.string(): lambda: generator.choice(["", "ß", "a" * 5000, "'", "\x00", str(generator.random())]),
        pa.int32(): lambda: generator.choice([0, -(2**31), 2**31 - 1]),
        pa.int64(): lambda: generator.choice([0, -(2**63), 2**63 - 1]),
        pa.float64(): lambda: generator.choice([0.0, 1e-300, -1.5]),
        pa.binary(16): lambda: generator.randbytes(16),
        pa.list_(pa.int64()): lambda: [generator.randrange(9) for _ in range(generator.randrange(4))],
    }
    row = {field.name: makers[field.type]() for field in table_of(kind, 0).schema}
    kept = {"count": generator.randrange(99), "metric": "m", "total": 1.0, "value": 2.0, "shape": "sum"}
    return {name: value if generator.random() < 0.8 else None for name, value in row.items()} | kept


def test_a_span_that_was_sent_twice_counts_once(store: Store):
    """The sums in the journal and in the file say how many were left out, also of those left out before."""
    filled(store, "spans", [spans(range(5), "short"), spans(range(3, 8), "short")], tier="short", duplicates=2)

    done = compact(store, NOW)

    (file,) = files(store)
    assert (done.rows, done.duplicates, file.totals) == (8, 2, {"spans": 8, "duplicates": 6})
    assert pq.read_metadata(store.path(file.path)).metadata[b"verein.duplicates"] == b"6"
    assert sorted(row["span_id"][-1] for row in rows(store)) == list(range(8))


def test_a_span_in_two_tiers_stays_in_the_longer(store: Store):
    """Only files that are merged lose rows; the longer tier keeps its own."""
    filled(store, "spans", [spans(range(4), "long"), spans([9], "long")], tier="long")
    filled(store, "spans", [spans(range(2, 6), "short"), spans([6, 9], "short")], tier="short")

    compact(store, NOW)

    found = [[row["span_id"][-1] for row in rows(store, tier=tier)] for tier in ("long", "short")]
    assert found == [[0, 1, 2, 3, 9], [4, 5, 6]]
    assert [file.totals["duplicates"] for file in files(store)] == [3, 0]


def test_a_finding_that_was_sent_twice_counts_once(store: Store):
    """Two findings of one span differ in their ordinal."""
    filled(store, "findings", [[finding(1), {**finding(1), "ordinal": 1}], [finding(1), finding(2)]])

    compact(store, NOW)

    (file,) = files(store)
    assert file.totals == {"events": 3, "repeats": 18, "duplicates": 1}


def test_points_that_are_alike_all_stay(store: Store):
    """Two processes may have counted the same; only traces and spans have an identity."""
    filled(store, "points", [[duration(40, 4.5, minute=HOUR)]] * 3)

    compact(store, NOW)

    (file,) = files(store)
    assert (file.rows, file.totals["operations"], file.totals["seconds"]) == (3, 120, 13.5)


def test_foreign_metrics_are_merged_as_they_are(store: Store):
    """By service, metric and time."""
    part = [{"time_ns": HOUR * 10**9, "service": "shop", "metric": "cpu", "point": "{}"}]
    filled(store, "others", [part, [{**part[0], "metric": "cores"}]])

    compact(store, NOW)

    assert [row["metric"] for row in rows(store, "others", "")] == ["cores", "cpu"]


def test_what_covered_the_old_files_covers_the_new_one(store: Store):
    """So that a rollup and its detail still never count both."""
    old = filled(store, "points", [[duration(40, 4.5, minute=HOUR)]] * 2)
    rollup = parquet_file(store, "series", 1, [duration(80, 9.0, period=HOUR, basis="metrics")])
    with Journal.opened(store, create=True) as journal:
        (covering,) = journal.commit(Change("rollup", [rollup], covers={0: frozenset(old)}))

    compact(store, NOW)

    with Journal.opened(store) as journal:
        (new,) = journal.files(kind="points")
        assert journal.coverage() == {covering: frozenset([new.id])}
        assert [(file.id, file.replaced_by) for file in journal.files(state="replaced")] == [
            (number, new.id) for number in old
        ]


def test_siblings_without_detail_become_one_rollup(store: Store):
    """It covers what they did; their rows stay, since rows of rollups add up."""
    day = {"level": 2, "period": DAY}
    numbers = filled(store, "series", [[duration(40, 4.5, period=DAY, basis="metrics")]] * 2, **day)
    with Journal.opened(store, create=True) as journal:
        gone = journal.commit(Change("x", [parquet_file(store, "series", 1, []) for _ in numbers]))
        journal.commit(Change("x", expired=dict.fromkeys(gone, "age")))
        journal._database.executemany("INSERT INTO coverage VALUES (?, ?)", zip(numbers, gone, strict=True))

    compact(store, NOW)

    with Journal.opened(store) as journal:
        (new,) = journal.files()
        assert (new.rows, new.totals["operations"], journal.coverage()) == (2, 80, {new.id: frozenset(gone)})


def test_what_was_merged_is_gone_from_the_disk(store: Store):
    """And nothing unfinished is left."""
    filled(store, "spans", [spans([1], "short"), spans([2], "short")], tier="short")

    done = compact(store, NOW)

    assert store.files() == [file.path for file in files(store)]
    assert list(store.tmp.iterdir()) == []
    assert (done.files_before, done.files_after, compact(store, NOW)) == (2, 1, CompactResult())


def test_a_stop_ends_it_between_two_groups(store: Store):
    """What was done stays done."""
    for tier in ("long", "short"):
        filled(store, "spans", [spans([1], tier), spans([2], tier)], tier=tier)
    answers = iter([False, True])

    assert compact(store, NOW, stop=lambda: next(answers)).files_after == 1


def test_a_damaged_file_is_not_merged(store: Store):
    """A copy of it would look whole; the others go on."""
    filled(store, "spans", [spans([1], "long"), spans([2], "long")], tier="long")
    filled(store, "points", [[duration(40, 4.5, minute=HOUR)]] * 2)
    path = store.path(files(store)[0].path)
    data = bytearray(path.read_bytes())
    data[10] ^= 1
    path.write_bytes(data)

    done = compact(store, NOW)

    told = f"{files(store)[0].path}: is not what was written; `otel-verein store verify` says more"
    assert (done.problems, done.files_after, path.exists()) == ((told,), 1, True)


def test_a_file_that_is_missing_is_told(store: Store):
    """Nothing is made of the rest of its hour as long as it is."""
    filled(store, "spans", [spans([1], "long"), spans([2], "long")], tier="long")
    missing = files(store)[1]
    store.path(missing.path).unlink()

    (told,) = compact(store, NOW).problems

    assert told == (f"{missing.path}: cannot be read: No such file or directory; `otel-verein store verify` says more")
    assert len(files(store)) == 2


def test_a_merge_that_would_lose_something_is_not_made(store: Store):
    """Its sums are compared with those in the journal before it counts."""
    filled(store, "points", [[duration(40, 4.5, minute=HOUR)]] * 2)
    with Journal.opened(store, create=True) as journal:
        journal._database.execute("UPDATE files SET totals = json_set(totals, '$.operations', 41) WHERE id = 1")

    (told,) = compact(store, NOW).problems

    first = files(store)[0].path
    assert told == f"{first} and 1 more: cannot be merged: it would hold 80 operations instead of 81"
    assert (len(store.files()), list(store.tmp.iterdir())) == (2, [])


def test_a_store_that_may_not_be_written_to_is_an_error(store: Store):
    """The message names the directory; nothing has changed."""
    filled(store, "spans", [spans([1], "long"), spans([2], "long")], tier="long")
    store.tmp.rmdir()
    store.tmp.write_text("in the way")

    with pytest.raises(StoreError) as raised:
        compact(store, NOW)

    assert str(raised.value) == f"{store.root}: cannot be written to: File exists"
    assert len(files(store)) == 2


def test_more_rows_than_fit_at_once_are_fetched_in_pieces(store: Store):
    """With little memory; files whose times overlap are read piece by piece, and every row comes once."""
    generator = random.Random(3)
    numbers = list(range(90_000))
    generator.shuffle(numbers)
    parts = [spans(numbers[at::3], "short") for at in range(3)]
    filled(store, "spans", parts, tier="short")

    compact(store, NOW, StoreConfig(memory_mb=100))

    (file,) = files(store)
    assert pq.read_metadata(store.path(file.path)).num_row_groups > 1
    starts = pq.read_table(store.path(file.path), columns=["start_ns"], partitioning=None)["start_ns"].to_pylist()
    assert starts == [HOUR * 10**9 + number for number in range(90_000)]
