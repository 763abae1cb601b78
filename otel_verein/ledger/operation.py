"""One operation and its queries: what the hook appends to, and what the end of the operation reads.

An operation is a span without local parent and everything under it in this process. Appending is a list append
and may happen from several threads at once, also while the operation ends: a query is then in the operation or in
the late one that follows it, never in both or none.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from threading import Lock
from time import perf_counter_ns, time_ns
from typing import TYPE_CHECKING, Any

from otel_verein.ledger.callsite import CallSite
from otel_verein.ledger.group import QueryGroup
from otel_verein.ledger.record import DURATION, ERROR, FOUND, PARENT, QueryRecord, RecordFields

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import Span, SpanContext

    from otel_verein.ledger.ledger import Ledger

SPAN_ATTRIBUTE = "_verein_operation"
"""The attribute by which a live span leads to its operation."""

IGNORED_ATTRIBUTE = "_verein_ignored"
"""The attribute by which a span says why repeats under it are no finding."""

GroupKey = tuple[int, str]
"""A parent span, by identity, and a fingerprint's key."""

_duration = itemgetter(DURATION)
_DEEPEST_PATH = 50
_FOLD_S = 1.0


@dataclass(frozen=True, slots=True)
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

    A statement that repeats is located while it is on the stack. Records past the cap are folded into their
    groups. Only one thread folds at a time; appending never waits.
    """

    __slots__ = (
        "__weakref__",
        "_beyond",
        "_distinct_known",
        "_groups",
        "_lock",
        "_taken",
        "call_sites",
        "due",
        "ended_as",
        "enough",
        "facts",
        "failed",
        "ledger",
        "open",
        "records",
        "repeated",
        "root_id",
        "seen",
        "spans",
        "spans_dropped",
        "successor",
        "verbs_ns",
        "verdict",
        "wall_offset_ns",
    )

    def __init__(self, root: Span, ledger: Ledger) -> None:
        # Not the span itself: it leads here, and a circle would wait for the garbage collector.
        self.root_id = root.get_span_context().span_id
        self.ledger = ledger
        self.open = True
        self.records: list[RecordFields] = []
        self.seen: dict[str, int] = {}
        """How often each fingerprint ran; a few short when threads race, since only its keys have to be exact."""
        self.enough = ledger.watch_from
        self.due = ledger.fold_at
        self.failed = False
        """Whether a query raised."""
        self.verbs_ns = 0
        """Time of transaction verbs."""
        self.repeated = False
        """Whether a statement ran often enough for a verdict."""
        self.call_sites: dict[GroupKey, CallSite | None] = {}
        self.spans: list[ReadableSpan] = []
        self.spans_dropped = 0
        self.facts: dict[str, str | int] = {}
        """Attributes of the root span that the application gave."""
        self.verdict: Any = None
        """What the processors decided; late spans follow it."""
        self.ended_as: tuple[str, SpanContext] | None = None
        """Name and context of the root, once it has ended."""
        self.successor: Operation | None = None
        """The operation of the queries that came after the end."""
        self.wall_offset_ns = time_ns() - perf_counter_ns()
        self._lock = Lock()  # guards what folding changes; appending tries it and goes on where it is taken
        self._groups: dict[GroupKey, QueryGroup] = {}
        self._beyond: QueryGroup | None = None
        self._distinct_known = True
        self._taken: list[RecordFields] = []

    def append(self, record: RecordFields) -> None:
        """Book one query. The hook of synchronous drivers has these very steps inline; keep the two alike."""
        found = record[FOUND]
        if not found.counted:
            self.verbs_ns += record[DURATION]
            return
        records = self.records
        records.append(record)
        key = found.key
        times = self.seen.get(key, 0) + 1
        self.seen[key] = times
        if record[ERROR] is not None:
            self.failed = True
        if times >= self.enough or len(records) >= self.due:
            self.attend(record, times)

    def attend(self, record: RecordFields, times: int) -> None:
        """What a query may call for: its call site, folding, or moving it on because the operation has ended."""
        if not self.open:
            self._move_on()
            return
        if times >= self.enough:
            self.repeated = True
            if not times % self.enough:
                self._locate(record)
        if len(self.records) >= self.due:
            self._fold_now_and_then()

    def close(self) -> None:
        """Take no more queries. What races with this call ends up in the operation or in the late one, once.

        Idempotent, from one thread.
        """
        if not self.open:
            return
        self.open = False
        self.enough = 0  # every append attends from now on, and finds that the operation has ended
        # A fold that goes on ends first; one that an interrupt broke off may have left the lock taken for ever.
        held = self._lock.acquire(timeout=_FOLD_S)
        self._taken, self.records = self.records, []
        if held:
            self._lock.release()

    def disown(self) -> None:
        """In a forked child: the operation goes on in the parent; queries here belong to none."""
        self.open = False
        self.enough = 0
        self.records, self.ended_as = [], None
        self._lock = Lock()

    def totals(self) -> Totals:
        """The figures of all queries, exact whatever was folded; after :meth:`close`."""
        folded = list(self._groups.values()) + ([self._beyond] if self._beyond else [])
        taken = [record for record in self._taken if record[DURATION] is not None] if folded else self._taken
        errors = sum(group.errors for group in folded)
        if self.failed:
            errors += sum(record[ERROR] is not None for record in taken)
        known = self._distinct_known and len(self.seen) < self.ledger.most_distinct
        return Totals(
            queries=sum(group.count for group in folded) + len(taken),
            distinct=len(self.seen) if known else None,
            errors=errors,
            db_duration_ns=sum(map(_duration, taken), self.verbs_ns + sum(group.total_ns for group in folded)),
        )

    def groups(self) -> list[QueryGroup]:
        """The queries by parent span and fingerprint, in order of first appearance, transaction verbs apart.

        Call once, after :meth:`close`.
        """
        self._group(self._taken)
        contexts = ((span.get_span_context(), span) for span in self.spans)
        ended = {context.span_id: span for context, span in contexts if context is not None}
        for group in self._groups.values():
            group.path = _path(group.parent, self.root_id, ended)
        return list(self._groups.values())

    def release(self) -> None:
        """Let go of everything but the verdict: records lead to spans, and spans lead here."""
        self.spans, self._taken, self._beyond = [], [], None
        self._groups, self.seen, self.call_sites = {}, {}, {}

    def _move_on(self) -> None:
        """Hand the queries that came after the end to whoever takes late ones."""
        while True:
            try:
                record = self.records.pop()
            except IndexError:
                return
            self.ledger.late(self, record)

    def _locate(self, record: RecordFields) -> None:
        """Take the call site of *record*, once per fingerprint and parent."""
        key = (id(record[PARENT]), record[FOUND].key)
        if key not in self.call_sites and len(self.call_sites) < self.ledger.most_groups:
            self.call_sites[key] = self.ledger.call_sites.capture()

    def _fold_now_and_then(self) -> None:
        if not self._lock.acquire(blocking=False):
            return
        try:
            if self.open:
                self._fold()
        finally:
            self._lock.release()

    def _fold(self) -> None:
        settled = self.records[:]
        self._group(settled, folded=True)
        del self.records[: len(settled)]  # in place: another thread may be about to append to this very list
        for group in self._groups.values():
            group.fold(self.ledger.config.compression.slowest + 1)
        if self._beyond is not None:
            self._beyond.fold(0)
        if len(self.seen) > self.ledger.most_distinct:
            self._distinct_known = False
            self.seen.clear()

    def _group(self, records: list[RecordFields], *, folded: bool = False) -> None:
        groups = self._groups
        for fields in records:
            if fields[DURATION] is None:
                continue  # in its group already: an interrupt broke off the fold that put it there
            record = QueryRecord._make(fields)
            key = (id(record.parent), record.fingerprint.key)
            group = groups.get(key)
            if group is None:
                group = self._new_group(key, record)
            if group.call_site is None:
                group.call_site = self.call_sites.get(key)
            if folded:  # a fetch that is still going on adds its time to the group
                fields[DURATION], fields[FOUND] = None, group
            group.add(record)

    def _new_group(self, key: GroupKey, record: QueryRecord) -> QueryGroup:
        if len(self._groups) >= self.ledger.most_groups and self._beyond is not None:
            return self._beyond
        group = QueryGroup(record.fingerprint, record.parent, record.target)
        if len(self._groups) >= self.ledger.most_groups:
            self._beyond = group  # its count and time are in the totals; only the trace lacks it
        else:
            group.ignored = getattr(record.parent, IGNORED_ATTRIBUTE, None)
            self._groups[key] = group
        return group


def _path(parent: Any, root_id: int, ended: dict[int, ReadableSpan]) -> tuple[str, ...]:
    """The names of the spans between the root and the queries, *parent* last; empty for the root itself."""
    names: list[str] = []
    span: Any = parent
    while span is not None and len(names) < _DEEPEST_PATH:
        if span.get_span_context().span_id == root_id:
            break
        names.append(getattr(span, "name", ""))
        above = getattr(span, "parent", None)
        span = ended.get(above.span_id) if above is not None else None
    return tuple(reversed(names))
