"""Tables that a reader can sort, by mouse and keyboard, and that scroll inside the page where it is narrow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from otel_verein.rendering.html.markup import Child, Html, el


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell shows and what it is sorted by; None sorts last whichever way."""

    shown: Child
    value: float | str | None = None
    note: str | None = None
    mark: str | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """The heading of a column; numbers stand at the right."""

    words: str
    note: str | None = None
    number: bool = True


def table(label: str, heads: Sequence[Head], rows: Iterable[tuple[str, Sequence[Cell]]]) -> Html:
    """A table called *label*; each row comes with the text that the search field looks through."""
    top = el("tr", [_head(head) for head in heads])
    body = [
        el("tr", [_cell(head, cell) for head, cell in zip(heads, cells, strict=True)], data_search=words.lower())
        for words, cells in rows
    ]
    made = el("table", el("caption", label), el("thead", top), el("tbody", body), class_="sortable")
    return el("div", made, class_="scroll", role="region", tabindex=0, aria_label=label)


def number(value: float | None, shown: str, mark: str | None = None) -> Cell:
    """A figure; what is not known sorts last."""
    return Cell(shown, value, mark=mark)


def _head(head: Head) -> Html:
    mark = el("span", class_="arrow", aria_hidden="true")
    button = el("button", head.words, mark, type="button", title=head.note)
    return el("th", button, scope="col", class_="number" if head.number else None)


def _cell(head: Head, cell: Cell) -> Html:
    value = cell.value if cell.value is not None else (None if head.number else _words(cell.shown))
    sort = "" if value is None else (repr(value) if isinstance(value, float) else str(value))
    classes = " ".join(filter(None, ("number" if head.number else "", cell.mark or "")))
    return el("td", cell.shown, class_=classes or None, data_v=sort, title=cell.note)


def _words(shown: Child) -> str | None:
    return str(shown) if isinstance(shown, str) and not isinstance(shown, Html) else None
