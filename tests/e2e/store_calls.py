"""What a process of the tests can be told to do with a store, by name."""

from __future__ import annotations

import importlib
import pkgutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from otel_verein import store
from otel_verein.api import store_jobs
from otel_verein.api.store import Place
from otel_verein.config.load import load
from otel_verein.sources.store import StoreSource
from otel_verein.store.backup import backup
from otel_verein.store.layout import Store
from otel_verein.store.verify import verify
from tests.e2e.store_jobs import Order

Call = Callable[[Order], Any]

for found in pkgutil.iter_modules(store.__path__, f"{store.__name__}."):
    importlib.import_module(found.name)  # not in each process anew; and a user without rights may not read them


def _place(order: Order) -> Place:
    config = load(order.options, Path(order.root).parent)
    return Place(Store(Path(order.root)), tuple(Path(each) for each in order.sources), config)


def _controls(order: Order) -> store_jobs.Controls:
    return store_jobs.Controls(wait_s=order.wait_s, now=lambda: order.now_s)


def _job(name: str) -> Call:
    def call(order: Order) -> str:
        return str(store_jobs.run_job(_place(order), name, _controls(order)))

    return call


def _round(order: Order) -> list[str]:
    place = _place(order)
    return [str(store_jobs.run_job(place, name, _controls(order))) for name in store_jobs.wanted(place)]


def _backup(order: Order) -> str:
    file = Path(order.root).with_name(f"backup-{time.monotonic_ns()}.tar")
    return str(backup(_place(order).store, file))


def _verify(order: Order) -> list[str]:
    return [str(problem) for problem in verify(_place(order).store).problems]


def _report(order: Order) -> dict[str, int]:
    tables = StoreSource(_place(order).store, _place(order).sources).read()
    return {
        "operations": sum(row.count for row in tables.histograms if row.metric == "verein.operation.duration"),
        "findings": sum(row.events for row in tables.findings),
    }


CALLS: dict[str, Call] = {
    "ingest": _job(store_jobs.INGEST),
    "roll": _job(store_jobs.ROLLUP),
    "compact": _job(store_jobs.COMPACT),
    "retention": _job(store_jobs.RETENTION),
    "round": _round,
    "backup": _backup,
    "verify": _verify,
    "report": _report,
}
