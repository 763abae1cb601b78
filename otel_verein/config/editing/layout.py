"""Where the parts of a YAML document stand in its text, for edits that leave every other character alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""What ends a line in YAML 1.1, which is what the parser goes by."""

_HEADER = re.compile(r"[|>][-+0-9]*")
_COLON = re.compile(r"\s*:")
_LINE = re.compile(r"([ \t]*)(?:(#)|$)")  # one that is a comment, or blank


@dataclass(slots=True, eq=False)
class Piece:
    """One node: its characters are ``text[start:end]``, without the comments and blank lines that follow it."""

    kind: str
    """scalar, sequence, mapping or alias."""
    start: int
    end: int
    value: str = ""
    """The text of a scalar, the name of the anchor of an alias."""
    style: str = ""
    """How a scalar is written: one of ``'``, ``"``, ``|``, ``>``, or nothing for a plain one."""
    flow: bool = False
    anchor: str = ""
    children: list[Piece] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether nothing is written here at all."""
        return self.kind == "scalar" and self.start == self.end

    @property
    def block(self) -> bool:
        """Whether it is a collection written over lines."""
        return self.kind in ("mapping", "sequence") and not self.flow

    def pairs(self) -> list[tuple[Piece, Piece]]:
        """Keys and values of a mapping, in the order of the file."""
        return list(zip(self.children[::2], self.children[1::2], strict=True))

    def parts(self) -> Iterator[Piece]:
        """This piece and all that it holds."""
        waiting = [self]
        while waiting:
            piece = waiting.pop()
            yield piece
            waiting += piece.children


@dataclass(slots=True, eq=False)
class Layout:
    """A text, the piece that is its root (None for a text without content), and where its content may go on."""

    text: str
    root: Piece | None
    end: int

    def line(self, at: int) -> int:
        """The number of the line of a position, from 1."""
        return 1 + sum(1 for _ in BREAK.finditer(self.text, 0, at))

    def line_start(self, at: int) -> int:
        """Where the line of *at* begins."""
        return max((found.end() for found in BREAK.finditer(self.text, 0, at)), default=0)

    def line_end(self, at: int) -> int:
        """Where the line of *at* ends, before its line break."""
        found = BREAK.search(self.text, at)
        return found.start() if found else len(self.text)

    def next_line(self, at: int) -> int:
        """Where the line after that of *at* begins; the end of the text if there is none."""
        found = BREAK.search(self.text, at)
        return found.end() if found else len(self.text)

    def column(self, at: int) -> int:
        """How many characters stand before *at* in its line."""
        return at - self.line_start(at)

    def line_break(self) -> str:
        """How lines end in this text."""
        found = BREAK.search(self.text)
        return found.group() if found else "\n"

    def comments_from(self, at: int, column: int) -> int:
        """The position after the comment lines from *at* on that are at least *column* deep, and blanks among them."""
        end = at
        while at < len(self.text):
            line = _LINE.match(self.text, at, self.line_end(at))
            if line is None or (line.group(2) and len(line.group(1)) < column):
                break
            at = self.next_line(at)
            end = at if line.group(2) else end
        return end

    def has_comment(self, start: int, end: int) -> bool:
        """Whether a whole line from *start*, which begins one, to *end* is a comment."""
        while start < end:
            line = _LINE.match(self.text, start, self.line_end(start))
            if line is not None and line.group(2):
                return True
            start = self.next_line(start)
        return False

    def step(self) -> int:
        """How much deeper a section stands than its key; 2 if the text has none to go by."""
        for piece in self.root.parts() if self.root else ():
            for key, value in piece.pairs() if piece.kind == "mapping" else ():
                if value.kind == "mapping" and value.block and not value.anchor:
                    return self.column(value.start) - self.column(key.start)
        return 2

    def after_colon(self, key: Piece) -> int | None:
        """The position after the colon of *key*; None if a comment or nothing at all stands between."""
        found = _COLON.match(self.text, key.end)
        return found.end() if found else None


def layout(text: str) -> Layout:
    """The pieces of *text*, which holds one document that :func:`otel_verein.config.document.read` accepts."""
    import yaml

    events: Iterator[Any] = yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    made = Layout(text, None, len(text))
    open_pieces: list[Piece] = []
    for event in events:
        if isinstance(event, yaml.DocumentEndEvent) and event.explicit:
            made.end = _start(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            _close(open_pieces.pop(), event)
        elif isinstance(event, yaml.NodeEvent):
            piece = _piece(text, event)
            siblings = open_pieces[-1].children if open_pieces else None
            if siblings is None:
                made.root = piece
            else:
                siblings.append(piece)
                if piece.empty and open_pieces[-1].kind == "mapping" and len(siblings) % 2 == 0:
                    piece.start = piece.end = made.after_colon(siblings[-2]) or siblings[-2].end
            if isinstance(event, yaml.CollectionStartEvent):
                open_pieces.append(piece)
    if made.root is not None and made.root.empty:
        made.root = None
    return made


def _start(event: Any) -> int:
    return int(event.start_mark.index)


def _piece(text: str, event: Any) -> Piece:
    import yaml

    start, end, anchor = _start(event), int(event.end_mark.index), str(event.anchor or "")
    kind: type = type(event)
    if kind is yaml.AliasEvent:
        return Piece("alias", start, end, value=anchor)
    if kind is yaml.ScalarEvent:
        style = event.style or ""
        if style in ("|", ">"):
            end = _end_of_block_scalar(text, start, end)
        return Piece("scalar", start, end, value=event.value, style=style, anchor=anchor)
    name = "mapping" if kind is yaml.MappingStartEvent else "sequence"
    return Piece(name, start, end, flow=bool(event.flow_style), anchor=anchor)


def _close(piece: Piece, event: Any) -> None:
    # The parser notices the end of a block only at what comes next, beyond comments and blank lines.
    piece.end = event.end_mark.index if piece.flow or not piece.children else piece.children[-1].end


def _end_of_block_scalar(text: str, start: int, end: int) -> int:
    header = _HEADER.search(text, start, end)
    if header and "+" in header.group():  # the blank lines after it are part of it
        breaks: Sequence[re.Match[str]] = list(BREAK.finditer(text, start, end))
        return breaks[-1].start() if breaks and breaks[-1].end() == end else end
    return start + len(text[start:end].rstrip())
