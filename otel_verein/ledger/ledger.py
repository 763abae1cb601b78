"""What all operations of a process share: options, fingerprints, call sites, and queries that belong to none."""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from otel_verein.config.schema import Config, Limits
from otel_verein.ledger.callsite import CallSites
from otel_verein.ledger.fingerprint import Fingerprint, Fingerprints

if TYPE_CHECKING:
    from otel_verein.ledger.operation import Operation
    from otel_verein.ledger.record import RecordFields

FINGERPRINTS = Fingerprints(Limits())
"""The process's own, since drivers are hooked once for all operations; the limits are those of the last ledger."""

_NEVER_NS = (1 << 63) - 1

_THROWN_AWAY_AT = 256
"""Records that an operation holds whose queries are not counted: few enough to be small, enough to be cheap."""


class Ledger:
    """Shared by the operations of one configuration; safe to use from several threads."""

    def __init__(
        self,
        config: Config,
        late: Callable[[Operation, RecordFields], None] | None = None,
        *,
        counting: bool = True,
    ) -> None:
        self.config = config
        self.counting = counting
        """Whether queries are booked; else what the hook appends is thrown away now and then."""
        self.call_sites = CallSites(config.call_site)
        self.watch_from = config.n_plus_one.repeats if counting else sys.maxsize
        self.fold_at = config.limits.records_per_operation if counting else _THROWN_AWAY_AT
        self.slow_ns = int(min(config.thresholds.slow_query_s * 1e9, _NEVER_NS)) if counting else _NEVER_NS
        """Time from which a query is asked how many rows it returned."""
        self.most_distinct = config.limits.distinct_per_operation
        self.most_groups = config.limits.groups_per_operation
        self._late = late
        FINGERPRINTS.limit(config.limits)

    def late(self, operation: Operation, record: RecordFields) -> None:
        """Book a query that ran after the end of *operation*."""
        if not self.counting:
            return
        if self._late is not None:
            self._late(operation, record)
        else:
            UNATTRIBUTED.add(record[0], late=True)


class Unattributed:
    """Counts queries that ran outside any open operation, by role: ``main``, ``thread`` or ``late``."""

    def __init__(self) -> None:
        self.counting = True
        """Whether it counts, as the configuration says."""
        self._reset()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        # guards _counts; held for one addition or one copy; reentrant, since a signal handler may flush in between
        self._lock = threading.RLock()
        self._counts: Counter[str] = Counter()

    def add(self, found: Fingerprint, *, late: bool = False) -> None:
        """Count a query unless it is a transaction verb; *late* says that its operation had already ended."""
        if not found.counted or not self.counting:
            return
        role = "late" if late else "main" if threading.current_thread() is threading.main_thread() else "thread"
        with self._lock:
            self._counts[role] += 1

    def take(self) -> dict[str, int]:
        """The counts since the last call."""
        with self._lock:
            taken, self._counts = self._counts, Counter()
        return dict(taken)


UNATTRIBUTED = Unattributed()
"""The process's own: the driver hook has no other place to book a query without operation."""
