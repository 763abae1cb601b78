"""What can be had from a line that no parser takes."""

from __future__ import annotations

import re
from typing import Final

_STARTS: Final = re.compile(rb'(?=\{"resource(?:Spans|Metrics)":\[)')
_MOST_PARTS: Final = 64

# A pair of surrogates, half of one, or any other escape: so that a backslash that is escaped itself begins nothing.
_ESCAPES: Final = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)


def parts(line: bytes) -> list[bytes]:
    """A broken line, cut where messages begin: each part is a message, whole or torn; one part is the line itself.

    A collector that was killed in the middle of a line and started again goes on in the same line. The text that
    every message begins with cannot be inside another one, where each of its quotes would have a backslash. What is
    cut into more parts than a collector can have been killed meanwhile is no such line, and stays in one part.
    """
    found = [part for part in _STARTS.split(line, _MOST_PARTS + 1) if part]
    return found if 0 < len(found) <= _MOST_PARTS else [line]


def repaired(line: bytes) -> bytes:
    """The line with U+FFFD for what is no UTF-8, and for half a pair of surrogates; itself when it has none.

    Both are left where somebody cut a text in the middle of a character. A parser refuses the whole line for them.
    """
    text = str(line, "utf-8", "replace")
    mended = _ESCAPES.sub(lambda found: r"\ufffd" if found[1] else found[0], text).encode()
    return line if mended == line else mended
