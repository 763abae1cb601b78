"""The store, and what segments hold beyond it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from otel_verein.config.sections.storing import Store as StoreConfig
from otel_verein.errors import SourceError, StoreError
from otel_verein.sources import store_sql as sql
from otel_verein.sources.base import ConfigurationRow, CounterRow, FindingRow, HistogramRow, Tables, Window
from otel_verein.store.choose import Bounds
from otel_verein.store.layout import Store
from otel_verein.store.reading import Reading, answered
from otel_verein.store.records import Process
from otel_verein.store.unstored import Wanted, fresh, is_missing, loses_metrics

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_KINDS: Final = ("series", "findings")


class StoreSource:
    """A store, and the segments below some directories as far as they are not in it yet.

    *window* limits what is read; where only coarser figures are left the window grows, which a note says.
    Nothing is kept between two reads. Writers may be at work meanwhile.
    """

    def __init__(
        self,
        store: Store,
        segments: Sequence[Path] = (),
        config: StoreConfig | None = None,
        window: Bounds | None = None,
    ) -> None:
        self._store = store
        self._config = config or StoreConfig()
        self._fresh = fresh(segments, self._config, Wanted(reduce=_roots)) if segments else None
        self._window = window

    @property
    def name(self) -> str:
        """The directory of the store."""
        return str(self._store.root)

    def read(self) -> Tables:
        """The tables as they stand now; raises SourceError when the store cannot be read."""
        try:
            return answered(
                self._store,
                self._tables,
                _KINDS,
                window=self._window,
                fresh=self._fresh,
                memory_mb=self._config.memory_mb,
            )
        except StoreError as fault:
            raise SourceError(str(fault)) from fault

    def configurations(self) -> tuple[tuple[ConfigurationRow, ...], tuple[str, ...]]:
        """The last that every process said of the configuration it runs, and notes on what could not be read.

        Raises as :meth:`read` does.
        """
        try:
            return answered(self._store, _configurations, (), fresh=self._fresh)
        except StoreError as fault:
            raise SourceError(str(fault)) from fault

    def _tables(self, reading: Reading) -> Tables:
        database = reading.database
        database.execute(sql.HISTOGRAMS)
        start, end = database.execute(sql.WINDOW).fetchall()[0]
        aside = _aside(reading.moment.asides, self._store)
        return Tables(
            histograms=tuple(_histograms(database)),
            counters=tuple(
                CounterRow(*(*row, round(value))) for *row, value in database.execute(sql.COUNTERS).fetchall()
            ),
            findings=tuple(_findings(database)),
            window=None if start is None or end is None else Window(start, end),
            notes=(*reading.notes, *reading.unstored.notes, *_aside_notes(aside, self._store), *_estimates(database)),
            metrics_lost=reading.unstored.metrics_lost or any(loses_metrics(*kind) for kind in aside),
        )


def _roots(spans: pa.Table) -> pa.Table:
    """The spans that an operation may have to be estimated from."""
    return spans.filter(spans["root"])


def _histograms(database: duckdb.DuckDBPyConnection) -> Iterator[HistogramRow]:
    buckets = dict(database.execute(sql.HISTOGRAM_BUCKETS).fetchall())
    for number, *series, basis, count, total, minimum, maximum in database.execute(sql.HISTOGRAM_TOTALS).fetchall():
        whole, amounts = _whole(count, buckets.get(number, ()))
        yield HistogramRow(*(*series, whole, total, minimum, maximum, amounts, basis == "spans"))


def _whole(count: float, buckets: Sequence[tuple[int, float]]) -> tuple[int, tuple[tuple[int, int], ...]]:
    """Whole numbers for weighted ones, so that every rank stays in its bucket and the rest is zeros, as before.

    They are differences of rounded sums: of each the error is below one, and none adds to another's.
    """
    below = count - math.fsum(amount for _, amount in buckets)
    before = round(below)
    found = []
    for index, amount in buckets:
        below += amount
        now = round(below)
        if now > before:
            found.append((index, now - before))
        before = max(before, now)
    return round(count), tuple(found)


def _findings(database: duckdb.DuckDBPyConnection) -> Iterator[FindingRow]:
    for *values, stack, trace_id in database.execute(sql.FINDINGS).fetchall():
        frames = tuple(frame for frame in stack or () if frame is not None)
        yield FindingRow(*(*values, frames, trace_id))


def _configurations(reading: Reading) -> tuple[tuple[ConfigurationRow, ...], tuple[str, ...]]:
    last: dict[str, Process] = {}
    for process in (*reading.moment.processes, *reading.unstored.processes):
        known = last.get(process.key)
        if known is None or known.seen_ns <= process.seen_ns:
            last[process.key] = process
    rows = (
        ConfigurationRow(
            each.service, each.instance, each.pid, each.host, each.digest, each.environment, each.state, each.seen_ns
        )
        for each in last.values()
    )
    ordered = sorted(rows, key=lambda row: (row.service, -row.seen_ns, row.instance or ""))
    return tuple(ordered), reading.unstored.notes


def _aside(asides: Sequence[tuple[int, str, str, int, str | None]], store: Store) -> Counter[tuple[str, str]]:
    """What was set aside and is still there, by signal and reason; what has expired is no news any more."""
    there: Counter[tuple[str, str]] = Counter()
    for _, signal, reason, items, path in asides:
        if is_missing(signal) and (path is None or (store.aside / path).exists()):
            there[signal, reason] += items
    return there


def _aside_notes(aside: Counter[tuple[str, str]], store: Store) -> Iterator[str]:
    for (signal, reason), items in sorted(aside.items()):
        yield f"{items} {signal} in {store.aside}: {reason}; not counted"


def _estimates(database: duckdb.DuckDBPyConnection) -> Iterator[str]:
    for service, samples in database.execute(sql.ESTIMATED).fetchall():
        yield f"{service}: hours without metrics are estimated from {samples} sampled operations"
