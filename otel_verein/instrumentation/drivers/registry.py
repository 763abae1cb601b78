"""Every hook of the process: what ``instrument`` puts into the drivers and ``uninstrument`` takes out."""

from __future__ import annotations

import importlib.util

from otel_verein.instrumentation.drivers.async_table import ASYNC_HOOKS, SERVER_CURSOR_HOOK
from otel_verein.instrumentation.drivers.hooks import SYNC_HOOKS, Hooked
from otel_verein.instrumentation.drivers.pings import PINGS
from otel_verein.instrumentation.drivers.table import Driver

HOOKS = (*SYNC_HOOKS, SERVER_CURSOR_HOOK, *ASYNC_HOOKS)
"""One hook for each driver, and one for the server-side cursors of psycopg."""

_ORMS = frozenset(["sqlalchemy", "tortoiseorm"])
REPLACED_INSTRUMENTORS = _ORMS | {name for hook in HOOKS for name in hook.driver.instrumentors}
"""Upstream entry points that the distro leaves out: each would make a second span of a query counted here."""


def instrument() -> None:
    """Record the queries of every driver of the tables, now or when it is imported. Idempotent."""
    for hook in HOOKS:
        hook.install()
    PINGS.install()


def uninstrument() -> None:
    """Undo :func:`instrument`."""
    PINGS.remove()
    for hook in HOOKS:
        hook.remove()


def available() -> list[tuple[Driver, bool]]:
    """Every driver of the tables, and whether it can be imported here; imports none of them."""
    return [(hook.driver, _importable(hook.driver.module)) for hook in HOOKS]


def _importable(module: str) -> bool:
    parent = module.rpartition(".")[0]
    return (not parent or _importable(parent)) and importlib.util.find_spec(module) is not None


def hooked() -> list[Hooked]:
    """Every driver of the tables, and whether its queries are recorded in this process now; imports none of them."""
    return [hook.state() for hook in HOOKS]
