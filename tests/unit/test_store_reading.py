"""A reading is of one moment, whatever writers do, and needs no leave to write."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from otel_verein.config.schema import Config
from otel_verein.errors import StoreError
from otel_verein.store import tables
from otel_verein.store.compaction import compact
from otel_verein.store.ingest import ingest
from otel_verein.store.journal import Journal
from otel_verein.store.layout import Store
from otel_verein.store.reading import ATTEMPTS, Reading, answered
from otel_verein.store.reading_sql import EMPTY
from otel_verein.store.tables import Table
from otel_verein.store.traces import find_trace
from otel_verein.store.unstored import Wanted, fresh
from tests.unit.otlp_lines import START_NS, spans_request, write

CONFIG = Config()
LATER_S = START_NS / 1e9 + 86_400


def stored(root: Path, *numbers: int) -> Store:
    """A store with a trace of each of the *numbers*, each in a file of its own."""
    store = Store(root)
    for number in numbers:
        write(root / "otlp" / "spans" / f"{number}.jsonl", spans_request("GET /", [], number=number))
        ingest(store, [root / "otlp"], CONFIG.store)
    return store


def spans(reading: Reading) -> int:
    """How many spans there are."""
    return int(reading.database.execute("SELECT count(*) FROM spans").fetchall()[0][0])


def test_file_that_is_replaced_meanwhile_is_asked_for_again(tmp_path: Path):
    """Compaction between the look into the journal and the query costs a second attempt, and no row."""
    store = stored(tmp_path, 1, 2, 3)
    attempts = []

    def ask(reading: Reading) -> int:
        attempts.append(len(attempts))
        if len(attempts) == 1:
            compact(store, LATER_S)
        return spans(reading)

    assert answered(store, ask, ("spans",)) == 3
    assert attempts == [0, 1]


def test_file_that_is_lost_is_told(tmp_path: Path):
    """After the last attempt the error names the store, the file, and what looks for the cause."""
    store = stored(tmp_path, 1)
    attempts = []
    (relative,) = store.files()
    store.path(relative).unlink()

    def ask(reading: Reading) -> int:
        attempts.append(1)
        return spans(reading)

    with pytest.raises(StoreError) as caught:
        answered(store, ask, ("spans",))

    assert str(caught.value).startswith(f"{tmp_path}: cannot be read: ")
    assert str(caught.value).endswith("; `otel-verein store verify` tells what is amiss")
    assert relative in str(caught.value)
    assert len(attempts) in (0, ATTEMPTS)


def test_directory_without_a_store_is_told(tmp_path: Path):
    """There is nothing to read before something was stored."""
    with pytest.raises(StoreError, match="there is no store here"):
        answered(Store(tmp_path), spans, ("spans",))


@pytest.mark.parametrize(("name", "other"), [("a[b]c", "abc"), ("50%", "50"), ("it's", "its"), ("?*", "xy")])
def test_names_of_directories_are_no_patterns(tmp_path: Path, name: str, other: str):
    """A store may be in a directory of any name; what lies where its name would match as a pattern is not read."""
    store = stored(tmp_path / name, 1)
    shutil.copytree(store.root, tmp_path / other)

    assert answered(store, spans, ("spans",)) == 1


@pytest.mark.parametrize(
    ("kind", "table"),
    [("series", tables.SERIES), ("findings", tables.ROLLED_FINDINGS), ("entities", tables.ENTITIES)],
)
def test_view_of_nothing_has_the_columns_of_the_files(tmp_path: Path, kind: str, table: Table):
    """What is written down of the columns, so that Arrow need not be loaded, is what the files have."""
    store = Store(tmp_path)
    with Journal.opened(store, create=True):
        pass

    def described(reading: Reading) -> dict[str, str]:
        return {row[0]: row[1] for row in reading.database.execute(f"DESCRIBE {kind}").fetchall()}

    with duckdb.connect(":memory:") as database:
        database.register("files", pa.Table.from_batches([], schema=table.schema))
        expected = {row[0]: row[1] for row in database.execute("DESCRIBE files").fetchall()}
    assert kind in EMPTY
    assert answered(store, described, (kind,)) == expected


def test_trace_is_found_once_in_the_order_of_its_spans(tmp_path: Path):
    """A span that is stored twice, in files that were taken at different times, is given once."""
    store = stored(tmp_path, 1, 2)
    again = spans_request("GET /", [], number=1)
    again["resourceSpans"][0]["scopeSpans"][0]["spans"].append(
        {
            "traceId": f"{1:032x}",
            "spanId": f"{77:016x}",
            "parentSpanId": f"{1:016x}",
            "name": "SELECT author",
            "kind": 3,
            "startTimeUnixNano": str(START_NS + 5),
            "endTimeUnixNano": str(START_NS + 9),
        }
    )
    write(tmp_path / "otlp" / "spans" / "again.jsonl", again)
    ingest(store, [tmp_path / "otlp"], CONFIG.store)

    found = find_trace(store, f"{1:032X}")

    assert [(span.span_id, span.parent_span_id, span.name, span.duration_ns) for span in found] == [
        (f"{1:016x}", None, "GET /", 60_000_000_000),
        (f"{77:016x}", f"{1:016x}", "SELECT author", 4),
    ]
    assert found[0].attributes == '[{"key":"verein.db.query_count","value":{"intValue":"12"}}]'


def test_trace_that_is_not_stored_yet_is_found(tmp_path: Path):
    """What segments hold beyond the store belongs to the trace."""
    store = stored(tmp_path, 1)
    write(tmp_path / "otlp" / "spans" / "new.jsonl", spans_request("GET /new", [], number=9))
    beyond = fresh([tmp_path / "otlp"], CONFIG.store, Wanted((f"{9:032x}".encode(),)))

    assert [span.name for span in find_trace(store, f"{9:032x}", beyond)] == ["GET /new"]
    assert find_trace(store, f"{9:032x}") == ()


@pytest.mark.parametrize("wrong", ["", "12", "g" * 32, "0" * 33, "' OR 1=1 --"])
def test_what_is_no_trace_id_is_refused(tmp_path: Path, wrong: str):
    """A trace id has 32 hexadecimal digits; nothing else reaches the database."""
    with pytest.raises(StoreError) as caught:
        find_trace(Store(tmp_path), wrong)

    assert str(caught.value) == f"{wrong!r} is no trace id: it has 32 hexadecimal digits"


def test_store_without_spans_has_no_trace(tmp_path: Path):
    """No files of spans are no error."""
    store = Store(tmp_path)
    with Journal.opened(store, create=True):
        pass

    assert find_trace(store, f"{1:032x}") == ()
