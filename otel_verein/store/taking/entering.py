"""Rows written to files, each of them checked, until one transaction enters them all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import duckdb
import pyarrow as pa

from otel_verein.errors import StoreError
from otel_verein.store import parquet
from otel_verein.store.layout import HOUR_S, NANOSECONDS, Level, Store, new_place
from otel_verein.store.records import NewFile
from otel_verein.store.tables import FINDINGS, OTHERS, POINTS, SPANS, Table
from otel_verein.store.taking.messages import Taking
from otel_verein.store.totals import added, same, totals_of

_HOUR_NS: Final = HOUR_S * NANOSECONDS
_CHECKED: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "spans": {"spans": ("spans", "duplicates")},
    "findings": {"findings": ("events", "duplicates")},
    "points": {name: (name,) for name in ("operations", "seconds", "queries", "values", "observations")},
    "others": {"others": ("points",)},
}
"""By kind: what is counted as it comes in, and the sums that have to come out of the files."""


class Entering:
    """The files of one batch; until they are in the journal, they are nothing."""

    def __init__(self, store: Store, database: duckdb.DuckDBPyConnection) -> None:
        self._store = store
        self._database = database
        self.files: list[NewFile] = []

    def write(self, taking: Taking) -> None:
        """Write all rows of *taking*; raises StoreError when the disk does not take them."""
        taking.spans.settle()
        for part in taking.spans.rows.files():
            hour, tier = part.key
            self._write(SPANS, part.table, hour, tier, (part.first_ns, part.last_ns), part.duplicates)
        for hour, table, duplicates in taking.spans.findings.files():
            self._write(FINDINGS, table, hour, "", _bounds(table, "start_ns"), duplicates)
        for points in taking.points.rows.files():
            self._write(POINTS, points.table, points.hour, "", (points.first_ns, points.last_ns))
        for hour, table in _by_hour(taking.points.others):
            self._write(OTHERS, table, hour, "", _bounds(table, "time_ns"))
        taking.points.others.clear()

    def check(self, tallies: Mapping[str, float]) -> None:
        """Raise StoreError unless what came in is what the files hold, read back from them."""
        for kind, sums in _CHECKED.items():
            found = added(file.totals for file in self.files if file.kind == kind)
            for tally, names in sums.items():
                came, written = tallies.get(tally, 0), sum(found.get(name, 0) for name in names)
                if not same(tally, came, written):
                    raise StoreError(
                        f"{self._store.root}: {came} {tally} came in, but {written} are in the files; nothing of it "
                        "was entered, and the segments stay"
                    )

    def _write(
        self,
        table: Table,
        rows: pa.Table,
        hour: int,
        tier: str,
        bounds: tuple[int, int],
        duplicates: int = 0,
    ) -> None:
        footer = {parquet.DUPLICATES: str(duplicates)} if duplicates else None
        written = parquet.write(self._store, rows, table, footer=footer)
        place = new_place(table.kind, Level.DETAIL, hour, tier)
        totals = totals_of(table.kind, Level.DETAIL, written.path, self._database)
        parquet.publish(self._store, written, place)
        self.files.append(
            NewFile(
                kind=table.kind,
                level=Level.DETAIL,
                period=hour,
                tier=tier,
                path=place,
                rows=written.rows,
                bytes=written.bytes,
                sha256=written.sha256,
                totals=totals,
                first_ns=bounds[0],
                last_ns=bounds[1],
                made_by="ingest",
            )
        )


def _by_hour(rows: Iterable[Mapping[str, Any]]) -> list[tuple[int, pa.Table]]:
    hours: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows:
        hours.setdefault(row["time_ns"] // _HOUR_NS * HOUR_S, []).append(row)
    return [(hour, pa.Table.from_pylist(hours[hour], OTHERS.schema)) for hour in sorted(hours)]


def _bounds(table: pa.Table, column: str) -> tuple[int, int]:
    values = table[column].to_pylist()
    return min(values), max(values)
