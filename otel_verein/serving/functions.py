"""Calls of the convenience functions: their arguments by what their signatures say, and their answers as they are."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from otel_verein.api.convenience import Function
from otel_verein.api.convenience.arguments import ArgumentError, mapping
from otel_verein.serving.limits import LARGEST, MEMBERS
from otel_verein.serving.parameters import pairs, required, unknown
from otel_verein.serving.problems import Problem, wrong
from otel_verein.serving.questions import World

_CONFIGURING: Final = ("update_performance_config", "validate_performance_config")
_CHANGES: Final = "changes"
_PLACES: Final = ("source", "serve", "collector", "backends")
_PLACE: Final = ("directory", "file", "endpoint", "address")

_WORDS: Final[Mapping[Any, str]] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    types.NoneType: "null",
    Sequence: "array",
    Mapping: "object",
}


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a function: its name, the types of JSON that it may have, and whether it has to be given."""

    name: str
    types: tuple[str, ...]
    required: bool

    def schema(self) -> dict[str, Any]:
        """As a member of a body."""
        return {"anyOf": [_SCHEMAS.get(word, {"type": word}) for word in self.types]}

    def schema_of_text(self) -> dict[str, Any]:
        """As a parameter of a query, where everything is a text; a list is given member by member, too."""
        if "array" in self.types:
            return {"type": "array", "items": _SCHEMAS["string"], "minItems": 1, "maxItems": MEMBERS}
        return dict(_SCHEMAS["string"])


_TEXT: Final = {"type": "string", "pattern": "^[^\\u0000]*$"}
_SCHEMAS: Final[Mapping[str, dict[str, Any]]] = {
    "string": _TEXT,
    "integer": {"type": "integer", "minimum": -LARGEST, "maximum": LARGEST},
    "number": {"type": "number", "minimum": -LARGEST, "maximum": LARGEST},
    "array": {"type": "array", "items": _TEXT, "maxItems": MEMBERS},
    "object": {"type": "object", "maxProperties": MEMBERS},
}


@cache
def arguments(function: Function) -> tuple[Argument, ...]:
    """The arguments that a client may give, as the signature has them."""
    hints = typing.get_type_hints(inspect.unwrap(function.function))
    parameters = inspect.signature(function.function).parameters
    return tuple(
        Argument(name, _words(hints[name]), parameters[name].default is inspect.Parameter.empty)
        for name in function.arguments
    )


def from_query(function: Function, query: bytes) -> dict[str, Any]:
    """The arguments that a query gives; raises Problem for what the function does not take."""
    texts, known = pairs(query), {each.name: each for each in arguments(function)}
    unknown(texts, tuple(known))
    found: dict[str, Any] = {}
    for name, values in texts.items():
        if len(values) > 1 and "array" not in known[name].types:
            raise wrong(f"{name}: is given {len(values)} times; it may be given once")
        found[name] = values[0] if len(values) == 1 else values
    return _complete(function, found)


def from_body(function: Function, found: dict[str, Any]) -> dict[str, Any]:
    """The arguments that a body gives; raises Problem for what the function does not take."""
    known = {each.name: each for each in arguments(function)}
    unknown(found, tuple(known))
    for name, value in found.items():
        if not any(_is(word, value) for word in known[name].types):
            raise wrong(f"{name}: has to be {' or '.join(known[name].types)}")
        if isinstance(value, int | float) and abs(value) > LARGEST:
            raise wrong(f"{name}: is out of bounds; a number may be {LARGEST:g}")
    return _complete(function, found)


def call(world: World, function: Function, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the function answers: its envelope as it is. The configuration is that of this process, as it is now."""
    return function.function(**given, source=world.source)


def _complete(function: Function, found: dict[str, Any]) -> dict[str, Any]:
    required((each.name for each in arguments(function) if each.required), found)
    if function.name in _CONFIGURING:
        _refuse_places(found.get(_CHANGES))
    return found


def _refuse_places(changes: object) -> None:
    """Raise Problem where an option is to be changed that names a file or an address: nobody elsewhere names those."""
    if changes in (None, ""):
        return
    try:
        names = list(mapping(_CHANGES, changes))
    except ArgumentError:
        return  # the function says so itself
    for name in names:
        section, _, option = name.partition(".")
        if section in _PLACES or option.rpartition("_")[2] in _PLACE:
            raise Problem(403, f"{name}: names a place of this machine, or who may reach it; that is not set over HTTP")


def _words(hint: Any) -> tuple[str, ...]:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return tuple(word for each in typing.get_args(hint) for word in _words(each))
    return (_WORDS[origin or hint],)


def _is(word: str, value: object) -> bool:
    if isinstance(value, bool):
        return word == "boolean"
    if isinstance(value, list):
        return word == "array" and all(isinstance(each, str) for each in value)
    kinds: Mapping[str, type | tuple[type, ...]] = {
        "string": str,
        "integer": int,
        "number": (int, float),
        "object": dict,
        "null": types.NoneType,
    }
    if word == "integer" and isinstance(value, float):
        return value.is_integer()
    return word in kinds and isinstance(value, kinds[word])
