"""Parquet files, written so that they are whole on disk before anybody hears of them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from otel_verein.store.layout import Store
from otel_verein.store.tables import Table

ROW_GROUP = 65_536
"""Rows of one group: what a reader has to hold of it, and what a trace by its id has to look through."""

DUPLICATES = "verein.duplicates"
"""The key in a file's footer of how many rows were left out of it, since others say the same."""

_COMPRESSION_LEVEL = 1
_DICTIONARY_BYTES = 32 * 1024 * 1024
"""Above the texts of all attributes in a row group: a column that outgrows it is written out in full."""

_BLOOM_WRONG = 0.01
"""The share of row groups that a filter sends a reader to in vain."""
_READ_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Written:
    """A finished file that nobody knows of yet, below ``tmp``."""

    path: Path
    rows: int
    bytes: int
    sha256: str


def take_little(threads: int) -> None:
    """Have Arrow work in so many threads, and in the memory of the process.

    What its own allocator gives back to the system, it asks for again at once: 5 % of the time, and 20 MB.
    """
    pa.set_cpu_count(threads)
    pa.set_io_thread_count(threads)
    pa.set_memory_pool(pa.system_memory_pool())


def write(
    store: Store,
    data: pa.Table | Iterable[pa.RecordBatch],
    table: Table,
    *,
    footer: Mapping[str, str] | None = None,
    row_group: int = ROW_GROUP,
) -> Written:
    """Write *data* to a new file below ``tmp`` and read it back; raises StoreError when the disk does not take it."""
    path = store.tmp / f"{os.urandom(8).hex()}.parquet"
    try:
        store.tmp.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            _write_to(file, data, table, footer or {}, row_group)
            file.flush()
            os.fsync(file.fileno())
        return Written(path, pq.read_metadata(path).num_rows, path.stat().st_size, digest(path))
    except BaseException as fault:
        with suppress(OSError):  # what went wrong first is what is told
            path.unlink(missing_ok=True)
        if isinstance(fault, OSError):
            raise store.unwritable(fault) from fault
        raise


def publish(store: Store, written: Written, relative: str) -> None:
    """Give a finished file its place; it counts from the moment the journal has it."""
    place = store.path(relative)
    try:
        make_directory(place.parent)
        os.rename(written.path, place)
        sync_directory(place.parent)
    except OSError as fault:
        raise store.unwritable(fault) from fault


def make_directory(directory: Path) -> None:
    """Make it with all above it, each of whose names is on disk before it is used."""
    if not directory.is_dir():
        make_directory(directory.parent)
        directory.mkdir(exist_ok=True)
        sync_directory(directory.parent)


def sync_directory(directory: Path) -> None:
    """Have the names in *directory* on disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_READ_BYTES):
            found.update(block)
    return found.hexdigest()


def _write_to(
    file: object,
    data: pa.Table | Iterable[pa.RecordBatch],
    table: Table,
    footer: Mapping[str, str],
    row_group: int,
) -> None:
    parts = iter([data] if isinstance(data, pa.Table) else (pa.Table.from_batches([each]) for each in data))
    first = _shaped(next(parts, table.schema.empty_table()), table)
    with _writer(file, table, first.schema) as writer:
        for part in chain([first], parts):
            if part.num_rows:
                shaped = part if part.schema == first.schema else part.select(first.schema.names).cast(first.schema)
                writer.write_table(shaped, row_group_size=row_group)
        if footer:
            writer.add_key_value_metadata(dict(footer))


def _shaped(part: pa.Table, table: Table) -> pa.Table:
    """*part* with the columns of *table*; one that has a dictionary keeps it, which saves unpacking it."""
    part = part.select(table.schema.names)
    kinds = []
    for have, want in zip(part.schema, table.schema, strict=True):
        same = pa.types.is_dictionary(have.type) and have.type.value_type == want.type
        kinds.append(pa.field(want.name, have.type if same else want.type))
    return part.cast(pa.schema(kinds))


def _writer(file: object, table: Table, schema: pa.Schema) -> pq.ParquetWriter:
    blooms = {name: {"ndv": most, "fpp": _BLOOM_WRONG} for name, most in table.sought.items()}
    return pq.ParquetWriter(
        file,
        schema,
        bloom_filter_options=blooms or None,
        compression="zstd",
        compression_level=_COMPRESSION_LEVEL,
        use_dictionary=table.dictionary,
        dictionary_pagesize_limit=_DICTIONARY_BYTES,
        column_encoding=table.plain or None,
        write_statistics=True,
        store_schema=False,
    )
