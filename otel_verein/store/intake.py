"""Messages as tables of detail in memory, made in the same way as they are going to be stored."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from otel_verein.config.sections.storing import Store as StoreConfig
from otel_verein.store.layout import NANOSECONDS
from otel_verein.store.reading import Unstored
from otel_verein.store.taking.aside import LINES
from otel_verein.store.taking.cumulative import Lasts, State
from otel_verein.store.taking.messages import Taking
from otel_verein.store.taking.spans import At
from otel_verein.store.unstored import ALL, Wanted, loses_metrics

if TYPE_CHECKING:
    import pyarrow as pa

NAMED_LINES: Final = 5
"""Of one file and reason, so that a file full of something else does not fill the memory."""

_ROWS: Final = 131_072
"""Rows of spans after which they are reduced to what the question needs."""


@dataclass(slots=True)
class Refused:
    """What of one file could not be taken, by signal and reason, and by reason where the first of its lines begin."""

    items: Counter[tuple[str, str]] = field(default_factory=Counter)
    lines: dict[str, list[int]] = field(default_factory=dict)


class Intake:
    """Takes messages; :meth:`unstored` gives all of it.

    *lasts* says the last cumulative point of a series that was stored. ``asides`` holds what could not be taken, by
    file; what no file was named for stands under None.
    """

    def __init__(
        self,
        config: StoreConfig,
        wanted: Wanted = ALL,
        lasts: Mapping[bytes, State] | None = None,
        now_ns: int | None = None,
    ) -> None:
        latest_ns = (time.time_ns() if now_ns is None else now_ns) + round(config.future_s * NANOSECONDS)
        self._wanted = wanted
        self._taking = Taking(Lasts((lasts or {}).get), latest_ns, self._set_aside)
        self._tables: dict[str, list[pa.Table]] = {}
        self.asides: dict[Path | None, Refused] = {}

    def take(self, data: bytes, at: At = None) -> None:
        """Take one message, which came from *at*, if it holds something that is wanted."""
        if not data.strip() or not self._wanted.has(data):
            return
        taking = self._taking
        taking.take(data, at)
        taking.points.others.clear()
        if taking.spans.number >= _ROWS:
            self._add_spans()

    def refuse(self, problem: str, at: At = None) -> None:
        """Count a stretch that holds no message, with the reason."""
        self._set_aside(LINES, problem, b"", at)

    def unstored(self, notes: Callable[[Intake], Iterable[str]]) -> Unstored:
        """All that was taken; *notes* makes sentences of what was not."""
        taking = self._taking
        self._add_spans()
        self._tables["points"] = [file.table for file in taking.points.rows.files()]
        self._tables["findings"] = [table for _, table, _ in taking.spans.findings.files()]
        return Unstored(
            self._tables,
            tuple(taking.points.processes.values()),
            tuple(notes(self)),
            metrics_lost=any(loses_metrics(*kind) for kind in self.counts),
        )

    @property
    def counts(self) -> Counter[tuple[str, str]]:
        """How many items could not be taken, by signal and reason."""
        found: Counter[tuple[str, str]] = Counter()
        for of_file in self.asides.values():
            found.update(of_file.items)
        return found

    def finding_notes(self) -> Iterator[str]:
        """A sentence about findings that cannot be counted, if there are any."""
        findings = round(self._taking.tallies.get("findings_unusable", 0))
        if findings:
            yield f"{findings} finding event(s) lack a kind, fingerprint or number of repeats; skipped"

    def _set_aside(self, signal: str, reason: str, item: bytes, at: At) -> None:
        path, offset = (None, 0) if at is None else at
        of_file = self.asides.setdefault(path, Refused())
        of_file.items[signal, reason] += 1
        first = of_file.lines.setdefault(reason, []) if signal == LINES else []
        if len(first) < NAMED_LINES:
            first.append(offset)

    def _add_spans(self) -> None:
        self._taking.spans.settle()
        for file in self._taking.spans.rows.files():
            table = file.table if self._wanted.reduce is None else self._wanted.reduce(file.table)
            if table.num_rows:
                self._tables.setdefault("spans", []).append(table)
