"""How an option is declared: a dataclass field that carries its own documentation and bounds."""

from __future__ import annotations

from dataclasses import MISSING, Field, field
from datetime import date
from typing import Any

_DOCUMENTED_KINDS = (bool, int, float, str, date, tuple)


def option(
    default: Any,
    *,
    help: str,
    unit: str = "",
    at_least: float | None = None,
    at_most: float | None = None,
    above: float | None = None,
    choices: tuple[str, ...] = (),
    entries: type | None = None,
    at_start: bool = False,
    planned: bool = False,
    safe_at_most: float | None = None,
) -> Any:
    """An option of a section.

    *entries* is the type of a list's members. *at_start*: a change takes effect when a process starts. *planned*: it
    is checked and carried, and nothing reads it until the part of the product that it is for is there. Text may be
    empty where it is by default. What goes past *safe_at_most* is refused unless ``allow.large_memory`` says so.
    """
    if isinstance(default, list | dict):
        raise TypeError("options are immutable: give a tuple")
    metadata = {
        "kind": type(default),
        "help": help,
        "unit": unit,
        "at_least": at_least,
        "at_most": at_most,
        "above": above,
        "choices": choices,
        "entries": entries,
        "at_start": at_start,
        "planned": planned,
        "safe_at_most": safe_at_most,
        "may_be_empty": default == "",
    }
    return field(default=default, metadata=metadata)


def part(
    kind: type,
    *,
    help: str,
    default: Any = MISSING,
    example: str = "",
    unit: str = "",
    at_least: float | None = None,
    at_most: float | None = None,
    above: float | None = None,
) -> Any:
    """A key of one entry of a list, of type *kind*; required unless it has a *default*.

    *example* is shown where the key is missing or wrong.
    """
    assert kind in _DOCUMENTED_KINDS
    metadata = {
        "kind": kind,
        "help": help,
        "example": example,
        "unit": unit,
        "at_least": at_least,
        "at_most": at_most,
        "above": above,
        "choices": (),
        "entries": None,
        "may_be_empty": False,
    }
    return field(default=default, metadata=metadata)


def is_required(part: Field[Any]) -> bool:
    """Whether an entry of a list has to have this key."""
    return part.default is MISSING
