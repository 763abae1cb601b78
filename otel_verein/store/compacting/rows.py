"""Rows of several Parquet files, fetched in any order with little memory.

A sort of whole rows takes DuckDB 200 MB and more, whatever their number. Here only their order is sorted; the rows are
taken from the files a piece at a time. Files mostly follow each other in time, so each of their row groups is decoded
once or twice.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from otel_verein.store.tables import Table

_PIECE_BYTES: Final = 64 * 1024 * 1024
_UNPACKED: Final = 16
"""How much more memory rows take than the file they are from; a rough measure."""

_MOST_ROWS: Final = 32_768
_FEWEST_ROWS: Final = 256
"""Of a piece, which becomes a row group: fewer compress worse, more take more memory."""


class Rows:
    """The rows of *files*; decoded row groups of up to *cache_bytes*, and at least one, are kept for the next piece."""

    def __init__(self, files: Sequence[Path], table: Table, cache_bytes: int) -> None:
        self._table = table
        self._looked_up = [name for name in table.dictionary if name in table.schema.names]
        self._files = [(path, _ends(path)) for path in files]
        self._columns = [frozenset(pq.read_schema(path).names) for path in files]
        self._cache_bytes = cache_bytes
        self._cache: OrderedDict[tuple[int, int], pa.Table] = OrderedDict()

    @property
    def piece(self) -> int:
        """How many rows to fetch at once, by the size of one."""
        rows = sum(ends[-1] for _, ends in self._files if ends)
        size = sum(path.stat().st_size for path, _ in self._files)
        return max(_FEWEST_ROWS, min(_MOST_ROWS, _PIECE_BYTES * rows // (_UNPACKED * size + 1)))

    def fetched(self, piece: pa.RecordBatch) -> pa.RecordBatch:
        """The rows that *piece* names by ``place`` and ``number``, in its order."""
        places, numbers = piece.column("place"), piece.column("number")
        parts, positions = [], []
        for place in pc.unique(places).to_pylist():
            at = pc.indices_nonzero(pc.equal(places, place))
            for group, inside, here in self._groups(place, numbers.take(at), at):
                parts.append(self._group(place, group).take(inside))
                positions.append(here)
        together = pa.concat_tables(parts).combine_chunks()
        ordered = together.take(pc.sort_indices(pa.chunked_array(positions))).combine_chunks()
        (whole,) = ordered.to_batches()
        return pa.RecordBatch.from_arrays([_trimmed(column) for column in whole.columns], schema=whole.schema)

    def _groups(self, place: int, numbers: pa.Array, at: pa.Array) -> Iterator[tuple[int, pa.Array, pa.Array]]:
        """By row group of one file: the numbers inside it, and their positions in the piece."""
        least, most = (pc.min_max(numbers)[name].as_py() for name in ("min", "max"))
        begin = 0
        for group, end in enumerate(self._files[place][1]):
            if least < end and most >= begin:
                mine = pc.and_(pc.greater_equal(numbers, begin), pc.less(numbers, end))
                inside = pc.subtract(numbers.filter(mine), begin)
                if len(inside):
                    yield group, inside, at.filter(mine)
            begin = end

    def _group(self, place: int, group: int) -> pa.Table:
        key = (place, group)
        found = self._cache.pop(key, None)
        if found is None:
            looked_up = [name for name in self._looked_up if name in self._columns[place]]
            with pq.ParquetFile(self._files[place][0], read_dictionary=looked_up) as file:
                found = self._completed(file.read_row_group(group, use_threads=False))
        self._cache[key] = found
        while len(self._cache) > 1 and sum(each.nbytes for each in self._cache.values()) > self._cache_bytes:
            self._cache.popitem(last=False)
        return found

    def _completed(self, rows: pa.Table) -> pa.Table:
        """*rows* with the columns that their file is too old to have."""
        for name in self._table.schema.names:
            if name not in rows.column_names:
                kind = self._table.schema.field(name).type
                kind = pa.dictionary(pa.int32(), kind) if name in self._looked_up else kind
                rows = rows.append_column(name, pa.nulls(rows.num_rows, kind))
        return rows.select(self._table.schema.names)


def _trimmed(column: pa.Array) -> pa.Array:
    """A column whose dictionary holds what its rows have, and not what the others had that these were taken from."""
    if not pa.types.is_dictionary(column.type):
        return column
    used = pc.unique(column.indices).drop_null()
    return pa.DictionaryArray.from_arrays(pc.index_in(column.indices, used), column.dictionary.take(used))


def _ends(path: Path) -> list[int]:
    """The numbers of the first rows after each row group."""
    metadata = pq.read_metadata(path)
    ends, rows = [], 0
    for group in range(metadata.num_row_groups):
        rows += metadata.row_group(group).num_rows
        ends.append(rows)
    return ends
