"""Where lines of text are written to: a terminal as wide as it is, or whatever takes the output of a command."""

from __future__ import annotations

import io
import sys
import textwrap
from collections.abc import Iterable
from typing import IO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from otel_verein.rendering.printable import printable

PIPED_WIDTH = 120
"""Columns where the output goes to no terminal."""

_NARROWEST = 40

STYLES = {
    "critical": "bold red",
    "high": "red",
    "medium": "yellow",
    "low": "dim",
    "poor": "red",
    "fair": "yellow",
    "good": "green",
    "excellent": "green",
    "worse": "bold red",
    "better": "green",
    "inconclusive": "yellow",
    "unknown": "dim",
}
"""How a word of a verdict is drawn; one that is not here is plain."""


def console(file: IO[str] | None = None) -> Console:
    """The console on *file*, else on stdout: without colours where it is no terminal, or NO_COLOR is set."""
    out = sys.stdout if file is None else file
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(errors="replace")  # what its encoding lacks is a question mark, not the end of the command
    piped = not out.isatty()
    width = PIPED_WIDTH if piped else None
    return Console(
        file=out, width=width, highlight=False, markup=False, emoji=False
    )  # markup and emoji of rich are codes in square brackets and colons, which names may hold


def show(lines: Iterable[Text], out: Console) -> None:
    """Write *lines*, each on its own line, cut to the width."""
    for line in lines:
        line.rstrip()
        out.print(line, overflow="ignore", no_wrap=True, crop=False)


def width_of(out: Console) -> int:
    """The columns that lines may have."""
    return max(_NARROWEST, out.width)


def text(words: str, style: str = "") -> Text:
    """*words* without anything that steers the terminal, and never read as markup."""
    return Text(printable(words), style=style)


def verdict(word: str, shown: str | None = None) -> Text:
    """*word*, or what is *shown* for it, in the colour of the word."""
    return text(word if shown is None else shown, STYLES.get(word.lower(), ""))


def fitted(line: Text, width: int) -> Text:
    """*line*, ended by dots where it is wider than *width* cells."""
    if cell_len(line.plain) <= width:
        return line
    short = line.copy()
    short.truncate(width - 3, overflow="crop")
    short.append("...")
    return short


def shortened(line: Text, width: int) -> Text:
    """*line* with dots in its middle where it is wider than *width* cells: names often differ only at their ends."""
    words = line.plain
    if cell_len(words) <= width:
        return line
    if not words.isascii():  # characters that take two cells are not cut in their middle
        return fitted(line, width)
    tail = (width - 3) // 3
    return Text(f"{words[: width - 3 - tail]}...{words[len(words) - tail :]}", style=line.style)


def padded(line: Text, width: int, *, right: bool) -> Text:
    """*line* filled up to *width* cells, on the left where it ends at the *right*."""
    missing = max(0, width - cell_len(line.plain))
    return Text.assemble(" " * missing, line) if right else Text.assemble(line, " " * missing)


def wrapped(words: str, width: int, indent: int = 0) -> Iterable[Text]:
    """*words* over as many lines as they need, those after the first *indent* further in."""
    for line in textwrap.wrap(printable(words), max(_NARROWEST, width), subsequent_indent=" " * indent):
        yield text(line)
