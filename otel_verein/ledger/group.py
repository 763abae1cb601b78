"""The queries of one statement under one parent span, or under all parents of one name."""

from __future__ import annotations

from heapq import nlargest
from operator import itemgetter
from typing import TYPE_CHECKING

from otel_verein.config.schema import Compression
from otel_verein.ledger.callsite import CallSite
from otel_verein.ledger.fingerprint import Fingerprint
from otel_verein.ledger.record import (
    DURATION,
    ERROR,
    FOUND,
    IDENTITY,
    PARENT,
    ROWS,
    START,
    STATEMENT,
    ConnectionTarget,
    RecordFields,
    values_of,
)
from otel_verein.ledger.spread import Spread

if TYPE_CHECKING:
    from opentelemetry.trace import Span

OTHER_ERROR = "_OTHER"
"""What the semantic conventions call an error type that has no single name."""

_LOOKED_AT = 5
_duration, _identity = itemgetter(DURATION), itemgetter(IDENTITY)


class QueryGroup:
    """All queries of one fingerprint under one parent span, or under ``several``, in which case *parent* is the first.

    ``path`` are the names of the spans from the root's child to the parent; ``ignored`` is the reason that the code
    itself gave for its repeats, if it did. ``records`` are those that were never folded; of the folded ones ``held``
    are the slowest and the first failed ones, and ``spread`` and ``failures`` say how long the others took.
    """

    __slots__ = (
        "_comparable",
        "_identities",
        "_stayed",
        "_values",
        "call_site",
        "count",
        "error",
        "errors",
        "failures",
        "fingerprint",
        "first_ns",
        "held",
        "ignored",
        "last_ns",
        "overlapping",
        "parent",
        "path",
        "records",
        "several",
        "spread",
        "target",
        "total_ns",
    )

    def __init__(
        self, fingerprint: Fingerprint, parent: Span, target: ConnectionTarget, ignored: str | None = None
    ) -> None:
        self.fingerprint = fingerprint
        self.parent = parent
        self.target = target
        self.ignored = ignored
        self.path: tuple[str, ...] = ()
        self.call_site: CallSite | None = None
        self.several = False
        self.count = 0
        self.errors = 0
        self.total_ns = 0
        self.first_ns = 0
        self.last_ns = 0
        self.overlapping = False
        """Whether some started while an earlier one still ran."""
        self.records: list[RecordFields] = []
        self.held: list[RecordFields] = []
        self.spread: Spread | None = None
        self.failures: Spread | None = None
        self.error: str | None = None
        """The error of the failures that are no longer held."""
        self._identities: set[int] = set()
        self._comparable = True
        self._values: list[int] = []
        self._stayed = 0

    @property
    def whole(self) -> bool:
        """Whether every query is still known by itself, in order."""
        return len(self.records) == self.count

    def take(self, records: list[RecordFields]) -> None:
        """Book *records* at the end of the operation, and hold them."""
        total, errors, last = 0, 0, self.last_ns
        first = self.first_ns if self.count else records[0][START]
        for fields in records:
            start, duration = fields[START], fields[DURATION]
            if start < last:
                self.overlapping = True
                first = min(first, start)
            last = max(last, start + duration)
            total += duration
            errors += fields[ERROR] is not None
        self.first_ns, self.last_ns = first, last
        self.count += len(records)
        self.total_ns += total
        self.errors += errors
        self.records += records

    def absorb(self, fields: RecordFields, most_identities: int) -> None:
        """Book one record of an operation that goes on; a fetch that is not over adds its time to the group."""
        held = [*fields[:PARENT], None, *fields[IDENTITY:STATEMENT], "", *fields[ROWS:]]
        start, duration, failed = fields[START], fields[DURATION], fields[ERROR] is not None
        if fields[IDENTITY] is None:
            self._comparable = False
        elif len(self._identities) < most_identities:
            self._identities.add(hash((fields[STATEMENT], fields[IDENTITY])))
        if len(self._values) < _LOOKED_AT:
            self._values.append(values_of(fields))
        end = start + duration
        folded = _Folded(self, held)
        # Nothing is called from here to the last line, so that an interrupt finds the record booked or not booked.
        fields[DURATION], fields[FOUND] = None, folded
        if not self.count or start < self.first_ns:
            self.first_ns = start
        if self.count and start < self.last_ns:
            self.overlapping = True
        if end > self.last_ns:
            self.last_ns = end
        self.count += 1
        self.errors += failed
        self.total_ns += duration
        self.held.append(held)

    def trim(self, options: Compression, spare: int) -> None:
        """Let go of folded records but those that stay whole; how long the others took is kept as their spread.

        Up to *spare* more are held until the next time, since a few at once take half the time of one by one.
        """
        if len(self.held) - self._stayed <= spare or self.count < options.repeats:
            return  # the few of a statement that does not repeat may all stay spans of their own
        stay, go = parted(self.held, options, failed=bool(self.errors))
        passed = [fields[DURATION] for fields in go if fields[ERROR] is None]
        failed = [fields for fields in go if fields[ERROR] is not None]
        spread = _more(self.spread, passed)
        failures = _more(self.failures, [fields[DURATION] for fields in failed])
        error = one_error(self.error, failed) if failed else self.error
        stayed = len(stay)
        # Nothing is called from here on, so that an interrupt finds the calls held one by one, or in their spread.
        self.held, self._stayed = stay, stayed
        self.spread, self.failures, self.error = spread, failures, error

    @property
    def comparable(self) -> bool:
        """Whether the parameters of all could be compared."""
        return self._comparable and None not in map(_identity, self.records)

    @property
    def identities(self) -> set[int]:
        """One number for each different set of parameters; a huge operation stops at about a thousand."""
        # the text itself too: literals may stand in it
        return self._identities.union([hash((fields[STATEMENT], fields[IDENTITY])) for fields in self.records])

    def first_values(self) -> list[int]:
        """How many values each of the first few statements carries."""
        return self._values + [values_of(fields) for fields in self.records[: _LOOKED_AT - len(self._values)]]


def _more(spread: Spread | None, durations_ns: list[int]) -> Spread | None:
    return (spread or Spread()).plus(durations_ns) if durations_ns else spread


class _Folded:
    """What a folded record leads to, for fetches of its rows that are not over."""

    __slots__ = ("_group", "_held")

    def __init__(self, group: QueryGroup, held: RecordFields) -> None:
        self._group = group
        self._held = held

    @property
    def total_ns(self) -> int:
        """The time of the group; what is added to it is added to the record, too."""
        return self._group.total_ns

    @total_ns.setter
    def total_ns(self, total_ns: int) -> None:
        self._held[DURATION] += total_ns - self._group.total_ns
        self._group.total_ns = total_ns


def parted(
    records: list[RecordFields], options: Compression, *, failed: bool
) -> tuple[list[RecordFields], list[RecordFields]]:
    """Those of *records* that stay whole, in order, and the others: the slowest and the first *failed* ones stay."""
    stay = {id(fields) for fields in nlargest(options.slowest, records, key=_duration)}
    if failed:
        stay.update([id(fields) for fields in records if fields[ERROR] is not None][: options.failed])
    whole = [fields for fields in records if id(fields) in stay]
    return whole, [fields for fields in records if id(fields) not in stay]


def one_error(known: str | None, failed: list[RecordFields]) -> str | None:
    """The error of *failed* and of what is *known*, where it is but one."""
    kinds = {fields[ERROR] for fields in failed} | ({known} if known else set())
    return kinds.pop() if len(kinds) == 1 else OTHER_ERROR if kinds else None
