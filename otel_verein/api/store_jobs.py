"""The jobs that write to a store: each holds its lock, and what came of it is on record in its journal."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from otel_verein.api.store import Place, Progress, Stop, check_extra, extra
from otel_verein.errors import StoreError
from otel_verein.store import lock, reserve
from otel_verein.store.layout import NANOSECONDS

if TYPE_CHECKING:
    from otel_verein.store.retention import Applied, Plan

INGEST = "ingest"
ROLLUP = "rollup"
COMPACT = "compact"
RETENTION = "retention"

_MAKING_ROOM = (COMPACT, RETENTION)


@dataclass(frozen=True, slots=True)
class Controls:
    """How a job is run: how long it waits for the lock, when it leaves the rest, whom it tells, and what time it is.

    Small files of an hour are merged once nothing has come to that hour for *settled_s*. *now* gives epoch seconds.
    """

    wait_s: float = 0.0
    stop: Stop = bool
    progress: Progress | None = None
    settled_s: float = 0.0
    now: Callable[[], float] = lambda: time.time()  # looked up when it is asked, as a test may set the clock


@dataclass(frozen=True, slots=True)
class Retained:
    """What was to be deleted, and what was."""

    plan: Plan
    applied: Applied

    def figures(self) -> dict[str, Any]:
        """The numbers of both by name."""
        return {"used_bytes": self.plan.used_bytes, "over_bytes": self.plan.over_bytes, **self.applied.figures()}


def run_job(place: Place, job: str, controls: Controls) -> Any:
    """What came of the *job*; raises StoreBusyError, and whatever the job does, which is on record then.

    What makes room on the disk has the reserve of the store where there is no other.
    """
    check_extra()
    with extra(), lock.held(place.store, job, controls.wait_s):
        try:
            return _recorded(place, job, controls)
        except Exception as fault:
            if job not in _MAKING_ROOM or not reserve.is_full(fault) or not reserve.give_up(place.store):
                raise
            return _recorded(place, job, controls)
        finally:
            reserve.keep(place.store)


def wanted(place: Place) -> tuple[str, ...]:
    """The jobs of one round, in their order: those that make room come last, and without retention not at all."""
    return (INGEST, ROLLUP, COMPACT, RETENTION) if place.config.capabilities.retention else (INGEST, COMPACT)


def retention_plan(place: Place, now: float) -> Plan:
    """What retention would delete at *now*, in epoch seconds, and why, without deleting it."""
    with extra():
        from otel_verein.store import retention
        from otel_verein.store.journal import Journal

        with Journal.opened(place.store) as journal:
            view = retention.view(place.store, journal)
        return retention.plan(view, place.config, now)


def _recorded(place: Place, job: str, controls: Controls) -> Any:
    from otel_verein.store.journal import Journal
    from otel_verein.store.records import Run
    from otel_verein.store.recovery import recover

    began = time.time()
    with Journal.opened(place.store, create=True) as journal:
        recover(place.store, journal)
        try:
            result = _ACTS[job](place, controls)
        except Exception as fault:
            with suppress(StoreError):  # on a full disk nothing can be entered; what the job failed for matters more
                recover(place.store, journal)
                journal.ran(Run(job, began, time.time(), str(fault) or type(fault).__name__, {}))
            raise
        journal.ran(Run(job, began, time.time(), None, result.figures()))
    return result


def _ingest(place: Place, controls: Controls) -> Any:
    from otel_verein.store.ingest import ingest

    return ingest(
        place.store,
        place.sources,
        place.config.store,
        now_ns=round(controls.now() * NANOSECONDS),
        progress=controls.progress,
        stop=controls.stop,
    )


def _rollup(place: Place, controls: Controls) -> Any:
    from otel_verein.store.rollup import roll

    return roll(place.store, place.config, controls.now(), stop=controls.stop)


def _compact(place: Place, controls: Controls) -> Any:
    from otel_verein.store.compaction import compact
    from otel_verein.store.journal_fold import fold

    result = compact(
        place.store,
        controls.now(),
        place.config.store,
        settled_s=controls.settled_s,
        stop=controls.stop,
    )
    fold(place.store, place.config, controls.now())
    return result


def _retention(place: Place, controls: Controls) -> Any:
    from otel_verein.store.retention import apply

    planned = retention_plan(place, controls.now())
    return Retained(planned, apply(place.store, planned, stop=controls.stop))


_ACTS: Mapping[str, Callable[[Place, Controls], Any]] = {
    INGEST: _ingest,
    ROLLUP: _rollup,
    COMPACT: _compact,
    RETENTION: _retention,
}
