"""Put the recording methods into the drivers, and take them out again."""

from __future__ import annotations

import contextlib
import sys
import threading
import types
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from opentelemetry.instrumentation.dbapi import DatabaseApiIntegration, unwrap_connect, wrap_connect
from wrapt import register_post_import_hook

from otel_verein.faults import FAULTS, Faults
from otel_verein.instrumentation.drivers import fastlane
from otel_verein.instrumentation.drivers.dbapi import (
    LedgerTracer,
    fetching_methods,
    recording_methods,
    timing_methods,
)
from otel_verein.instrumentation.drivers.patching import attribute, patch, patch_c
from otel_verein.instrumentation.drivers.table import DRIVERS, Driver, Rows, Style
from otel_verein.instrumentation.drivers.tracers import tracer_for
from otel_verein.instrumentation.drivers.written import written_methods

_COMBINED = "_verein_combined"
_CURSOR_IS_OWN = sys.version_info >= (3, 11)
"""Whether a shortcut of sqlite3's connection makes its cursor without asking."""
_VERSIONS = ("VERSION_STRING", "__version__", "sqlite_version", "version")
"""Where a driver may tell its version, the most telling first: PyMySQL's ``__version__`` is that of another driver."""


@dataclass(frozen=True, slots=True)
class Hooked:
    """Whether queries of a driver are recorded in this process now.

    ``version`` is None for a driver that is not imported or does not tell it; a driver that is not imported is
    hooked as soon as it is. ``how`` is the style of the hook.
    """

    name: str
    version: str | None
    how: str
    imported: bool
    hooked: bool


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

    def state(self) -> Hooked:
        """Whether this hook is in its driver now."""
        module = sys.modules.get(self.driver.module)
        version = next(filter(None, (getattr(module, name, None) for name in _VERSIONS)), None)
        return Hooked(
            name=self.driver.name,
            version=version if isinstance(version, str) else None,
            how=self.driver.style.value,
            imported=module is not None,
            hooked=bool(self._undo),
        )

    def _imported(self, module: types.ModuleType) -> None:
        with self._faults.guard(f"instrumentation.{self.driver.name}"), self._lock:
            if self._wanted and not self._undo:
                root = sys.modules[self.driver.module]
                tracer = tracer_for(self.driver, self._faults)
                if self.driver.style is Style.PATCH:
                    self._undo = patch(root, self.driver, tracer)
                elif self.driver.style is Style.PATCH_C:
                    self._undo = patch_c(root, self.driver, tracer)
                else:
                    self._undo = _substitute(root, module, self.driver, tracer, self._faults)


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
        self._base = attribute(module, driver.connection)
        cursors = CursorClasses(attribute(module, driver.cursors[0]), tracer, driver, faults)
        self._recordings = (_named_like(self._base, _connection_methods(self._base, cursors, driver, tracer, faults)),)

    def shared(self, *_: Any, **__: Any) -> _SubclassIntegration:
        """This one, for every connection: it holds no state of any."""
        return self

    def wrapped_connection(self, connect_method: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """The connection that *connect_method* opens, of a class that records."""
        with self._faults.guard("instrumentation.connect"):
            args, kwargs = self._connect.replaced(
                args,
                kwargs,
                lambda given: combined(given or self._base, self._base, self._recordings, self._faults),
            )
        return connect_method(*args, **kwargs)


class CursorClasses:
    """The recording forms of a driver's cursor class, and of any class of the application that is one."""

    def __init__(self, base: type, tracer: LedgerTracer, driver: Driver, faults: Faults) -> None:
        self._base = base
        self._faults = faults
        self._lazy_only_named = driver.rows is Rows.NAMED
        written = written_methods(base, tracer, driver)
        plain = _named_like(base, {"__slots__": (), **recording_methods(base, tracer, driver), **written})
        self._local: tuple[type, ...] = (plain,)
        self._lazy: tuple[type, ...] = (plain,)
        if driver.rows is not Rows.LOCAL:
            methods = recording_methods(base, tracer, driver, fetched=True) | fetching_methods(base, tracer)
            # a class of the application with slots of its own cannot be combined with one that has a slot
            self._lazy = (_named_like(base, {"__slots__": ("_verein",), **methods, **written}), plain)
            self._local = (plain,) if self._lazy_only_named else self._lazy
        self.default = self._local[0]
        """What records in place of the driver's own class."""

    def recording(self, given: Any, *, named: bool) -> Any:
        """The recording form of the class *given*, None for the driver's own; *named* says where its rows are."""
        return combined(given or self._base, self._base, self._lazy if named else self._local, self._faults)


def _connection_methods(
    base: Any, cursors: CursorClasses, driver: Driver, tracer: LedgerTracer, faults: Faults
) -> dict[str, Callable[..., Any]]:
    factory, keyword = driver.cursor_factory, driver.cursor_factory.keyword
    make, default = base.cursor, cursors.default
    plain = not hasattr(base, "cursor_factory")  # else the connection may have a default of its own
    nameable = driver.rows is Rows.NAMED

    def cursor(connection: Any, /, *args: Any, **kwargs: Any) -> Any:
        if plain and not args and not kwargs:
            return make(connection, default)
        named = nameable and (args[0] if args else kwargs.get("name")) is not None

        def choose(given: Any) -> Any:
            return cursors.recording(given or getattr(connection, "cursor_factory", None), named=named)

        if args:
            args, kwargs = factory.replaced(args, kwargs, choose)
        else:
            kwargs[keyword] = choose(kwargs.get(keyword))
        return make(connection, *args, **kwargs)

    lane = fastlane.making(make, cursor, faults.report, default) if plain else cursor
    methods: dict[str, Callable[..., Any]] = {"cursor": lane, **timing_methods(base, tracer)}
    for name in driver.connection_shortcuts:
        methods[name] = _shortcut(name, base, default)
    return methods


def _shortcut(name: str, base: Any, recording_cursor: type) -> Callable[..., Any]:
    most = 1 if name == "executescript" else 2

    def call(connection: Any, /, *args: Any, **kwargs: Any) -> Any:
        if kwargs or not 1 <= len(args) <= most:
            return getattr(base, name)(connection, *args, **kwargs)  # the driver's own error, in its own words
        # before 3.11 it asks the connection, whose class may have a method of its own
        cursor = base.cursor(connection, recording_cursor) if _CURSOR_IS_OWN else connection.cursor()
        getattr(cursor, name)(*args, **kwargs)
        return cursor

    call.__name__ = name
    call.__doc__ = getattr(base, name).__doc__
    return call


def _named_like(base: type, methods: dict[str, Any]) -> type:
    """A subclass of *base* that prints like it."""
    return type(base.__name__, (base,), {"__module__": base.__module__, "__doc__": base.__doc__, **methods})


def combined(given: Any, base: type, recordings: tuple[type, ...], faults: Faults) -> Any:
    """A class that is *given* and records: a recording class goes between it and the driver's *base*.

    The first of *recordings* that can be combined with it is taken. What is no subclass of *base* (a factory
    function, a mistake) comes back as it is, for the driver to judge; the first such factory is reported, since its
    queries cannot be counted.
    """
    if given is base:
        return recordings[0]
    if not isinstance(given, type) or not issubclass(given, base):
        faults.report("instrumentation.factory", TypeError(f"{given!r} is no class; its queries are not counted"))
        return given
    known = vars(given).get(_COMBINED)
    if known is not None and known[0] is recordings:
        return known[1]
    if issubclass(given, recordings):
        return given
    made = given
    with faults.guard("instrumentation.factory"):
        made = _between(given, recordings)
        setattr(given, _COMBINED, (recordings, made))
    return made


def _between(given: type, recordings: tuple[type, ...]) -> type:
    names = {"__module__": given.__module__, "__qualname__": given.__qualname__, "__doc__": given.__doc__}
    for recording in recordings[:-1]:
        with contextlib.suppress(TypeError):  # the layouts of the two conflict
            return types.new_class(given.__name__, (given, recording), {}, lambda body: body.update(names))
    return types.new_class(given.__name__, (given, recordings[-1]), {}, lambda body: body.update(names))


SYNC_HOOKS = tuple(Hook(driver) for driver in DRIVERS)
"""The process's own hooks, one for each driver of the table."""
