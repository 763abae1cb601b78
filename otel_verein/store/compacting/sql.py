"""In which order the rows of several files become those of one, and which are left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from otel_verein.store.duck import rows_of, streamed

_SAME: Final = {("spans", 0): "trace_id, span_id", ("findings", 0): "trace_id, span_id, ordinal"}
"""What makes two rows of a kind and level one."""

_ORDER: Final = {
    ("spans", 0): "first_ns, trace_id, start_ns, span_id",
    ("findings", 0): "service, operation, kind, fingerprint, start_ns",
    ("points", 0): "service, metric, operation, minute",
    ("others", 0): "service, metric, time_ns",
    ("series", 1): "basis, service, metric, operation",
    ("findings", 1): "service, operation, kind, fingerprint",
    ("entities", 1): "service, operation, entity_type, entity_id",
}

_LEFT_OUT: Final = """
    CREATE OR REPLACE TEMP TABLE left_out AS
    WITH rows_of AS (SELECT {same}, filename, file_row_number FROM {every}),
    twice AS (SELECT {same} FROM rows_of GROUP BY ALL HAVING count(*) > 1)
    SELECT filename, file_row_number FROM (
        SELECT filename, place, file_row_number,
            row_number() OVER (PARTITION BY {same} ORDER BY place, file_row_number) AS nth
        FROM rows_of SEMI JOIN twice USING ({same}) JOIN places USING (filename)
    ) WHERE nth > 1 AND place >= 0
"""

_FIRSTS: Final = "JOIN (SELECT trace_id, min(start_ns) AS first_ns FROM {files} GROUP BY trace_id) USING (trace_id)"

_SORTED: Final = """
    SELECT place, file_row_number AS number FROM {files} ANTI JOIN left_out USING (filename, file_row_number)
    JOIN places USING (filename) {firsts} ORDER BY {order}, place, number
"""


class RowOrder:
    """The order of the rows of *files*, without those that a file before it, or of *longer*, has as well."""

    def __init__(
        self,
        database: duckdb.DuckDBPyConnection,
        kind: str,
        level: int,
        files: Sequence[Path],
        longer: Sequence[Path] = (),
    ) -> None:
        self._database = database
        self._kind = (kind, min(level, 1))
        self._files = [str(path) for path in files]
        every = [*map(str, longer), *self._files]
        places = [[name, at - len(longer)] for at, name in enumerate(every)]
        database.execute("CREATE OR REPLACE TEMP TABLE places (filename VARCHAR, place INTEGER)")
        database.executemany("INSERT INTO places VALUES (?, ?)", places)
        database.execute("CREATE OR REPLACE TEMP TABLE left_out (filename VARCHAR, file_row_number BIGINT)")
        if self._kind in _SAME:
            database.execute(_LEFT_OUT.format(same=_SAME[self._kind], every=_rows(every)))
        self.left_out = int(database.execute("SELECT count(*) FROM left_out").fetchall()[0][0])
        """How many rows are left out."""

    def pieces(self, rows: int) -> Iterator[pa.RecordBatch]:
        """About *rows* at a time: of each row the ``place`` of its file in *files*, and its ``number`` in that."""
        files = _rows(self._files)
        firsts = _FIRSTS.format(files=files) if self._kind == ("spans", 0) else ""
        relation: Any = self._database.sql(_SORTED.format(files=files, firsts=firsts, order=_ORDER[self._kind]))
        yield from streamed(relation, rows)


def _rows(files: Iterable[str]) -> str:
    """The rows of *files* with ``filename`` and ``file_row_number``, for a FROM clause."""
    return rows_of(files, "hive_partitioning = false", "filename = true", "file_row_number = true")
