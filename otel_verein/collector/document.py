"""A collector's configuration as a tree, and the tree as commented YAML.

Nodes are mappings, lists and scalars, and three kinds of our own: :class:`From` names the option a value comes from at
the end of its line, :class:`Noted` has a comment above, :class:`Env` is read from the collector's environment. What a
string says is what the collector gets: a ``$`` in it is doubled, since a single one would be replaced there.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Node: TypeAlias = Any
"""A mapping, a list, a scalar, or one of the kinds below."""

_WIDTH = 110
_SHORT = 90
_PLAIN = re.compile(r"[A-Za-z_./][\w./:@+-]*(?: [\w./:@+-]+)*|\d{1,3}(?:\.\d{1,3}){3}:\d+|\d+(?:ms|s|m|h)", re.ASCII)
_WORDS_OF_YAML = frozenset(("true", "false", "yes", "no", "on", "off", "null", "y", "n", "~", "."))


@dataclass(frozen=True, slots=True)
class From:
    """A value made from an option; *times* is by what the option's number was multiplied."""

    value: Node
    option: str
    times: int = 1

    def __str__(self) -> str:
        return f"# from {self.option}" + (f" x {self.times}" if self.times != 1 else "")


@dataclass(frozen=True, slots=True)
class Noted:
    """A value with the reason for it, which stands above its key."""

    value: Node
    note: str


@dataclass(frozen=True, slots=True)
class Env:
    """A value that the collector takes from a variable of its environment as it starts."""

    name: str
    default: str = ""

    def __str__(self) -> str:
        return f"${{env:{self.name}:-{self.default}}}" if self.default else f"${{env:{self.name}}}"


def text_of(document: Mapping[str, Node], head: str) -> str:
    """*document* as YAML under the comment *head*, with an empty line between its sections."""
    lines = [*_comment(head, "")]
    for key, value in document.items():
        lines += ["", *_entry(key, value, "")]
    return "\n".join(lines) + "\n"


def plain(node: Node) -> Any:
    """*node* as the collector reads it: mappings, lists and scalars alone."""
    if isinstance(node, From | Noted):
        return plain(node.value)
    if isinstance(node, Env):
        return str(node)
    if isinstance(node, Mapping):
        return {key: plain(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [plain(value) for value in node]
    return node.replace("$", "$$") if isinstance(node, str) else node


def _entry(key: str, value: Node, indent: str) -> Iterator[str]:
    note, value, origin = _taken_apart(value)
    yield from _comment(note, indent)
    if isinstance(value, Mapping) and value:
        yield f"{indent}{_scalar(key)}:{origin}"
        for name, each in value.items():
            yield from _entry(name, each, indent + "  ")
    elif isinstance(value, list | tuple) and value and not _fits(value):
        yield f"{indent}{_scalar(key)}:{origin}"
        for each in value:
            yield from _item(each, indent + "  ")
    else:
        yield f"{indent}{_scalar(key)}: {_inline(value)}{origin}"


def _item(value: Node, indent: str) -> Iterator[str]:
    note, value, origin = _taken_apart(value)
    yield from _comment(note, indent)
    if isinstance(value, Mapping) and value:
        lines = [line for name, each in value.items() for line in _entry(name, each, "")]
        yield from (f"{indent}{'  ' if number else '- '}{line}".rstrip() for number, line in enumerate(lines))
    else:
        yield f"{indent}- {_inline(value)}{origin}"


def _taken_apart(node: Node) -> tuple[str, Node, str]:
    """What stands above a value, the value, and what ends its line."""
    note, value = (node.note, node.value) if isinstance(node, Noted) else ("", node)
    return (note, value.value, f"  {value}") if isinstance(value, From) else (note, value, "")


def _fits(values: list[Node] | tuple[Node, ...]) -> bool:
    """Whether a list is short enough for one line, and of scalars that need no line of their own."""
    return (
        all(isinstance(each, str | int | float) for each in values)
        and len(_inline(values)) <= _SHORT
        and not any(isinstance(each, str) and " " in each for each in values)
    )


def _inline(value: Node) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(_scalar(each, inside=True) for each in value)}]"
    if isinstance(value, Mapping):
        return "{}"
    return _scalar(value)


def _scalar(value: Node, *, inside: bool = False) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        text = repr(value)
        return text if "." in text else text.replace("e", ".0e")  # YAML 1.1 reads an exponent after a point only
    text = str(plain(value))
    plainly = _PLAIN.fullmatch(text) and ": " not in f"{text} " and text.lower() not in _WORDS_OF_YAML
    if plainly and not inside:
        return text
    if inside and re.fullmatch(r"[A-Za-z_][\w./-]*", text, re.ASCII) and text.lower() not in _WORDS_OF_YAML:
        return text
    if text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    escaped = "".join(each if each.isprintable() and each not in '"\\' else _escape(each) for each in text)
    return f'"{escaped}"'


def _escape(character: str) -> str:
    code = ord(character)
    if character in '"\\':
        return "\\" + character
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _comment(text: str, indent: str) -> Iterator[str]:
    for line in text.splitlines():
        for part in textwrap.wrap(line, _WIDTH - len(indent), break_long_words=False, break_on_hyphens=False) or [""]:
            yield f"{indent}# {part}".rstrip()
