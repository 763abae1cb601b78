"""Elements of HTML and SVG; whatever text goes into them is escaped, so that telemetry cannot become markup."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import TypeAlias

from otel_verein.rendering.printable import printable


class Html(str):
    """Text that is markup already; only what this package made of escaped parts is."""

    __slots__ = ()


Child: TypeAlias = "str | Iterable[str | None] | None"

_VOID = frozenset(("meta", "input", "br"))


def el(tag: str, *children: Child, **attributes: str | int | float | bool | None) -> Html:
    """One element; an attribute that is None or False is left out, and ``class_`` and ``data_v`` lose or swap ``_``."""
    opening = f"<{tag}{''.join(_attribute(name, value) for name, value in attributes.items())}>"
    if tag in _VOID:
        return Html(opening)
    return Html(f"{opening}{joined(*children)}</{tag}>")


def joined(*children: Child) -> Html:
    """The children one after the other; text is escaped."""
    return Html("".join(_child(child) for child in children))


def escaped(text: str) -> Html:
    """*text* as it reads, without characters that steer what is around it, such as marks of direction."""
    return Html(html.escape(printable(text)))


def _child(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Html):
        return child
    if isinstance(child, str):
        return escaped(child)
    return joined(*child)


def _attribute(name: str, value: str | int | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    shown = name.rstrip("_").replace("_", "-")
    if value is True:
        return f" {shown}"
    words = f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return f' {shown}="{escaped(words)}"'
