"""Methods replaced in place, so that no type changes: of Python classes, and of final C types."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from functools import partial, reduce
from typing import Any

from otel_verein.instrumentation.drivers.c_types import replace_method
from otel_verein.instrumentation.drivers.dbapi import LedgerTracer, recording_methods, timing_methods
from otel_verein.instrumentation.drivers.deferred import deferred_methods
from otel_verein.instrumentation.drivers.table import Driver
from otel_verein.instrumentation.drivers.written import written_methods


def attribute(root: types.ModuleType, path: str) -> Any:
    """What *path* leads to, also while *root* is being imported and does not have its submodules yet."""
    place, names = root, path.split(".")
    while f"{place.__name__}.{names[0]}" in sys.modules:
        place = sys.modules[f"{place.__name__}.{names.pop(0)}"]
    return reduce(getattr, names, place)


def patch(root: types.ModuleType, driver: Driver, tracer: LedgerTracer) -> list[Callable[[], None]]:
    """Replace the methods that each class defines itself; inherited ones are covered by their owner."""
    undo: list[Callable[[], None]] = []
    owners = [attribute(root, path) for path in driver.cursors]
    for path in driver.extension_cursors:
        module, _, name = path.rpartition(".")
        if hasattr(root, module):
            owners.append(attribute(root, path))
    for owner in owners:
        methods = recording_methods(owner, tracer, driver, fetched=bool(driver.fetches)) | deferred_methods(
            owner, tracer, driver
        )
        methods |= written_methods(owner, tracer, driver)
        for name, method in methods.items():
            if name in vars(owner):
                original = vars(owner)[name]
                setattr(owner, name, method)
                undo.append(partial(setattr, owner, name, original))
    if driver.connection:
        owner = attribute(root, driver.connection)
        for name, method in timing_methods(owner, tracer).items():
            inherited = name not in vars(owner)
            original = getattr(owner, name)
            setattr(owner, name, method)
            undo.append(partial(delattr, owner, name) if inherited else partial(setattr, owner, name, original))
    for path in driver.fetches:
        owner, name = attribute(root, path.rpartition(".")[0]), path.rpartition(".")[2]
        inherited = name not in vars(owner)
        original = getattr(owner, name)
        setattr(owner, name, tracer.fetching(original))
        undo.append(partial(delattr, owner, name) if inherited else partial(setattr, owner, name, original))
    return undo


def patch_c(root: types.ModuleType, driver: Driver, tracer: LedgerTracer) -> list[Callable[[], None]]:
    """Replace methods of final C types; those of a connection never pass a method of a cursor that Python sees."""

    undo: list[Callable[[], None]] = []
    try:
        for path in driver.cursors:
            owner = attribute(root, path)
            for name in recording_methods(owner, tracer, driver):
                undo.append(replace_method(owner, name, tracer.recording))
        for name in driver.connection_shortcuts:
            undo.append(replace_method(attribute(root, driver.connection), name, tracer.recording))
    except BaseException:
        while undo:
            undo.pop()()
        raise
    return undo
