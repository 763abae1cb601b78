"""Methods of C types that can be neither subclassed nor assigned to, such as pyodbc's.

A proxy around their objects would change the type that the application sees. Instead the entry in the type's
dictionary is replaced, which leaves every type, object and C-level check as it is. This uses that CPython keeps the
dictionary of a type in a plain dict; elsewhere :class:`CannotPatch` is raised and the driver stays as it was.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from typing import Any


class CannotPatch(Exception):
    """This interpreter does not let the methods of a C type be replaced."""


def replace_method(owner: type, name: str, make: Callable[[Any], Any]) -> Callable[[], None]:
    """Put ``make(original)`` in place of the method *name* of *owner*; returns the function that undoes it."""
    entries = _dictionary(owner)
    original = entries[name]
    replacement = make(original)
    _put(owner, entries, name, replacement)
    if getattr(owner, name) is not replacement:
        _put(owner, entries, name, original)
        raise CannotPatch(f"{owner.__name__}.{name} stays what it was")
    return lambda: _put(owner, entries, name, original)


def _dictionary(owner: type) -> dict[str, Any]:
    if sys.implementation.name != "cpython":
        raise CannotPatch(f"{sys.implementation.name} has no dictionary behind {owner.__name__}")
    found = gc.get_referents(vars(owner))
    if len(found) != 1 or type(found[0]) is not dict:
        raise CannotPatch(f"the dictionary of {owner.__name__} is not where CPython had it so far")
    entries: dict[str, Any] = found[0]
    return entries


def _put(owner: type, entries: dict[str, Any], name: str, method: Any) -> None:
    import ctypes

    entries[name] = method
    # Else look-ups go on finding the old method in the interpreter's cache.
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(owner))
