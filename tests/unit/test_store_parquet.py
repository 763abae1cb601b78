"""Parquet files are whole on disk before anybody hears of them, and small."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from otel_verein.errors import StoreError
from otel_verein.store import parquet
from otel_verein.store.layout import Store, new_place
from otel_verein.store.tables import ENTITIES, FINDINGS, OTHERS, POINTS, ROLLED_FINDINGS, SERIES, SPANS, Table

ALL = [SPANS, FINDINGS, POINTS, OTHERS, SERIES, ROLLED_FINDINGS, ENTITIES]


def spans(number: int) -> pa.Table:
    """Spans of one process, their attributes with a dictionary."""
    rows = [
        {"trace_id": at.to_bytes(16, "big"), "span_id": at.to_bytes(8, "big"), "start_ns": at} for at in range(number)
    ]
    table = pa.Table.from_pylist(rows, SPANS.schema)
    texts = pa.array(['{"key":"db.query.text"}' * 40] * number).dictionary_encode()
    return table.set_column(table.schema.get_field_index("attributes"), "attributes", texts)


@pytest.mark.parametrize("table", ALL, ids=lambda table: table.kind)
def test_a_file_without_rows_has_the_columns(tmp_path: Path, table: Table) -> None:
    """An hour in which nothing was measured has a rollup all the same."""
    written = parquet.write(Store(tmp_path), iter([]), table)

    assert written.rows == 0
    assert pq.read_schema(written.path).names == table.schema.names


def test_what_is_written_is_read_again_as_plain_text(tmp_path: Path) -> None:
    """A dictionary on its way into the file is nobody else's matter."""
    given = spans(1000)

    written = parquet.write(Store(tmp_path), given, SPANS)

    found = pq.read_table(written.path)
    assert found.schema.field("attributes").type == pa.string()
    assert found.to_pylist() == given.to_pylist()
    assert (written.rows, written.bytes) == (1000, written.path.stat().st_size)
    assert written.sha256 == hashlib.sha256(written.path.read_bytes()).hexdigest()


def test_texts_that_repeat_take_next_to_nothing(tmp_path: Path) -> None:
    """Ids, times and 920 bytes of attributes that are all the same: no more than the ids need."""
    written = parquet.write(Store(tmp_path), spans(50_000), SPANS)

    assert written.bytes / written.rows < 12


def test_a_trace_is_found_by_a_filter_in_the_file(tmp_path: Path) -> None:
    """Readers skip row groups that do not have it."""
    written = parquet.write(Store(tmp_path), spans(1000), SPANS)

    column = pq.read_metadata(written.path).row_group(0).column(0)

    assert column.path_in_schema == "trace_id"
    assert b"trace_id" in written.path.read_bytes()
    assert getattr(column, "bloom_filter_offset", 1) is not None


def test_rows_come_in_parts_of_different_dictionaries(tmp_path: Path) -> None:
    """Compaction hands on one part after the other."""
    parts: Iterator[pa.RecordBatch] = (batch for number in (3, 5) for batch in spans(number).to_batches())

    written = parquet.write(Store(tmp_path), parts, SPANS, footer={parquet.DUPLICATES: "2"})

    assert written.rows == 8
    assert pq.read_metadata(written.path).metadata[b"verein.duplicates"] == b"2"


def test_a_place_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    """No trace of the attempt stays behind."""
    (tmp_path / "tmp").write_text("in the way")

    with pytest.raises(StoreError) as caught:
        parquet.write(Store(tmp_path), spans(1), SPANS)

    assert str(caught.value) == f"{tmp_path}: cannot be written to: File exists"


def test_rows_that_fail_on_their_way_leave_no_file(tmp_path: Path) -> None:
    """Whatever goes wrong while they are made."""

    def failing() -> Iterator[pa.RecordBatch]:
        yield from spans(3).to_batches()
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        parquet.write(Store(tmp_path), failing(), SPANS)

    assert list((tmp_path / "tmp").iterdir()) == []


def test_publishing_gives_a_file_its_place(tmp_path: Path) -> None:
    """It is there under its name and no longer where it was made."""
    store, place = Store(tmp_path), new_place("spans", 0, 0, "long")
    written = parquet.write(store, spans(3), SPANS)

    parquet.publish(store, written, place)

    assert store.files() == [place]
    assert not written.path.exists()
