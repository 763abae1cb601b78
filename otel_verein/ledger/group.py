"""The queries of one fingerprint under one parent span."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from otel_verein.ledger.callsite import CallSite
from otel_verein.ledger.fingerprint import Fingerprint
from otel_verein.ledger.record import ConnectionTarget, QueryRecord

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_FOLDED_DURATIONS = 1000
_IDENTITIES = 1000


@dataclass(slots=True)
class QueryGroup:
    """All queries of one fingerprint under one parent span, with as many of their records as are still held.

    ``path`` are the names of the spans from the root's child to the parent; ``ignored`` is the reason that
    the code itself gave for its repeats, if it did.
    """

    fingerprint: Fingerprint
    parent: Span
    target: ConnectionTarget
    path: tuple[str, ...] = ()
    ignored: str | None = None
    call_site: CallSite | None = None
    count: int = 0
    errors: int = 0
    total_ns: int = 0
    first_ns: int = 0
    last_ns: int = 0
    overlapping: int = 0
    identities: set[tuple[str, int]] = field(default_factory=set)
    comparable: bool = True
    records: list[QueryRecord] = field(default_factory=list)
    folded_ns: list[int] = field(default_factory=list)

    def add(self, record: QueryRecord) -> None:
        """Book *record* into the totals and hold it."""
        if not self.count:
            self.first_ns = record.start_ns
        elif record.start_ns < self.last_ns:
            self.overlapping += 1
        self.count += 1
        self.errors += record.error is not None
        self.total_ns += record.duration_ns
        self.first_ns = min(self.first_ns, record.start_ns)
        self.last_ns = max(self.last_ns, record.end_ns)
        if record.identity is None:
            self.comparable = False
        elif len(self.identities) < _IDENTITIES:
            # the text itself too: literals may stand in it
            self.identities.add((record.statement, record.identity))
        self.records.append(record)

    def fold(self, held: int) -> None:
        """Let go of all records but failed ones and the *held* slowest; their durations stay as plain numbers."""
        ordered = sorted(self.records, key=lambda record: (record.error is None, -record.duration_ns))
        room = max(0, _FOLDED_DURATIONS - len(self.folded_ns))
        self.folded_ns += [record.duration_ns for record in ordered[held:]][:room]
        self.records = ordered[:held]
