"""What sources have in common that answer from the views of a reading: a store, files, or messages in memory."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from otel_verein.config.sections.storing import Store as StoreConfig
from otel_verein.errors import MissingExtraError, SourceError, StoreError
from otel_verein.sources import asking, asking_spans
from otel_verein.sources.base import ALL, Ask, Entities, Roots, Statements, Steps, Tables
from otel_verein.store.layout import HOUR_S, NANOSECONDS

if TYPE_CHECKING:
    import pyarrow as pa

    from otel_verein.store.choose import Bounds
    from otel_verein.store.reading import Reading, Unstored
    from otel_verein.store.traces import TraceSpan

_T = TypeVar("_T")

PACKAGES: Final = ("duckdb", "pyarrow", "msgspec")
"""What the extra ``report`` brings that questions are answered with."""

LONGEST_NS: Final = HOUR_S * NANOSECONDS
"""How long after the beginning of an operation its queries are looked for, where the window ends before them."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a question needs: the ``kinds`` of views, in which ``window``, by which steps, and which spans.

    With ``roots`` only those of spans that are local roots; ``texts`` are in each message that is needed.
    """

    kinds: Collection[str] = ()
    window: Bounds | None = None
    step_s: int | None = None
    roots: bool = True
    texts: tuple[bytes, ...] = ()


class Viewed(ABC):
    """Answers the questions of a source; nothing is kept between two of them."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What the user calls the place."""

    @abstractmethod
    def _answered(self, question: Callable[[Reading], _T], needs: Needs) -> _T:
        """What *question* makes of a reading; it may be asked again. Raises SourceError."""

    def read(self, ask: Ask = ALL) -> Tables:
        """Counts and findings as they stand now; raises SourceError when they cannot be read."""
        return self._answered(partial(asking.tables, ask=ask), Needs(("series", "findings"), window_of(ask)))

    def steps(self, step_s: int, ask: Ask = ALL) -> Steps:
        """Operations by steps of *step_s* seconds; raises as :meth:`read` does."""
        needs = Needs(("series",), window_of(ask), step_s)
        return self._answered(partial(asking.steps, step_s=step_s, ask=ask), needs)

    def statements(self, ask: Ask = ALL) -> Statements:
        """What kept traces say of single statements; raises as :meth:`read` does."""
        needs = Needs(("copies",), window_of(ask, LONGEST_NS), roots=False)
        return self._answered(partial(asking_spans.statements, ask=ask), needs)

    def entities(self, ask: Ask = ALL, entity_type: str | None = None, entity_id: str | None = None) -> Entities:
        """What operations were about: all entities, those of a type, or one; raises as :meth:`read` does."""
        question = partial(asking.entities, ask=ask, entity_type=entity_type, entity_id=entity_id)
        return self._answered(question, Needs(("entities",), window_of(ask)))

    def roots(self, ask: Ask = ALL, most: int = 1000, slowest: bool = False, failed: bool = False) -> Roots:
        """Kept operations, or only *failed* ones, the slowest or a fair sample; raises as :meth:`read` does."""
        question = partial(asking_spans.roots, ask=ask, most=most, slowest=slowest, failed=failed)
        return self._answered(question, Needs(("copies",), window_of(ask)))

    def trace(self, trace_id: str) -> tuple[TraceSpan, ...]:
        """The spans of one trace, the earliest first; raises SourceError for what is no trace id, too."""
        from otel_verein.store.traces import spans_of

        wanted = checked_id(trace_id)
        needs = Needs(("copies",), roots=False, texts=texts_of(wanted))
        return self._answered(partial(spans_of, trace_id=wanted), needs)


def window_of(ask: Ask, more_ns: int = 0) -> Bounds | None:
    """The stretch of time that is asked for, and *more_ns* after it; None for all."""
    if ask.start_ns is None and ask.end_ns is None:
        return None
    from otel_verein.store.choose import BEGINNING_NS, OPEN_END_NS, Bounds

    start_ns = BEGINNING_NS if ask.start_ns is None else ask.start_ns
    return Bounds(start_ns, OPEN_END_NS if ask.end_ns is None else ask.end_ns + more_ns)


def only_roots(spans: pa.Table) -> pa.Table:
    """The *spans* that an operation may have to be estimated from."""
    return spans.filter(spans["root"])


def texts_of(trace_id: str) -> tuple[bytes, ...]:
    """What a message with spans of the trace has in it."""
    wanted = trace_id.strip()
    return (wanted.lower().encode(), wanted.upper().encode())


def checked_id(trace_id: str) -> str:
    """The trace id in lower case; raises SourceError for what is none."""
    from otel_verein.store.traces import checked

    try:
        return checked(trace_id)
    except StoreError as fault:
        raise SourceError(str(fault)) from fault


def check_extra() -> None:
    """Raise MissingExtraError where a package that reads messages is not installed."""
    for package in PACKAGES:
        try:
            importlib.import_module(package)
        except ImportError as fault:
            raise MissingExtraError("report", package, "report") from fault


def in_memory(
    question: Callable[[Reading], _T], unstored: Unstored, needs: Needs, config: StoreConfig, name: str
) -> _T:
    """What *question* makes of what is in no store; raises SourceError that names the place."""
    import duckdb

    from otel_verein.store.reading import NOTHING, viewed

    try:
        with viewed(
            NOTHING, unstored, needs.kinds, window=needs.window, memory_mb=config.memory_mb, step_s=needs.step_s
        ) as reading:
            return question(reading)
    except (duckdb.Error, OSError) as fault:
        raise SourceError(f"{name}: cannot be read: {str(fault).splitlines()[0]}") from fault
