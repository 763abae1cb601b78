"""OTLP/JSON files, as ``otel-verein run`` and the collector's file exporter write them, read as if for a store."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from otel_verein.config.sections.storing import Store as StoreConfig
from otel_verein.errors import SourceError
from otel_verein.sources.base import ALL, Ask, Tables
from otel_verein.sources.rows import ConfigurationRow
from otel_verein.sources.segments import check_segments, lose_metrics, notes, refuse_unusable
from otel_verein.sources.viewed import Needs, Viewed, check_extra, in_memory, only_roots
from otel_verein.store import segments
from otel_verein.store.segments import Found

if TYPE_CHECKING:
    from otel_verein.store.reading import Reading, Unstored

_T = TypeVar("_T")

_ATTEMPTS: Final = 5
"""A file may be renamed or expire after the listing; then it is listed again."""


class OtlpFiles(Viewed):
    """The segments under a directory, or one file.

    Nothing is kept between two questions. A segment that another process is writing may be read at any time.
    """

    def __init__(self, place: Path, config: StoreConfig | None = None) -> None:
        self._place = place
        self._config = config or StoreConfig()

    @property
    def name(self) -> str:
        """The directory or file as the user gave it."""
        return str(self._place)

    def read(self, ask: Ask = ALL) -> Tables:
        """The tables of all segments that exist now.

        Raises SourceError when there are none or their metrics have an unusable form, and MissingExtraError without
        DuckDB.
        """
        return super().read(ask)

    def configurations(self) -> tuple[tuple[ConfigurationRow, ...], tuple[str, ...]]:
        """The last that every process said of the configuration it runs, and notes as in :class:`Tables`.

        Raises as :meth:`read` does.
        """
        from otel_verein.sources.store import configuration_rows

        unstored = self._unstored(Needs())
        return configuration_rows(unstored.processes), unstored.notes

    def state(self) -> Hashable | None:
        """Path, size and time of all segments."""
        from otel_verein.store.state import state_of_files

        return state_of_files((self._place,))

    def _answered(self, question: Callable[[Reading], _T], needs: Needs) -> _T:
        return in_memory(question, self._unstored(needs), needs, self._config, self.name)

    def _unstored(self, needs: Needs) -> Unstored:
        check_extra()
        for attempt in range(1, _ATTEMPTS + 1):
            check_segments(self._place)
            try:
                return self._taken(self._found(), needs)
            except FileNotFoundError as fault:
                if attempt == _ATTEMPTS:
                    raise SourceError(f"{self._place}: cannot be read: {fault}") from fault
            except OSError as fault:
                raise SourceError(f"{self._place}: cannot be read: {fault}") from fault
        raise AssertionError("the last attempt returns or raises")

    def _found(self) -> list[Found]:
        """The segments; what does not look as if somebody had it open is whole, however new it is."""
        found = segments.find([self._place], (), time.time())
        return [replace(each, closed=not segments.is_open(each.path)) for each in found]

    def _taken(self, found: Sequence[Found], needs: Needs) -> Unstored:
        from otel_verein.store.intake import Intake
        from otel_verein.store.taking.formats import messages
        from otel_verein.store.unstored import Wanted

        intake = Intake(self._config, Wanted(needs.texts, only_roots if needs.roots else None))
        cut_off = 0
        for each in found:
            end = 0
            for message in messages(each.path, limit=self._config.line_mb * 1_000_000, closed=each.closed):
                end = max(end, message.end)
                if message.problem is None:
                    intake.take(message.data, (each.path, message.offset))
                else:
                    intake.refuse(message.problem, (each.path, message.offset))
            cut_off += not each.closed and end < each.size
        unstored = intake.unstored(partial(notes, cut_off))
        refuse_unusable(intake)
        return replace(unstored, metrics_lost=lose_metrics(intake, self._place))
