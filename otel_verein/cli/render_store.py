"""Sizes, counts, times and tables, as the commands of the store print them."""

from __future__ import annotations

from collections.abc import Sequence

from otel_verein.cli.terminal import printable

_THOUSAND = 1000
_UNITS = ("B", "kB", "MB", "GB", "TB")


def size(count: int) -> str:
    """*count* bytes with the unit that leaves few digits: 812 B, 3.4 MB, 120 MB."""
    value = float(count)
    for unit in _UNITS[:-1]:
        if abs(value) < _THOUSAND:
            return _figure(value, unit)
        value /= _THOUSAND
    return _figure(value, _UNITS[-1])


def many(number: int, one: str, several: str = "") -> str:
    """*number* with its noun."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def length(seconds: float) -> str:
    """A time in the largest unit of which there are two at least."""
    for name, unit in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{max(0.0, seconds):.0f} s"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()) -> list[str]:
    """The rows under their heads; columns of *numbers* end at the same place."""
    printed = [heads, *(tuple(printable(cell) for cell in row) for row in rows)]
    widths = [max(len(row[column]) for row in printed) for column in range(len(heads))]
    return [
        "  "
        + "  ".join(
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in printed
    ]


def _figure(value: float, unit: str) -> str:
    return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
