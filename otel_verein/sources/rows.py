"""The rows that every source gives.

Every row is additive unless it says otherwise: two rows of one key may be merged by adding counts and sums, so a source
may hand over as many partial rows as it likes. What was sampled is weighted: a trace that was kept with probability p
stands for 1/p of its like.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class HistogramRow:
    """Points of one exponential histogram, summed over one series and one scale.

    ``buckets`` holds (index, count) pairs; index *i* covers (base^i, base^(i+1)] with base = 2^(2^-scale).
    What ``count`` has beyond them is zero. ``total``, ``minimum`` and ``maximum`` are None where a point
    did not say. ``estimated``: they are no points, but sampled spans with their weights; ``variance`` is then that of
    ``count``, the sum of w(w - 1) over the weights (Horvitz and Thompson), and ``samples`` how many spans there were.
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
    samples: int = 0
    variance: float = 0.0


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

    ``wasted_queries`` and ``wasted_ms`` are what one query in place of each repetition would have saved. ``via`` is the
    function of the library ``orm`` that the call site went into, as ``module:qualified.name``.
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
    orm: str | None = None
    orm_version: str | None = None
    via: str | None = None


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
class StatementRow:
    """The queries of one statement in one operation, from kept traces.

    ``calls``, ``errors`` and ``total_s`` are weighted; ``operations`` is the weight of those that ran it; ``samples``
    counts the calls that were seen. ``rows`` is the weighted sum of returned rows over ``rows_known`` weighted calls
    whose driver said them. ``buckets`` are of one call's time, as in :class:`HistogramRow` but weighted.
    """

    service: str
    operation: str
    fingerprint: str | None
    summary: str | None
    statement: str | None
    db_system: str | None
    verb: str | None
    calls: float
    errors: float
    total_s: float
    max_s: float
    operations: float
    samples: int
    rows: float
    rows_known: float
    scale: int
    buckets: tuple[tuple[int, float], ...]
    file: str | None
    line: int | None
    function: str | None
    trace_id: str | None


@dataclass(frozen=True, slots=True)
class EntityRow:
    """The kept operations that one entity was the subject of; weighted, but for ``samples`` and maxima.

    ``entity_id`` is None where ids are not kept, ``other`` for those beyond the number that is told apart. ``items`` is
    the weighted sum of ``verein.items``, ``items_s`` the time of the operations that said them; None where a source
    does not have them any more. ``queries`` and ``db_s`` are None where no driver was watched.
    """

    service: str
    operation: str
    entity_type: str
    entity_id: str | None
    count: float
    errors: float
    breached: float
    samples: int
    duration_s: float
    duration_max_s: float
    scale: int
    buckets: tuple[tuple[int, float], ...]
    queries: float | None
    queries_max: int | None
    db_s: float | None
    items: float | None
    items_s: float | None


@dataclass(frozen=True, slots=True)
class RootRow:
    """One kept operation, not additive; times in seconds.

    ``attributes`` are those of its root span as texts, and those of its resource that tell processes apart, as
    ``resource.<name>``; never SQL.
    """

    trace_id: str
    span_id: str
    service: str
    operation: str
    kind: str
    start_ns: int
    duration_s: float
    error: bool
    weight: float
    queries: int | None
    db_s: float | None
    breaches: tuple[str, ...]
    entity_type: str | None
    entity_id: str | None
    items: int | None
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def db_share(self) -> float | None:
        """Database time per wall time; above 1 when queries ran side by side."""
        return self.db_s / self.duration_s if self.db_s is not None and self.duration_s > 0 else None


@dataclass(frozen=True, slots=True)
class StepRow:
    """What one operation did in one step of time that begins at ``start_ns``; ``bad`` as the breach ``any``.

    ``queries`` and ``db_s`` are sums, None where no driver was watched; ``buckets`` are of durations.
    """

    start_ns: int
    service: str
    operation: str
    kind: str
    count: float
    errors: float
    bad: float
    duration_s: float | None
    queries: float | None
    db_s: float | None
    scale: int
    buckets: tuple[tuple[int, float], ...]
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """The time that the metrics cover, in nanoseconds since the epoch."""

    start_ns: int
    end_ns: int
