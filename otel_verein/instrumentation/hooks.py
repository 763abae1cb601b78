"""Put the recording methods into the drivers, and take them out again."""

from __future__ import annotations

import importlib.util
import sys
import threading
import types
from collections.abc import Callable
from functools import partial, reduce
from typing import Any

from opentelemetry.instrumentation.dbapi import DatabaseApiIntegration, unwrap_connect, wrap_connect
from wrapt import register_post_import_hook

from otel_verein.faults import FAULTS, Faults
from otel_verein.instrumentation.dbapi import LedgerTracer, recording_methods
from otel_verein.instrumentation.deferred import deferred_methods
from otel_verein.instrumentation.drivers import DRIVERS, Driver, Style

_COMBINED = "_verein_combined"


class Hook:
    """The hook of one driver: installed when the driver is, or at once if it is imported already."""

    def __init__(self, driver: Driver, faults: Faults = FAULTS) -> None:
        self.driver = driver
        self._faults = faults
        self._undo: list[Callable[[], None]] = []
        self._lock = threading.Lock()  # guards _undo and _wanted; held while a driver is hooked or unhooked
        self._wanted = False
        self._registered = False

    def install(self) -> None:
        """Hook the driver now if it is imported, else as soon as it is; nothing happens twice."""
        with self._lock:
            self._wanted = True
            register, self._registered = not self._registered, True
        if register:
            register_post_import_hook(self._imported, self.driver.hooked_after)
        elif self.driver.hooked_after in sys.modules:
            self._imported(sys.modules[self.driver.hooked_after])

    def remove(self) -> None:
        """Take the hook out; connections opened before keep their class but are no longer counted by new ones."""
        with self._lock:
            self._wanted = False
            while self._undo:
                self._undo.pop()()

    def _imported(self, module: types.ModuleType) -> None:
        with self._faults.guard(f"instrumentation.{self.driver.name}"), self._lock:
            if self._wanted and not self._undo:
                root = sys.modules[self.driver.module]
                tracer = LedgerTracer(self.driver, self._faults)
                if self.driver.style is Style.PATCH:
                    self._undo = _patch(root, self.driver, tracer)
                else:
                    self._undo = _substitute(root, module, self.driver, tracer, self._faults)


def _attribute(root: Any, path: str) -> Any:
    return reduce(getattr, path.split("."), root)


def _patch(root: types.ModuleType, driver: Driver, tracer: LedgerTracer) -> list[Callable[[], None]]:
    """Replace the methods that each class defines itself; inherited ones are covered by their owner."""
    undo: list[Callable[[], None]] = []
    for path in driver.cursors:
        owner = _attribute(root, path)
        methods = recording_methods(owner, tracer, driver) | deferred_methods(owner, tracer, driver)
        for name, method in methods.items():
            if name in vars(owner):
                original = vars(owner)[name]
                setattr(owner, name, method)
                undo.append(partial(setattr, owner, name, original))
    return undo


def _substitute(
    root: types.ModuleType, module: types.ModuleType, driver: Driver, tracer: LedgerTracer, faults: Faults
) -> list[Callable[[], None]]:
    """Have ``connect`` make connections of a real subclass, whose cursors are of a real subclass too."""
    integration = _SubclassIntegration(root if hasattr(root, "connect") else module, driver, tracer, faults)
    undo: list[Callable[[], None]] = []
    factory: Any = integration.shared
    places: dict[int, Any] = {id(place): place for place in (root, module) if hasattr(place, "connect")}
    for place in places.values():
        wrap_connect("otel_verein", place, "connect", driver.system, db_api_integration_factory=factory)
        undo.append(partial(unwrap_connect, place, "connect"))
    return undo


