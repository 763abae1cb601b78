"""The table of asynchronous drivers, and the hooks that put the recording methods into them."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterable
from functools import partial
from types import MappingProxyType
from typing import Any

from otel_verein.faults import FAULTS, Faults
from otel_verein.instrumentation.drivers import aio_asyncpg, aio_mysql, aio_psycopg, aio_sqlite
from otel_verein.instrumentation.drivers.aio_asyncpg import AsyncpgTracer
from otel_verein.instrumentation.drivers.aio_recording import AsyncTracer, Replacement
from otel_verein.instrumentation.drivers.c_types import replace_method
from otel_verein.instrumentation.drivers.hooks import Hook
from otel_verein.instrumentation.drivers.table import Driver, Style

_HEAP_TYPE = 1 << 9
"""Py_TPFLAGS_HEAPTYPE: only such types take attributes."""

Replacements = Callable[[Any, AsyncTracer], Iterable[Replacement]]


class AsyncHook(Hook):
    """The hook of one asynchronous driver. Its classes are Python's, so methods are replaced where they are defined."""

    def __init__(
        self,
        driver: Driver,
        replacements: Replacements,
        tracer: type[AsyncTracer] = AsyncTracer,
        faults: Faults = FAULTS,
    ) -> None:
        super().__init__(driver, faults)
        self._replacements = replacements
        self._tracer = tracer

    def _imported(self, module: types.ModuleType) -> None:
        with self._faults.guard(f"instrumentation.{self.driver.name}"), self._lock:
            if not self._wanted or self._undo:
                return
            tracer = self._tracer(self.driver, self._faults)
            # All are made before the first is put in place: a driver is hooked as a whole or not at all.
            for owner, name, method in list(self._replacements(sys.modules[self.driver.module], tracer)):
                self._undo.append(_replace(owner, name, method))


def _replace(owner: type, name: str, method: Any) -> Callable[[], None]:
    """Put *method* in place of the one that *owner* defines itself; returns what undoes it."""
    if not owner.__flags__ & _HEAP_TYPE:  # compiled by Cython
        return replace_method(owner, name, lambda _: method)
    original = vars(owner)[name]
    setattr(owner, name, method)
    return partial(setattr, owner, name, original)


def _driver(name: str, module: str, system: str, **where: Any) -> Driver:
    return Driver(name=name, module=module, system=system, style=Style.PATCH, hooked_after=module, cursors=(), **where)


_LIBPQ = MappingProxyType({"database": "info.dbname", "host": "info.host", "port": "info.port"})
_MYSQL = MappingProxyType({"database": "db", "host": "host", "port": "port"})
_ASYNCMY = MappingProxyType({"database": "_db", "host": "_host", "port": "_port"})

ASYNC_HOOKS = (
    AsyncHook(
        _driver("psycopg (async)", "psycopg", "postgresql", connection_attributes=_LIBPQ),
        aio_psycopg.replacements,
    ),
    AsyncHook(
        _driver("asyncpg", "asyncpg", "postgresql", instrumentors=("asyncpg",)),
        aio_asyncpg.replacements,
        AsyncpgTracer,
    ),
    AsyncHook(_driver("aiomysql", "aiomysql", "mysql", connection_attributes=_MYSQL), aio_mysql.replacements),
    AsyncHook(
        _driver("asyncmy", "asyncmy", "mysql", connection_attributes=_ASYNCMY),
        aio_mysql.replacements_of_asyncmy,
    ),
    AsyncHook(_driver("aiosqlite", "aiosqlite", "sqlite"), aio_sqlite.replacements),
)
"""The process's own hooks, one for each asynchronous driver."""

SERVER_CURSOR_HOOK = AsyncHook(
    _driver("psycopg (server-side)", "psycopg", "postgresql", connection_attributes=_LIBPQ), aio_psycopg.server_side
)
"""For psycopg's synchronous server-side cursors, whose fetches go over the network as well."""
