"""The columns that files of older versions lack: they read NULL there. Told without Arrow, which loads slowly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_ORM: Final = {"orm": "VARCHAR", "orm_version": "VARCHAR", "via": "VARCHAR"}

_ITEMS: Final = {"items_sum": "DOUBLE", "items_s": "DOUBLE"}

_LATER: Final[Mapping[tuple[str, int], Mapping[str, str]]] = {
    ("findings", 0): _ORM,
    ("findings", 1): _ORM,
    ("series", 1): {"variance": "DOUBLE"},
    ("entities", 1): _ITEMS,
}


def later(kind: str, level: int) -> Mapping[str, str]:
    """The names of such columns of one kind at one level, with their types in SQL."""
    return _LATER.get((kind, min(level, 1)), {})
