"""One operation and its queries: what the hook appends to, and what the end of the operation reads.

An operation is a span without local parent and everything under it in this process. Appending is a list append
and may happen from several threads at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from time import perf_counter_ns, time_ns
from typing import TYPE_CHECKING, Any, NamedTuple

from otel_verein.ledger.callsite import CallSite
from otel_verein.ledger.fingerprint import Fingerprint

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, Span

    from otel_verein.ledger.ledger import Ledger

SPAN_ATTRIBUTE = "_verein_operation"
"""The attribute by which a live span leads to its operation."""


GroupKey = tuple[int, str]
"""A parent span, by identity, and a fingerprint's key."""


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


RecordFields = tuple[str, int, int, "str | None", "Span", "int | None", int, ConnectionTarget]
"""The fields of a :class:`QueryRecord` as the driver hook appends them: a plain tuple costs a quarter of one."""

_SETTLE_EVERY = 16


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
    """The figures of one operation: queries without transaction verbs, time with them.

    ``distinct`` is None when there were more different statements than an operation remembers.
    """

    queries: int = 0
    distinct: int | None = 0
    errors: int = 0
    db_duration_ns: int = 0


class Operation:
    """The queries and finished spans of one local root span, until it ends.

    A text that repeats is located at once. Records are settled some at a time: counted, and searched for texts that
    differ in literals only. Settled ones past the cap are folded into their groups. Only one thread settles at a
    time; appending never waits.
    """

    __slots__ = (
        "__weakref__",
        "_counts",
        "_distinct",
        "_due",
        "_enough",
        "_groups",
        "_lock",
        "_seen",
        "_settled",
        "_totals",
        "_wanted",
        "call_sites",
        "ledger",
        "open",
        "records",
        "repeated",
        "root_id",
        "spans",
        "spans_dropped",
        "verdict",
        "wall_offset_ns",
    )

    def __init__(self, root: Span, ledger: Ledger) -> None:
        # Not the span itself: it leads here, and a circle would wait for the garbage collector.
        self.root_id = root.get_span_context().span_id
        self.ledger = ledger
        self.open = True
        self.records: list[RecordFields] = []
        self.repeated = False
        """Whether a statement ran often enough for a verdict; final after :meth:`totals`."""
        self.call_sites: dict[GroupKey, CallSite | None] = {}
        self.spans: list[ReadableSpan] = []
        self.spans_dropped = 0
        self.verdict: Any = None
        """What the processors decided; late spans follow it."""
        self.wall_offset_ns = time_ns() - perf_counter_ns()
        self._lock = Lock()  # guards what settling changes; appending tries it and goes on where it is taken
        self._totals = Totals()
        self._distinct: set[str] = set()
        self._counts: dict[int, dict[str, int]] = {}
        self._groups: dict[GroupKey, QueryGroup] = {}
        self._wanted: set[GroupKey] = set()
        self._seen: dict[str, int] = {}
        self._enough = ledger.watch_from
        self._settled = 0
        self._due = _SETTLE_EVERY

    def append(self, record: RecordFields) -> None:
        """Book one query; locate the line of one that repeats, while it is on the stack."""
        records = self.records
        records.append(record)
        statement = record[0]
        times = self._seen.get(statement, 0) + 1
        self._seen[statement] = times
        if not times % self._enough:
            self._locate(record)
        elif len(records) >= self._due:
            self._settle_now_and_then()
        elif self._wanted:
            self._locate(record, wanted=True)

    def totals(self) -> Totals:
        """The figures of all queries so far; exact whatever was folded."""
        with self._lock:
            self._settle()
        distinct = len(self._distinct.union(*self._counts.values()))
        self._totals.distinct = distinct if distinct < self.ledger.most_distinct else None
        return self._totals

    def groups(self) -> list[QueryGroup]:
        """The queries by parent span and fingerprint, in order of first appearance, transaction verbs apart.

        Call once, after the end.
        """
        with self._lock:
            self._settle()
            self._group(self.records)
        return list(self._groups.values())

    def release(self) -> None:
        """Let go of everything but the verdict: records lead to spans, and spans lead here."""
        self.records, self.spans = [], []
        self._groups, self._counts, self._seen, self.call_sites = {}, {}, {}, {}

    def _settle_now_and_then(self) -> None:
        if not self._lock.acquire(blocking=False):
            return
        try:
            self._settle()
            if self._settled >= self.ledger.fold_at:
                self._fold()
            self._due = self._settled + _SETTLE_EVERY
        finally:
            self._lock.release()

    def _settle(self) -> None:
        """Count what came in since the last time, and want the call site of what repeats under another text."""
        fresh = self.records[self._settled :]
        totals, counts, enough = self._totals, self._counts, self._enough
        duration_ns, last_target, last_parent = 0, None, None
        for statement, start_ns, end_ns, error, parent, _, _, target in fresh:
            if target is not last_target:
                last_target, of = target, self.ledger.fingerprints.within(target[0])
            if parent is not last_parent:
                last_parent, under = parent, counts.setdefault(id(parent), {})
            duration_ns += end_ns - start_ns
            found = of(statement)
            if not found.counted:
                continue
            totals.queries += 1
            if error is not None:
                totals.errors += 1
            key = found.key
            count = under.get(key, 0) + 1
            under[key] = count
            if count >= enough - 2 and (id(parent), key) not in self.call_sites:
                self._wanted.add((id(parent), key))
            if count >= enough:
                self.repeated = True
        totals.db_duration_ns += duration_ns
        self._settled += len(fresh)
        if sum(map(len, counts.values())) > self.ledger.most_groups:
            self._forget_counts()

    def _forget_counts(self) -> None:
        """Keep what is distinct, within its bound; a repeat among so many statements is then seen later or not."""
        for under in self._counts.values():
            if len(self._distinct) < self.ledger.most_distinct:
                self._distinct.update(under)
        self._counts.clear()
        self._wanted.clear()
        self._seen.clear()

    def _locate(self, record: RecordFields, *, wanted: bool = False) -> None:
        """Take the call site of *record*, once per fingerprint and parent; only if it is *wanted*, if that is said."""
        statement, _, _, _, parent, _, _, target = record
        found = self.ledger.fingerprints.of(statement, target[0])
        key = (id(parent), found.key)
        if key in self.call_sites or not found.counted or (wanted and key not in self._wanted):
            return
        self._wanted.discard(key)
        if len(self.call_sites) < self.ledger.most_groups:
            self.call_sites[key] = self.ledger.call_sites.capture()

    def _fold(self) -> None:
        settled = self.records[: self._settled]
        self._group(settled)
        del self.records[: len(settled)]  # in place: another thread may be about to append to this very list
        self._settled = 0
        for group in self._groups.values():
            group.fold(self.ledger.config.compression.slowest + 1)

    def _group(self, records: list[RecordFields]) -> None:
        of = self.ledger.fingerprints.of
        groups = self._groups
        for fields in records:
            record = QueryRecord._make(fields)
            found = of(record.statement, record.target.system)
            if not found.counted:
                continue
            key = (id(record.parent), found.key)
            group = groups.get(key)
            if group is None:
                if len(groups) >= self.ledger.most_groups:
                    continue  # its count and time are in the totals; only the trace lacks it
                group = groups[key] = QueryGroup(found, record.parent, record.target)
            group.call_site = group.call_site or self.call_sites.get(key)
            group.add(record)