class _SubclassIntegration(DatabaseApiIntegration):
    """Connects with the recording classes in place of the driver's, under the application's own if it gives any."""

    def __init__(self, module: types.ModuleType, driver: Driver, tracer: LedgerTracer, faults: Faults) -> None:
        super().__init__("otel_verein", driver.system)
        self._faults = faults
        self._connect = driver.connect_factory
        self._base = _attribute(module, driver.connection)
        base_cursor = _attribute(module, driver.cursors[0])
        cursor = _named_like(base_cursor, {"__slots__": (), **recording_methods(base_cursor, tracer, driver)})
        self._recording = _named_like(self._base, _connection_methods(self._base, base_cursor, cursor, driver, faults))

    def shared(self, *_: Any, **__: Any) -> _SubclassIntegration:
        """This one, for every connection: it holds no state of any."""
        return self

    def wrapped_connection(self, connect_method: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """The connection that *connect_method* opens, of a class that records."""
        with self._faults.guard("instrumentation.connect"):
            args, kwargs = self._connect.replaced(
                args,
                kwargs,
                lambda given: combined(given or self._base, self._base, self._recording, self._faults),
            )
        return connect_method(*args, **kwargs)


def _connection_methods(
    base: Any, base_cursor: type, recording_cursor: type, driver: Driver, faults: Faults
) -> dict[str, Callable[..., Any]]:
    factory, keyword = driver.cursor_factory, driver.cursor_factory.keyword
    make = base.cursor
    plain = not hasattr(base, "cursor_factory")  # else the connection may have a default of its own

    def choose(connection: Any, given: Any) -> Any:
        given = given or getattr(connection, "cursor_factory", None) or base_cursor
        return combined(given, base_cursor, recording_cursor, faults)

    def cursor(connection: Any, /, *args: Any, **kwargs: Any) -> Any:
        if plain and not args and not kwargs:
            return make(connection, recording_cursor)
        if args:
            args, kwargs = factory.replaced(args, kwargs, partial(choose, connection))
        else:
            kwargs[keyword] = choose(connection, kwargs.get(keyword))
        return make(connection, *args, **kwargs)

    methods: dict[str, Callable[..., Any]] = {"cursor": cursor}
    for name in driver.connection_shortcuts:
        methods[name] = _shortcut(name, base, recording_cursor)
    return methods


def _shortcut(name: str, base: Any, recording_cursor: type) -> Callable[..., Any]:
    most = 1 if name == "executescript" else 2

    def call(connection: Any, /, *args: Any, **kwargs: Any) -> Any:
        if kwargs or not 1 <= len(args) <= most:
            return getattr(base, name)(connection, *args, **kwargs)  # the driver's own error, in its own words
        cursor = base.cursor(connection, recording_cursor)
        getattr(cursor, name)(*args, **kwargs)
        return cursor

    call.__name__ = name
    call.__doc__ = getattr(base, name).__doc__
    return call


def _named_like(base: type, methods: dict[str, Any]) -> type:
    """A subclass of *base* that prints like it."""
    return type(base.__name__, (base,), {"__module__": base.__module__, "__doc__": base.__doc__, **methods})


def combined(given: Any, base: type, recording: type, faults: Faults) -> Any:
    """A class that is *given* and records: *recording* goes between it and the driver's *base*.

    What is no subclass of *base* (a factory function, a mistake) comes back as it is, for the driver to judge;
    the first such factory is reported, since its queries cannot be counted.
    """
    if given is base:
        return recording
    if not isinstance(given, type) or not issubclass(given, base):
        faults.report("instrumentation.factory", TypeError(f"{given!r} is no class; its queries are not counted"))
        return given
    known = vars(given).get(_COMBINED)
    if known is not None and known[0] is recording:
        return known[1]
    if issubclass(given, recording):
        return given
    made = given
    with faults.guard("instrumentation.factory"):
        names = {"__module__": given.__module__, "__qualname__": given.__qualname__, "__doc__": given.__doc__}
        made = types.new_class(given.__name__, (given, recording), {}, lambda body: body.update(names))
        setattr(given, _COMBINED, (recording, made))
    return made


HOOKS = tuple(Hook(driver) for driver in DRIVERS)
"""The process's own hooks, one for each driver of the table."""


def instrument() -> None:
    """Record the queries of every driver of the table, now or when it is imported. Idempotent."""
    for hook in HOOKS:
        hook.install()


def uninstrument() -> None:
    """Undo :func:`instrument`."""
    for hook in HOOKS:
        hook.remove()


def available() -> list[tuple[Driver, bool]]:
    """Every driver of the table, and whether it can be imported here; imports none of them."""
    return [(driver, importlib.util.find_spec(driver.module) is not None) for driver in DRIVERS]
