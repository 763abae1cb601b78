"""Pool checks: a ``SELECT 1`` that a pool or framework sends to see whether a connection lives is no query.

Nor is what a driver asks for itself through a cursor of its own, such as the session's SQL mode.

The checks that send a statement through a cursor are known by name. While one runs, the current span is a stand-in
that leads to no more than the operation's time: that of the ping counts, its query does not. The hook itself pays
nothing for that. Checks by the driver's own ``ping`` never pass a cursor, and psycopg_pool sends a blank
statement, which is none.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any

from opentelemetry.context import attach, detach
from opentelemetry.trace import NonRecordingSpan, get_current_span, set_span_in_context
from wrapt import register_post_import_hook

from otel_verein.faults import FAULTS, Faults
from otel_verein.ledger.operation import SPAN_ATTRIBUTE
from otel_verein.ledger.record import DURATION, RecordFields


@dataclass(frozen=True, slots=True)
class Check:
    """A method that checks a connection; the first of ``methods`` that ``owner`` has, since names changed."""

    module: str
    owner: str
    methods: tuple[str, ...]


CHECKS = (
    Check("sqlalchemy.engine.default", "DefaultDialect", ("_do_ping_w_event", "do_ping")),
    Check("django.db.backends.postgresql.base", "DatabaseWrapper", ("is_usable",)),
    Check("mssql.base", "DatabaseWrapper", ("is_usable",)),
    Check("mysql.connector.connection", "MySQLConnection", ("info_query",)),
)


class _Pinged:
    """Stands for an operation during a ping: takes what the hook books, for its time; all else is the operation's."""

    __slots__ = ("_operation", "due", "enough", "failed", "records", "seen", "slow_ns", "verbs_ns")

    def __init__(self, operation: Any) -> None:
        self._operation = operation
        self.records: list[RecordFields] = []
        self.seen: dict[str, int] = {}
        self.enough = self.due = self.slow_ns = sys.maxsize
        self.failed = False
        self.verbs_ns = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._operation, name)

    def append(self, record: RecordFields) -> None:
        """Take a driver call."""
        self.records.append(record)

    def settle(self) -> None:
        """Give the operation the time of the ping, as that of other traffic which is no query."""
        self._operation.verbs_ns += self.verbs_ns + sum(record[DURATION] for record in self.records)


def pinging(check: Callable[..., Any]) -> Callable[..., Any]:
    """*check*, with what it sends booked as pings of the current operation; result and exception stay."""

    @functools.wraps(check)
    def call(*args: Any, **kwargs: Any) -> Any:
        span = get_current_span()
        operation = getattr(span, SPAN_ATTRIBUTE, None)
        if operation is None:
            return check(*args, **kwargs)
        stand_in, pinged = NonRecordingSpan(span.get_span_context()), _Pinged(operation)
        setattr(stand_in, SPAN_ATTRIBUTE, pinged)
        token = attach(set_span_in_context(stand_in))
        try:
            return check(*args, **kwargs)
        finally:
            detach(token)
            pinged.settle()

    return call


class Pings:
    """The wrapped checks of this process."""

    def __init__(self, checks: tuple[Check, ...] = CHECKS, faults: Faults = FAULTS) -> None:
        self._checks = checks
        self._faults = faults
        self._lock = Lock()  # guards _wanted and _originals; held while a method is replaced
        self._wanted = False
        self._registered = False
        self._originals: dict[Check, tuple[type, str, Any]] = {}

    def install(self) -> None:
        """Wrap every check now or when its module is imported; nothing is wrapped twice."""
        with self._lock:
            self._wanted = True
            register, self._registered = not self._registered, True
        for check in self._checks:
            if register:
                register_post_import_hook(functools.partial(self._imported, check), check.module)
            elif check.module in sys.modules:
                self._imported(check, sys.modules[check.module])

    def remove(self) -> None:
        """Give every check its own method back."""
        with self._lock:
            self._wanted = False
            for owner, name, original in self._originals.values():
                setattr(owner, name, original)
            self._originals.clear()

    def _imported(self, check: Check, module: types.ModuleType) -> None:
        with self._faults.guard("instrumentation.pings"), self._lock:
            if not self._wanted or check in self._originals:
                return
            owner = getattr(module, check.owner)
            name = next(name for name in check.methods if name in vars(owner))
            self._originals[check] = (owner, name, vars(owner)[name])
            setattr(owner, name, pinging(vars(owner)[name]))


PINGS = Pings()
"""The process's own."""
