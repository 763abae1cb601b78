"""What the first rule for an operation's name says, for as many names as come by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TypeVar

_Value = TypeVar("_Value")
_NAMES_REMEMBERED = 1024


def first_match(rules: Sequence[tuple[str, _Value]], otherwise: _Value) -> Callable[[str], _Value]:
    """What gives a name the value of the first of *rules*, (glob, value), that matches; it remembers recent names."""

    return remembered(lambda name: next((value for glob, value in rules if fnmatchcase(name, glob)), otherwise))


def remembered(of_name: Callable[[str], _Value]) -> Callable[[str], _Value]:
    """*of_name*, which remembers what it said of recent names."""
    return lru_cache(maxsize=_NAMES_REMEMBERED)(of_name)
