"""The store, and what segments hold beyond it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from otel_verein.config.sections.storing import Store as StoreConfig
from otel_verein.errors import SourceError, StoreError
from otel_verein.sources import asking
from otel_verein.sources.base import ALL, Ask, Tables
from otel_verein.sources.rows import ConfigurationRow
from otel_verein.sources.viewed import Needs, Viewed, only_roots, texts_of, window_of
from otel_verein.store.choose import Bounds
from otel_verein.store.layout import Store
from otel_verein.store.reading import Fresh, Reading, answered
from otel_verein.store.records import Process
from otel_verein.store.state import state_of
from otel_verein.store.traces import TraceSpan, find_trace
from otel_verein.store.unstored import Wanted, fresh, is_missing, loses_metrics

_T = TypeVar("_T")

_KINDS: Final = ("series", "findings")


class StoreSource(Viewed):
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
        self._segments = tuple(segments)
        self._config = config or StoreConfig()
        self._window = window

    @property
    def name(self) -> str:
        """The directory of the store."""
        return str(self._store.root)

    def read(self, ask: Ask = ALL) -> Tables:
        """The tables as they stand now; raises SourceError when the store cannot be read."""
        needs = Needs(_KINDS, window_of(ask) or self._window)
        return self._answered(partial(_tables, store=self._store, ask=ask), needs)

    def configurations(self) -> tuple[tuple[ConfigurationRow, ...], tuple[str, ...]]:
        """The last that every process said of the configuration it runs, and notes on what could not be read.

        Raises as :meth:`read` does.
        """
        return self._answered(_configurations, Needs())

    def trace(self, trace_id: str) -> tuple[TraceSpan, ...]:
        """The spans of one trace, the earliest first; raises SourceError for what is no trace id, too."""
        try:
            return find_trace(self._store, trace_id, self._fresh(Needs(roots=False, texts=texts_of(trace_id))))
        except StoreError as fault:
            raise SourceError(str(fault)) from fault

    def state(self) -> Hashable | None:
        """What the journal and the segments beyond it look like; raises as :meth:`read` does."""
        try:
            return state_of(self._store, self._segments)
        except StoreError as fault:
            raise SourceError(str(fault)) from fault

    def _answered(self, question: Callable[[Reading], _T], needs: Needs) -> _T:
        try:
            return answered(
                self._store,
                question,
                needs.kinds,
                window=needs.window,
                fresh=self._fresh(needs),
                memory_mb=self._config.memory_mb,
                step_s=needs.step_s,
            )
        except StoreError as fault:
            raise SourceError(str(fault)) from fault

    def _fresh(self, needs: Needs) -> Fresh | None:
        if not self._segments:
            return None
        return fresh(self._segments, self._config, Wanted(needs.texts, only_roots if needs.roots else None))


def _tables(reading: Reading, store: Store, ask: Ask) -> Tables:
    found = asking.tables(reading, ask)
    aside = _aside(reading.moment.asides, store)
    return replace(
        found,
        notes=(*found.notes, *_aside_notes(aside, store)),
        metrics_lost=found.metrics_lost or any(loses_metrics(*kind) for kind in aside),
    )


def _configurations(reading: Reading) -> tuple[tuple[ConfigurationRow, ...], tuple[str, ...]]:
    processes = (*reading.moment.processes, *reading.unstored.processes)
    return configuration_rows(processes), reading.unstored.notes


def configuration_rows(processes: Sequence[Process]) -> tuple[ConfigurationRow, ...]:
    """The last word of each of *processes*, by service, the latest first."""
    last: dict[str, Process] = {}
    for process in processes:
        known = last.get(process.key)
        if known is None or known.seen_ns <= process.seen_ns:
            last[process.key] = process
    rows = (
        ConfigurationRow(
            each.service, each.instance, each.pid, each.host, each.digest, each.environment, each.state, each.seen_ns
        )
        for each in last.values()
    )
    return tuple(sorted(rows, key=lambda row: (row.service, -row.seen_ns, row.instance or "")))


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
