"""One operation and its queries: what the hook appends to, and what the end of the operation reads.

An operation is a span without local parent and everything under it in this process. Appending is a list append
and may happen from several threads at once, also while the operation ends: a query is then in the operation or in
the late one that follows it, never in both or none.
"""

from __future__ import annotations

from operator import itemgetter
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from otel_verein.clock import Clock
from otel_verein.ledger.fingerprint import Fingerprint
from otel_verein.ledger.group import QueryGroup
from otel_verein.ledger.groups import IGNORED_ATTRIBUTE, CallSites, Groups
from otel_verein.ledger.record import DURATION, ERROR, FOUND, PARENT, RecordFields

__all__ = ["IGNORED_ATTRIBUTE", "NOT_COUNTED", "SPAN_ATTRIBUTE", "Operation", "Totals"]

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import Span, SpanContext

    from otel_verein.ledger.ledger import Ledger

SPAN_ATTRIBUTE = "_verein_operation"
"""The attribute by which a live span leads to its operation."""

_duration = itemgetter(DURATION)
_FOLD_S = 1.0


class Totals(NamedTuple):
    """The figures of one operation: queries without transaction verbs, time with them.

    ``distinct`` is None when there were more different statements than an operation remembers.
    """

    queries: int = 0
    distinct: int | None = 0
    errors: int = 0
    db_duration_ns: int = 0
    counted: bool = True
    """Whether these are figures; else counting was off, and they are unknown."""


_NO_QUERIES = Totals()
NOT_COUNTED = Totals(distinct=None, counted=False)
"""The totals where counting is off."""


class Operation:
    """The queries and finished spans of one local root span, until it ends.

    A statement that repeats is located while it is on the stack. Records past the cap are folded into their
    groups. Only one thread folds at a time; appending never waits.
    """

    __slots__ = (
        "__weakref__",
        "_distinct_known",
        "_groups",
        "_lock",
        "_taken",
        "call_sites",
        "cap",
        "due",
        "ended_as",
        "enough",
        "facts",
        "failed",
        "followed",
        "forced",
        "ledger",
        "open",
        "records",
        "repeated",
        "root_id",
        "seen",
        "slow_ns",
        "spans",
        "spans_dropped",
        "successor",
        "verbs_ns",
        "verdict",
        "wall_offset_ns",
    )

    def __init__(self, root: Span, ledger: Ledger, wall_offset_ns: int | None = None) -> None:
        """*wall_offset_ns* is the wall clock minus the monotonic one; read here where the caller has not."""
        # Not the span itself: it leads here, and a circle would wait for the garbage collector.
        self.root_id = root.get_span_context().span_id
        self.ledger = ledger
        self.open = True
        self.records: list[RecordFields] = []
        self.seen: dict[str, int] = {}
        """How often each fingerprint ran; a few short when threads race, since only its keys have to be exact."""
        self.enough = ledger.watch_from
        self.due = ledger.fold_at
        self.slow_ns = ledger.slow_ns
        self.failed = False
        """Whether a query raised."""
        self.verbs_ns = 0
        """Time of transaction verbs."""
        self.repeated = False
        """Whether a statement ran often enough for a verdict."""
        self.call_sites: CallSites = {}
        self.spans: list[ReadableSpan] = []
        self.spans_dropped = 0
        self.facts: dict[str, str | int] = {}
        """Attributes of the root span that the application gave."""
        self.forced = False
        """Whether the application asked to keep the trace."""
        self.cap = 0
        """The threshold of the rate cap that was in force when it began."""
        self.followed: Any = None
        """What was decided of its trace before it began, by an operation that had ended."""
        self.verdict: Any = None
        """None until the processors have decided; then what late spans follow."""
        self.ended_as: tuple[str, SpanContext] | None = None
        """Name and context of the root, once it has ended."""
        self.successor: Operation | None = None
        """The operation of the queries that came after the end."""
        self.wall_offset_ns = wall_offset_ns if wall_offset_ns is not None else Clock.wall_ns() - Clock.ticks_ns()
        self._lock = Lock()  # guards what folding changes; appending tries it and goes on where it is taken
        self._groups: Groups | None = None  # made by the first fold, or by the end if it asks for them
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
        enough = self.enough  # read once: the end, which makes it zero, may come between any two lines
        if not self.open or not enough:
            self._move_on()
            return
        if times >= enough:
            self.repeated = True
            if not times % enough:
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
        if self._groups is None and len(self.records) < self.due:
            self._taken, self.records = self.records, []  # nobody folds: who does has found enough records for it
            return
        # A fold that goes on ends first; one that an interrupt broke off may have left the lock taken for ever.
        held = self._lock.acquire(blocking=False) or self._lock.acquire(timeout=_FOLD_S)
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
        taken = self._taken
        if self._groups is None:
            if not taken:
                return Totals(db_duration_ns=self.verbs_ns) if self.verbs_ns else _NO_QUERIES
            return Totals(
                len(taken), self._distinct(), self._errors_among(taken), sum(map(_duration, taken), self.verbs_ns)
            )
        folded = self._groups.all()
        taken = [record for record in taken if record[DURATION] is not None]
        return Totals(
            queries=sum(group.count for group in folded) + len(taken),
            distinct=self._distinct(),
            errors=sum(group.errors for group in folded) + self._errors_among(taken),
            db_duration_ns=sum(map(_duration, taken), self.verbs_ns + sum(group.total_ns for group in folded)),
        )

    def groups(self) -> list[QueryGroup]:
        """The queries by parent span and fingerprint, in order of first appearance, transaction verbs apart.

        What is in no group for want of room is :attr:`rest`. Call once, after :meth:`totals`.
        """
        groups = self._groups = self._groups or Groups(self.ledger)
        groups.take(self._taken, self.seen, self.call_sites)
        groups.set_paths(self.root_id, self.spans)
        return list(groups)

    @property
    def rest(self) -> QueryGroup | None:
        """The queries that had no room in :meth:`groups`, whatever their statement; after it."""
        return self._groups.rest if self._groups is not None else None

    def release(self) -> None:
        """Let go of everything but the verdict and spans that came late: records lead to spans, and spans lead here."""
        self._taken, self._groups = [], None
        self.seen, self.call_sites = {}, {}

    def _distinct(self) -> int | None:
        return len(self.seen) if self._distinct_known and len(self.seen) < self.ledger.most_distinct else None

    def _errors_among(self, records: list[RecordFields]) -> int:
        return sum(record[ERROR] is not None for record in records) if self.failed else 0

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
        parent, found = record[PARENT], record[FOUND]
        if not isinstance(found, Fingerprint):
            return  # another thread folded it meanwhile; a later repeat will be located
        key = (id(parent), found.key)
        if key in self.call_sites or len(self.call_sites) >= 2 * self.ledger.most_groups:
            return
        groups = self._groups
        if groups is None or not groups.is_located(parent, found):
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
        if not self.ledger.counting:
            self.records.clear()  # in place: another thread may be about to append to this very list
            self.seen.clear()
            return
        groups = self._groups = self._groups or Groups(self.ledger)
        settled = self.records[:]
        groups.fold(settled, self.seen, self.call_sites)
        del self.records[: len(settled)]  # in place: another thread may be about to append to this very list
        if len(self.seen) > self.ledger.most_distinct:
            self._distinct_known = False
            self.seen.clear()
