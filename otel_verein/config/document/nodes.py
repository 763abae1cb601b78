"""The nodes of a document; lines count from 1. Where an alias stands, there is the node that it names."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple, TypeAlias

Value: TypeAlias = str | int | float | bool | date | None


class Scalar(NamedTuple):
    """One value."""

    value: Value
    line: int


class ListNode(NamedTuple):
    """A sequence."""

    items: tuple[Node, ...]
    line: int


class Member(NamedTuple):
    """One key of a mapping, as its text, with its line and its value."""

    key: str
    line: int
    node: Node


class MapNode(NamedTuple):
    """A mapping in the order of the file; every key is there once."""

    members: tuple[Member, ...]
    line: int


Node: TypeAlias = Scalar | ListNode | MapNode


def plain(node: Node | None) -> object:
    """The lists, dictionaries and scalars that *node* stands for."""
    if isinstance(node, MapNode):
        return {member.key: plain(member.node) for member in node.members}
    if isinstance(node, ListNode):
        return [plain(item) for item in node.items]
    return None if node is None else node.value
