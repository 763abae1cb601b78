"""The sequences and mappings that have begun and not ended while a document is composed."""

from __future__ import annotations

from typing import TypeAlias

from otel_verein.config.document.nodes import ListNode, MapNode, Member, Node
from otel_verein.config.shown import shown_key


class ListFrame:
    """A sequence. A part that cannot be read spoils it: an entry says something else without one of its keys."""

    __slots__ = ("_items", "_taken", "anchor", "before", "height", "line", "spoiled")

    in_list = True

    def __init__(self, line: int, anchor: str | None, before: int) -> None:
        self._items: list[Node] = []
        self._taken = 0
        self.line = line
        self.anchor = anchor
        self.before = before  # nodes of the document that came before it
        self.height = 1
        self.spoiled = False

    def take(self, node: Node | None) -> None:
        """The next item; None for one that cannot be read."""
        self._taken += 1
        if node is None:
            self.spoiled = True
        else:
            self._items.append(node)

    @property
    def step(self) -> str:
        """What the path to the part that comes next has for this sequence."""
        return f"[{self._taken}]"

    def node(self) -> Node | None:
        """The sequence as a whole, or None where a part of it cannot be read."""
        return None if self.spoiled else ListNode(tuple(self._items), self.line)


class MapFrame:
    """A mapping. A member that cannot be read is left out; in a sequence it spoils the entry."""

    __slots__ = (
        "_key_line", "_lines", "_members", "_skips", "anchor", "awaits_key", "before", "height", "in_list", "key",
        "line", "spoiled",
    )  # fmt: skip

    def __init__(self, line: int, anchor: str | None, before: int, in_list: bool) -> None:
        self._members: list[Member] = []
        self._lines: dict[str, int] = {}
        self._key_line = line
        self._skips = False
        self.awaits_key = True
        self.key = ""  # whose value comes next
        self.line = line
        self.anchor = anchor
        self.before = before
        self.height = 1
        self.in_list = in_list  # at any depth
        self.spoiled = False

    def begin(self, key: str, line: int) -> int | None:
        """The next value is that of *key*. Gives the line of the same key before, whose value is the one that holds."""
        first = self._lines.get(key)
        if first is None:
            self._lines[key] = line
        self.key = key
        self.awaits_key = False
        self._key_line = line
        self._skips = first is not None
        return first

    def skip(self, is_readable: bool) -> None:
        """The next value goes with a key that is not taken, and the mapping is worth reading without it or not."""
        self.awaits_key = False
        self._skips = True
        self.spoiled |= self.in_list or not is_readable

    def take(self, node: Node | None) -> None:
        """The value of the key that has begun; None for one that cannot be read."""
        if node is None:
            self.spoiled |= self.in_list and not self._skips
        elif not self._skips:
            self._members.append(Member(self.key, self._key_line, node))
        self.key = ""
        self.awaits_key = True

    @property
    def step(self) -> str:
        """What the path to the part that comes next has for this mapping."""
        return f".{shown_key(self.key)}" if self.key else ""

    def node(self) -> Node | None:
        """The mapping as a whole, or None where it is an entry of which a part cannot be read."""
        return None if self.spoiled else MapNode(tuple(self._members), self.line)


Frame: TypeAlias = ListFrame | MapFrame
