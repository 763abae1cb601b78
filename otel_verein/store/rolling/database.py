"""The database in memory in which one period is added up; what does not fit into its bound goes to disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from otel_verein.config.schema import Config
from otel_verein.store.ages import later
from otel_verein.store.duck import in_memory, rows_of_any_age, streamed
from otel_verein.store.layout import Store
from otel_verein.store.records import StoredFile
from otel_verein.store.rolling import sql
from otel_verein.store.tables import table_of

_BATCH_ROWS = 1024
_GROUP_BYTES = 16 * 1024 * 1024
"""What is on its way to a file at a time, and becomes one group of its rows; each may have thousands of buckets."""


@contextmanager
def engine(store: Store, config: Config) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with the memory and the threads that the configuration allows; what is more goes to the disk.

    Raises StoreError when there is no place for it.
    """
    with in_memory(
        store.spilling("rollup-"),
        memory_limit=f"{config.store.memory_mb}MB",
        threads=config.store.threads,
        preserve_insertion_order=False,
    ) as database:
        yield database


class PeriodDatabase:
    """The inputs of the rollups of one period, as relations; several rollups may share them."""

    def __init__(self, store: Store, connection: duckdb.DuckDBPyConnection) -> None:
        self._store = store
        self.connection = connection
        self._roots: dict[tuple[tuple[str, ...], tuple[str, ...]], str] = {}
        self._made = 0

    @classmethod
    @contextmanager
    def opened(cls, store: Store, database: duckdb.DuckDBPyConnection) -> Iterator[PeriodDatabase]:
        """A connection of its own to *database*, an :func:`engine`; what it has made goes with it."""
        with database.cursor() as connection:
            yield cls(store, connection)

    def files(self, kind: str, level: int, files: Sequence[StoredFile]) -> str:
        """The name of a relation of all rows of *files*, which are of that kind and level; they may be none."""
        name = self._name(kind)
        if files:
            rows = rows_of_any_age((self._store.path(file.path) for file in files), later(kind, level))
            self.connection.execute(f"CREATE TEMP VIEW {name} AS SELECT * FROM {rows}")
        else:
            self.connection.register(name, table_of(kind, level).schema.empty_table())
        return name

    def table(self, query: str) -> str:
        """The name of a table with the answer to *query*."""
        name = self._name("answer")
        self.connection.execute(f"CREATE TEMP TABLE {name} AS {query}")
        return name

    def roots(self, spans: Sequence[StoredFile], beside: Sequence[StoredFile]) -> str:
        """The name of a table with the local roots of *spans* that are not *beside*, each once."""
        key = (tuple(file.path for file in spans), tuple(file.path for file in beside))
        if key not in self._roots:
            known = self.files("spans", 0, beside) if beside else None
            self._roots[key] = self.table(sql.roots_once(self.files("spans", 0, spans), known))
        return self._roots[key]

    def number(self, query: str) -> int:
        """The one number that is the answer to *query*."""
        return int(self.connection.execute(query).fetchall()[0][0])

    def streamed(self, queries: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The answers to *queries*, one after the other, as they are made; all of it need not fit into memory."""
        for query in queries:
            yield from self._answered(query)

    def _answered(self, query: str) -> Iterator[pa.RecordBatch]:
        waiting: list[pa.RecordBatch] = []
        for batch in streamed(self.connection.sql(query), _BATCH_ROWS):
            waiting.append(batch)
            if sum(each.nbytes for each in waiting) >= _GROUP_BYTES:
                yield from _joined(waiting)
                waiting = []
        yield from _joined(waiting)

    def _name(self, what: str) -> str:
        self._made += 1
        return f"{what}_{self._made}"


def _joined(batches: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
    """One batch of them all; none of none."""
    return pa.Table.from_batches(batches).combine_chunks().to_batches() if batches else []
