"""One operation and its queries: what the hook appends to, and what the end of the operation reads.

An operation is a span without local parent and everything under it in this process. Appending is lock-free
(one list append) and may happen from several threads at once; everything else happens at its end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter_ns, time_ns
from typing import TYPE_CHECKING, Any, NamedTuple

from otel_verein.ledger.callsite import CallSite
from otel_verein.ledger.fingerprint import Fingerprint

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, Span

    from otel_verein.ledger.ledger import Ledger

SPAN_ATTRIBUTE = "_verein_operation"
"""The attribute by which a live span leads to its operation."""


class ConnectionTarget(NamedTuple):
    """Which database a query went to; what is not known is None."""

    system: str
    namespace: str | None = None
    address: str | None = None
    port: int | None = None


class QueryRecord(NamedTuple):
    """One driver call. Times are of the monotonic clock; ``batch`` is the size of an executemany, 0 otherwise."""

    statement: str
    start_ns: int
    end_ns: int
    error: str | None
    parent: Span
    parameters: int | None
    batch: int
    target: ConnectionTarget

    @property
    def duration_ns(self) -> int:
        """Time in the driver call."""
        return self.end_ns - self.start_ns


@dataclass(slots=True)
class QueryGroup:
    """All queries of one fingerprint under one parent span, with as many of their records as are still held."""

    fingerprint: Fingerprint
    parent: Span
    target: ConnectionTarget
    call_site: CallSite | None = None
    count: int = 0
    errors: int = 0
    total_ns: int = 0
    min_ns: int = 0
    max_ns: int = 0
    first_ns: int = 0
    last_ns: int = 0
    equal_parameters: bool = True
    parameters: int | None = None
    records: list[QueryRecord] = field(default_factory=list)
    folded_ns: list[int] = field(default_factory=list)

    def add(self, record: QueryRecord) -> None:
        """Book *record* into the totals and hold it."""
        duration = record.duration_ns
        if not self.count:
            self.min_ns, self.first_ns, self.parameters = duration, record.start_ns, record.parameters
        self.count += 1
        self.errors += record.error is not None
        self.total_ns += duration
        self.min_ns = min(self.min_ns, duration)
        self.max_ns = max(self.max_ns, duration)
        self.first_ns = min(self.first_ns, record.start_ns)
        self.last_ns = max(self.last_ns, record.end_ns)
        if self.parameters is None or record.parameters != self.parameters:
            self.equal_parameters = False
        self.records.append(record)

    def fold(self, held: int) -> None:
        """Let go of all records but failed ones and the *held* slowest; their durations stay as plain numbers."""
        ordered = sorted(self.records, key=lambda record: (record.error is None, -record.duration_ns))
        self.folded_ns += [record.duration_ns for record in ordered[held:]][: max(0, 1000 - len(self.folded_ns))]
        self.records = ordered[:held]


@dataclass(slots=True)
class Totals:
    """The figures of one operation: queries without transaction verbs, time with them."""

    queries: int = 0
    distinct: int = 0
    errors: int = 0
    db_duration_ns: int = 0


class Operation:
    """The queries and finished spans of one local root span, until it ends."""

    __slots__ = (
        "__weakref__",
        "_counts",
        "_fingerprints_seen",
        "call_sites",
        "folded",
        "folded_totals",
        "ledger",
        "open",
        "records",
        "root",
        "spans",
        "spans_dropped",
        "started_ns",
        "verdict",
        "wall_offset_ns",
    )

    def __init__(self, root: Span, ledger: Ledger) -> None:
        self.root = root
        self.ledger = ledger
        self.open = True
        self.records: list[QueryRecord] = []
        self.folded: dict[tuple[int, str], QueryGroup] = {}
        self.folded_totals = Totals()
        self.call_sites: dict[tuple[int, str], CallSite | None] = {}
        self.spans: list[ReadableSpan] = []
        self.spans_dropped = 0
        self.verdict: Any = None
        """What the processors decided; late spans follow it."""
        self._counts: dict[tuple[int, str], int] = {}
        self._fingerprints_seen: set[str] = set()
        self.started_ns = perf_counter_ns()
        self.wall_offset_ns = time_ns() - self.started_ns

    def append(self, record: QueryRecord) -> None:
        """Book one query; past the limit of repeats also watch for the call site, past the cap fold."""
        records = self.records
        records.append(record)
        if len(records) >= self.ledger.watch_from or self._counts:
            self._watch(record)
            if len(records) >= self.ledger.fold_at:
                self._fold()

    def _watch(self, record: QueryRecord) -> None:
        """Take the call site once per fingerprint and parent, while the repeat that proves it is on the stack."""
        counts = self._counts
        news = [record] if counts else self.records
        for new in news:
            key = (id(new.parent), self.ledger.fingerprints.of(new.statement, new.target.system).key)
            counts[key] = counts.get(key, 0) + 1
        most = self.ledger.config.limits.groups_per_operation
        if counts[key] >= self.ledger.watch_from and key not in self.call_sites and len(self.call_sites) < most:
            self.call_sites[key] = self.ledger.call_sites.capture()
        if len(counts) > 2 * most:
            self._counts = {key: count for key, count in counts.items() if count > 1} or {key: 1}

    def _fold(self) -> None:
        records, self.records = self.records, []
        self._count_into(self.folded_totals, records)
        self._group_into(self.folded, records)
        for group in self.folded.values():
            group.fold(self.ledger.config.compression.slowest + 1)

    def totals(self) -> Totals:
        """The figures so far; exact whatever was folded."""
        folded = self.folded_totals
        totals = Totals(folded.queries, folded.distinct, folded.errors, folded.db_duration_ns)
        self._count_into(totals, self.records)
        return totals

    def _count_into(self, totals: Totals, records: list[QueryRecord]) -> None:
        of = self.ledger.fingerprints.of
        seen = self._fingerprints_seen
        for record in records:
            totals.db_duration_ns += record.end_ns - record.start_ns
            found = of(record.statement, record.target.system)
            if found.counted:
                totals.queries += 1
                totals.errors += record.error is not None
                seen.add(found.key)
        totals.distinct = len(seen)

    def groups(self) -> list[QueryGroup]:
        """The queries by parent span and fingerprint, in order of first appearance, transaction verbs apart.

        Call once, after the end.
        """
        self._group_into(self.folded, self.records)
        return list(self.folded.values())

    def _group_into(self, groups: dict[tuple[int, str], QueryGroup], records: list[QueryRecord]) -> None:
        of = self.ledger.fingerprints.of
        most = self.ledger.config.limits.groups_per_operation
        for record in records:
            found = of(record.statement, record.target.system)
            if not found.counted:
                continue
            key = (id(record.parent), found.key)
            group = groups.get(key)
            if group is None:
                if len(groups) >= most:
                    continue  # its count and time are in the totals; only the trace lacks it
                group = groups[key] = QueryGroup(found, record.parent, record.target, self.call_sites.get(key))
            group.add(record)
