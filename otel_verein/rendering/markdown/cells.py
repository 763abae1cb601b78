"""What telemetry says, as Markdown that stays text."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from otel_verein.rendering.printable import clean
from otel_verein.rendering.words import cut

_MARKS: Final = re.compile(r"[\\`*\[\]|~@$]|:(?=//)|(?<=www)\.|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])", re.IGNORECASE)
"""What is more than itself in Markdown as hosts of Git read it; an underscore within a word is not."""

_LONGEST: Final = 100


def code(text: str, longest: int = _LONGEST) -> str:
    """*text* as code, at most so many characters of it.

    It is written in entities within an element, not between backticks: so it can hold anything, also in a table, and
    is no mention, link or image to any host of Git.
    """
    return f"<code>{marked(cut(clean(text), longest))}</code>"


def marked(text: str) -> str:
    """*text* with every character that Markdown or HTML reads as more than itself as an entity."""
    return _MARKS.sub(lambda found: f"&#{ord(found[0])};", html.escape(clean(text), quote=False))


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table; a head that ends in a colon is one of numbers, which stand at the right."""
    yield f"| {' | '.join(head.removesuffix(':') for head in heads)} |"
    yield f"| {' | '.join('---:' if head.endswith(':') else '---' for head in heads)} |"
    for row in rows:
        yield f"| {' | '.join(row)} |"
