"""Tables that fit: columns that matter least go first, then the first column is shortened in its middle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from otel_verein.rendering.terminal.screen import fitted, padded, shortened, text

_GAP = 2
_NARROW_NAME, _NAME = 24, 32
"""What a name has at least: on a terminal of few columns, and where there is more room."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, the heading above it, and when it goes; a *rank* of 0 never does, the highest first."""

    head: str
    group: str = ""
    rank: int = 0
    left: bool = False


def table(columns: Sequence[Column], rows: Sequence[Sequence[str | Text]], width: int) -> Iterator[Text]:
    """The rows below their headings, each at most *width* cells; the first column is the one that is shortened."""
    cells = [[each if isinstance(each, Text) else text(each) for each in row] for row in rows]
    widths = [
        max([cell_len(column.head), *(cell_len(row[place].plain) for row in cells)])
        for place, column in enumerate(columns)
    ]
    shown = _shown(columns, widths, width)
    rest = sum(widths[place] + _GAP for place in shown[1:])
    widths[0] = min(widths[0], max(_name_at_least(width), width - rest))
    if any(columns[place].group for place in shown):
        yield text(_groups(columns, widths, shown), "dim")
    yield _line([text(column.head, "bold") for column in columns], columns, widths, shown)
    for row in cells:
        yield _line(row, columns, widths, shown)


def _shown(columns: Sequence[Column], widths: Sequence[int], width: int) -> list[int]:
    """The places of the columns that there is room for, beside a first one of some width."""
    shown = list(range(len(columns)))
    name = min(widths[0], _name_at_least(width))
    for place in sorted(shown, key=lambda place: -columns[place].rank):
        taken = name + sum(widths[each] + _GAP for each in shown[1:])
        if taken <= width or not columns[place].rank:
            break
        shown.remove(place)
    return shown


def _name_at_least(width: int) -> int:
    return min(_NAME, max(_NARROW_NAME, width * 2 // 5))


def _groups(columns: Sequence[Column], widths: Sequence[int], shown: Sequence[int]) -> str:
    line, at, place = "", 0, 0
    while place < len(shown):
        group = columns[shown[place]].group
        end = place + 1
        while group and end < len(shown) and columns[shown[end]].group == group:
            end += 1
        size = sum(widths[each] + _GAP for each in shown[place:end]) - _GAP
        if group:  # where it does not fit, its last word is the unit
            shown_group = group if len(group) <= size else group.rpartition(" ")[2][:size]
            line = line.ljust(at) + shown_group.center(size, "-")
        at += size + _GAP
        place = end
    return line


def _line(row: Sequence[Text], columns: Sequence[Column], widths: Sequence[int], shown: Sequence[int]) -> Text:
    parts = [
        padded(
            fitted(row[place], widths[place]) if place else shortened(row[place], widths[place]),
            widths[place],
            right=bool(place) and not columns[place].left,
        )
        for place in shown
    ]
    return Text(" " * _GAP).join(parts)
