"""Whether a file adds up to those that it was made of: what proves that nothing was lost on the way."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Final

from otel_verein.store.layout import Level
from otel_verein.store.records import StoredFile, Totals
from otel_verein.store.totals import same

_MEASURED: Final = (("operations",), ("queries",), ("values",), ("observations",), ("seconds",))
_ONCE: Final = {"spans": (("spans", "duplicates"),), "findings": (("events", "duplicates"),)}
"""What appears twice counts once, and says so: the sum stays."""


def imbalances(kind: str, totals: Totals, made_of: Iterable[StoredFile]) -> Iterator[str]:
    """Each sum in which a file of *kind* differs from the files that it was made of, as words; none when it is right.

    *totals* are those of the new file. An hour is made of detail, which has no samples to compare with.
    """
    files = list(made_of)
    from_detail = all(file.level == Level.DETAIL for file in files)
    for keys in conserved(kind, from_detail):
        found = math.fsum(totals.get(key, 0) for key in keys)
        expected = math.fsum(file.totals.get(key, 0) for file in files for key in keys)
        if not same(keys[0], found, expected):
            yield f"{_number(found)} {' and '.join(keys)} instead of {_number(expected)}"


def conserved(kind: str, from_detail: bool) -> tuple[tuple[str, ...], ...]:
    """The sums that have to stay; keys of one tuple are added up first."""
    if kind in _ONCE:
        return _ONCE[kind]
    if kind == "others":
        return (("points",),)
    if kind == "points":
        return _MEASURED
    samples = () if from_detail else (("samples",),)
    return (*_MEASURED, *samples) if kind == "series" else samples


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(value)
