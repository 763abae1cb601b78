"""What may be asked of a source, what it answers, and the protocol of whatever does."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, Protocol

from otel_verein.sources.rows import (
    CounterRow,
    EntityRow,
    FindingRow,
    HistogramRow,
    RootRow,
    StatementRow,
    StepRow,
    Window,
)

if TYPE_CHECKING:
    from otel_verein.store.traces import TraceSpan


@dataclass(frozen=True, slots=True)
class Ask:
    """What of a source is asked for; None is all of it.

    ``start_ns`` and ``end_ns`` are nanoseconds since the epoch, ``end_ns`` the first one after. ``operation`` is a
    name or a glob on it; the others are names. ``version`` is ``service.version``.
    """

    start_ns: int | None = None
    end_ns: int | None = None
    service: str | None = None
    environment: str | None = None
    version: str | None = None
    operation: str | None = None

    @property
    def is_backwards(self) -> bool:
        """Whether it ends when or before it begins, so that nothing can be in it."""
        return self.start_ns is not None and self.end_ns is not None and self.end_ns <= self.start_ns

    def matches(self, operation: str | None) -> bool:
        """Whether the name of an operation is asked for."""
        wanted = self.operation
        return wanted is None or (operation is not None and (operation == wanted or fnmatchcase(operation, wanted)))


ALL: Final = Ask()


@dataclass(frozen=True, slots=True)
class Tables:
    """All that one reading of a source gave.

    ``window`` is None when no operation was measured. ``notes`` are sentences for the user about what
    could not be read, or not in full; ``metrics_lost`` says that measured counts are among it.
    """

    histograms: tuple[HistogramRow, ...] = ()
    counters: tuple[CounterRow, ...] = ()
    findings: tuple[FindingRow, ...] = ()
    window: Window | None = None
    notes: tuple[str, ...] = ()
    metrics_lost: bool = False


@dataclass(frozen=True, slots=True)
class Statements:
    """Statements of the kept traces; ``traces`` is how many there were."""

    rows: tuple[StatementRow, ...] = ()
    traces: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entities:
    """What operations were about."""

    rows: tuple[EntityRow, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Roots:
    """Kept operations, the slowest first or a sample of all; ``kept`` is how many of what was asked for there are."""

    rows: tuple[RootRow, ...] = ()
    kept: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Steps:
    """Operations by steps of ``step_s`` seconds; a step of which nothing is known has no row.

    ``mixed``: some rows are of a coarser figure, so that how long a row is, is not known.
    """

    step_s: int
    rows: tuple[StepRow, ...] = ()
    notes: tuple[str, ...] = ()
    mixed: bool = False


class Source(Protocol):
    """A place that holds telemetry.

    Everything but ``name`` raises SourceError, which says what to check, when the place cannot be read as a whole. What
    is known to be missing from an answer is in its notes.
    """

    @property
    def name(self) -> str:
        """What the user calls the place, such as its directory."""

    def read(self, ask: Ask = ALL) -> Tables:
        """Counts and findings as they stand now."""

    def steps(self, step_s: int, ask: Ask = ALL) -> Steps:
        """Operations by steps, each of whole seconds from the epoch on; where only coarser figures are left, by those.

        A row of a coarser figure stands at its beginning, and a note says so.
        """

    def statements(self, ask: Ask = ALL) -> Statements:
        """What kept traces say of single statements."""

    def entities(self, ask: Ask = ALL, entity_type: str | None = None, entity_id: str | None = None) -> Entities:
        """What operations were about: all entities, those of a type, or one."""

    def roots(self, ask: Ask = ALL, most: int = 1000, slowest: bool = False, failed: bool = False) -> Roots:
        """At most *most* kept operations: the *slowest*, else those whose hash of the id is lowest, a fair sample.

        With *failed* of those that ended with an error.
        """

    def trace(self, trace_id: str) -> tuple[TraceSpan, ...]:
        """The spans of one trace, the earliest first; empty when it is not there."""

    def state(self) -> Hashable | None:
        """Something that is equal as long as every answer would be; None where nothing tells that without asking."""
