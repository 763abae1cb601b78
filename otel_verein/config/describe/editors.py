"""The JSON Schema of ``verein.yaml``, by which editors complete and check it as it is typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, fields
from datetime import date
from typing import Any

from otel_verein.config.describe.words import default_of, explained, marks, presets_of
from otel_verein.config.document import plain, read
from otel_verein.config.entries import LONGEST_TEXT
from otel_verein.config.options import is_required
from otel_verein.config.presets import ENVIRONMENTS
from otel_verein.config.schema import SECTIONS, option_fields

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", date: "string"}
_BOUNDS = {"at_least": "minimum", "at_most": "maximum", "above": "exclusiveMinimum"}
_NOT_BLANK = {"minLength": 1, "pattern": r"\S"}
_MAYBE_EMPTY = {"pattern": r"^$|\S"}
_A_DAY = {"format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}


def json_schema() -> dict[str, Any]:
    """The schema, draft 2020-12, as plain data.

    It refuses nothing that is valid. What it cannot know is left to ``otel-verein config validate``: rules over
    several options, and what the switches of ``allow`` permit, since a variable may set those.
    """
    blocks = {name: {"$ref": "#/$defs/block"} for name in ENVIRONMENTS}
    sections = {name: {"$ref": f"#/$defs/{name}"} for name in SECTIONS}
    environment = {"description": "Where the processes run; detected where it is not given.", "enum": [*ENVIRONMENTS]}
    environments = _mapping("What holds in one environment only; it wins over the rest of the file.", blocks)
    top = _mapping(
        "The configuration of otel-verein.", sections | {"environment": environment, "environments": environments}
    )
    return {
        "$schema": DIALECT,
        "$comment": "Written by `otel-verein config schema`.",
        "title": "verein.yaml",
        **top,
        "$defs": {
            **{name: _section(name, kind) for name, kind in SECTIONS.items()},
            "block": _mapping("The sections of one environment.", sections),
        },
    }


def _section(section: str, kind: type) -> dict[str, Any]:
    options = {name: _option(f"{owner}.{name}", each) for owner, name, each in option_fields() if owner == section}
    return _mapping(explained(kind), options)


def _mapping(description: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping of just these keys; one that is empty in the file reads as null."""
    return {
        "description": description,
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": dict(properties),
    }


def _option(key: str, option: Field[Any]) -> dict[str, Any]:
    default = option.default
    return {
        "description": _description(key, option),
        "default": list(default) if isinstance(default, tuple) else default,
        **_value(option.metadata),
    }


def _description(key: str, option: Field[Any]) -> str:
    unit = option.metadata["unit"]
    default = f"Default: {default_of(key, option)}"
    presets = "".join(f", in {name} {value}" for name, value in presets_of(key).items())
    return " ".join(
        [
            option.metadata["help"],
            *([f"Unit: {unit}."] if unit else []),
            f"{default}{presets}.",
            *marks(key, option.metadata),
        ]
    )


def _value(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What a value has to be."""
    if metadata["entries"] is not None:
        return {"type": "array", "items": _entry(metadata["entries"])}
    if metadata["choices"]:
        return {"enum": list(metadata["choices"])}
    kind = metadata["kind"]
    if kind is tuple:
        return {"type": "array", "items": {"type": "string", **_NOT_BLANK}}
    value: dict[str, Any] = {"type": _TYPES[kind]}
    if kind is str:
        value |= {**(_MAYBE_EMPTY if metadata["may_be_empty"] else _NOT_BLANK), "maxLength": LONGEST_TEXT}
    if kind is date:
        value |= _A_DAY
    return value | {word: metadata[bound] for bound, word in _BOUNDS.items() if metadata[bound] is not None}


def _entry(kind: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "description": explained(kind),
        "type": "object",
        "additionalProperties": False,
        "properties": {part.name: _part(part) for part in fields(kind)},
        "required": [part.name for part in fields(kind) if is_required(part)],
    }
    one_of = getattr(kind, "needs_one_of", ())
    return entry | ({"anyOf": [{"required": [name]} for name in one_of]} if one_of else {})


def _part(part: Field[Any]) -> dict[str, Any]:
    unit, example = part.metadata["unit"], part.metadata["example"]
    described = part.metadata["help"] + (f" Unit: {unit}." if unit else "")
    return {"description": described, **_value(part.metadata), **({"examples": [_example(example)]} if example else {})}


def _example(text: str) -> object:
    node, _ = read(text.encode(), "example")
    assert node is not None
    value = plain(node)
    return value.isoformat() if isinstance(value, date) else value
