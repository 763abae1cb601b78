"""The tables that the analysis rests on, and the protocol of whatever provides them.

Every row is additive: two rows of one key may be merged by adding counts and sums, so a source may hand
over as many partial rows as it likes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class HistogramRow:
    """Points of one exponential histogram, summed over one series and one scale.

    ``buckets`` holds (index, count) pairs; index *i* covers (base^i, base^(i+1)] with base = 2^(2^-scale).
    What ``count`` has beyond them is zero. ``total``, ``minimum`` and ``maximum`` are None where a point
    did not say. ``estimated``: they are no points, but sampled spans with their weights.
    """

    metric: str
    service: str
    operation: str
    kind: str
    status: str
    scale: int
    count: int
    total: float | None
    minimum: float | None
    maximum: float | None
    buckets: tuple[tuple[int, int], ...]
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class CounterRow:
    """The increase of one counter; ``detail`` tells its series apart, such as a breach or a reason."""

    metric: str
    service: str
    operation: str | None
    kind: str | None
    detail: str | None
    value: int


@dataclass(frozen=True, slots=True)
class FindingRow:
    """Finding events of one statement at one call site in one operation, summed.

    ``wasted_queries`` and ``wasted_ms`` are what one query in place of each repetition would have saved.
    """

    service: str
    operation: str
    kind: str
    fingerprint: str
    file: str | None
    line: int | None
    function: str | None
    events: int
    operations: int
    repeats_sum: int
    repeats_max: int
    wasted_queries: int
    wasted_ms: float | None
    summary: str | None
    statement: str | None
    verb: str | None
    db_system: str | None
    stack: tuple[str, ...]
    trace_id: str | None


@dataclass(frozen=True, slots=True)
class ConfigurationRow:
    """The last that one process said of the configuration it runs; None for what it did not say.

    ``seen_ns`` is when it said so, in nanoseconds since the epoch.
    """

    service: str
    instance: str | None
    pid: int | None
    host: str | None
    digest: str
    environment: str
    state: str
    seen_ns: int


@dataclass(frozen=True, slots=True)
class Window:
    """The time that the metrics cover, in nanoseconds since the epoch."""

    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class Tables:
    """All that one reading of a source gave.

    ``window`` is None when no operation was measured. ``notes`` are sentences for the user about what
    could not be read; ``metrics_lost`` says that measured counts are among it.
    """

    histograms: tuple[HistogramRow, ...] = ()
    counters: tuple[CounterRow, ...] = ()
    findings: tuple[FindingRow, ...] = ()
    window: Window | None = None
    notes: tuple[str, ...] = ()
    metrics_lost: bool = False


class Source(Protocol):
    """A place that holds telemetry."""

    @property
    def name(self) -> str:
        """What the user calls the place, such as its directory."""

    def read(self) -> Tables:
        """The tables as they stand now; raises SourceError when there is nothing to read."""
