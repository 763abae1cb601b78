"""Options in words: what they may be, what they are by default, and what is special about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import Field, fields
from datetime import date
from typing import Any

from otel_verein.config.editing.written import on_one_line
from otel_verein.config.options import is_required
from otel_verein.config.presets import PRESETS
from otel_verein.config.rules import DANGEROUS_IN_PRODUCTION

_KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    tuple: "a list of text",
    date: "a date",
}


def explained(kind: type) -> str:
    """What the options of a section, or the keys of an entry, are for."""
    return " ".join((kind.__doc__ or "").replace("``", "`").split())


def allowed(metadata: Mapping[str, Any]) -> str:
    """What a value may be, such as ``a whole number, at least 1``."""
    if metadata["entries"] is not None:
        return "a list of entries"
    if metadata["choices"]:
        return f"one of {', '.join(metadata['choices'])}"
    bounds = [
        f"{words} {on_one_line(metadata[bound])}"
        for bound, words in (("at_least", "at least"), ("above", "above"), ("at_most", "at most"))
        if metadata[bound] is not None
    ]
    return ", ".join([_KINDS[metadata["kind"]], *bounds])


def marks(key: str, metadata: Mapping[str, Any]) -> Iterator[str]:
    """Sentences on when the option *key* takes effect, and on what it takes to set it."""
    if metadata["planned"]:
        yield "Not read yet."
    if metadata["at_start"]:
        yield "Takes effect at the next start of a process."
    if metadata["safe_at_most"] is not None:
        yield f"Above {metadata['safe_at_most']} only with `allow.large_memory`."
    for dangerous, switch, _ in DANGEROUS_IN_PRODUCTION:
        if key == dangerous:
            yield f"{'Off' if metadata['kind'] is bool else off_of(metadata)} in production only with `allow.{switch}`."


def off_of(metadata: Mapping[str, Any]) -> str:
    """How YAML says that a switch, or a bound, is off."""
    return on_one_line(metadata["kind"]())


def default_of(key: str, option: Field[Any], environment: str = "") -> str:
    """The value of *key* where nobody gave one, as YAML; *environment* may preset it."""
    return on_one_line(PRESETS.get(environment, {}).get(key, option.default))


def presets_of(key: str) -> dict[str, str]:
    """The values that environments preset for *key*, as YAML."""
    return {name: on_one_line(preset[key]) for name, preset in PRESETS.items() if key in preset}


def preset_tree(environment: str) -> dict[str, dict[str, float]]:
    """What *environment* presets, as a file would say it."""
    tree: dict[str, dict[str, float]] = {}
    for key, value in PRESETS[environment].items():
        section, name = key.split(".")
        tree.setdefault(section, {})[name] = value
    return tree


def needs(kind: Any) -> str:
    """What an entry of type *kind* has to have, in words."""
    required = " and ".join(f"`{part.name}`" for part in fields(kind) if is_required(part))
    one_of = ", ".join(f"`{name}`" for name in getattr(kind, "needs_one_of", ()))
    return f"{required}, and at least one of {one_of}" if one_of else required
