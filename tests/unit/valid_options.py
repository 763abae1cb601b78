"""Valid values of any option, as Python, YAML and variables have them; for tests that go over the whole schema."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import yaml

from otel_verein.config.presets import PRESETS
from otel_verein.config.rules import AT_MOST, AT_MOST_IF_GIVEN, BELOW
from otel_verein.config.validate import OPTIONS

_STEPS = 8  # different values of a number

_ENTRIES: Mapping[str, list[list[dict[str, Any]]]] = {
    "thresholds.operations": [[{"operation": f"GET /{n}*", "queries": n + 1}] for n in range(_STEPS)],
    "sampling.operations": [[{"operation": f"GET /{n}*", "ratio": n / 10}] for n in range(_STEPS)],
    "ignore.rules": [
        [{"reason": f"meant {n}", "until": date(2027, 3, 1 + n), "statement": "SELECT country"}] for n in range(_STEPS)
    ],
}


def valid_values(key: str, environment: str = "") -> list[Any]:
    """Values of the option *key* as YAML holds them, valid where all others are as *environment* presets them.

    None is the default, and no two are equal; a switch or a choice has those that there are.
    """
    option = OPTIONS[key]
    kind, default = option.metadata["kind"], option.default
    if option.metadata["entries"] is not None:
        return _ENTRIES[key]
    if kind is tuple:
        return [[f"shop_{n}", f"other_{n}"] for n in range(_STEPS)]
    if kind is bool:
        return [not default]
    if kind is str:
        return [each for each in option.metadata["choices"] if each != default] or [f"word {n}" for n in range(_STEPS)]
    found = _spread(kind, *_room(key, environment))
    return [each for each in found if each not in (default, PRESETS.get(environment, {}).get(key))]


def as_yaml(value: Any) -> str:
    """*value* on one line of YAML."""
    text: str = yaml.safe_dump(value, default_flow_style=True, width=math.inf)
    return text.removesuffix("\n").removesuffix("\n...")


def as_text(key: str, value: Any) -> str:
    """*value* as the variable of the option *key* has it."""
    if OPTIONS[key].metadata["entries"] is not None:
        return as_yaml(value)
    if isinstance(value, list):
        return ", ".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def in_force(key: str, value: Any) -> Any:
    """*value*, which is as YAML holds it, as the configuration does."""
    entries = OPTIONS[key].metadata["entries"]
    if entries is not None:
        return tuple(entries(**each) for each in value)
    return tuple(value) if isinstance(value, list) else value


def variable(key: str) -> str:
    """The name of the variable of the option *key*."""
    return f"VEREIN_{key.replace('.', '_')}".upper()


def _room(key: str, environment: str) -> tuple[float, float]:
    """Between what a number may be, ends excluded, by its own bounds and by those that it has to be in order with."""
    metadata = OPTIONS[key].metadata
    presets = PRESETS.get(environment, {})
    default = presets.get(key, OPTIONS[key].default)
    low = metadata["above"] if metadata["above"] is not None else metadata["at_least"] - 1
    most = metadata["safe_at_most"] or metadata["at_most"]
    high = 2 * default + 10 if most is None else most
    for lower, upper in (*BELOW, *AT_MOST, *AT_MOST_IF_GIVEN):
        if upper == key:
            low = max(low, presets.get(lower, OPTIONS[lower].default))
        if lower == key:
            high = min(high, presets.get(upper, OPTIONS[upper].default))
    return max(low, 0), high


def _spread(kind: type, low: float, high: float) -> Iterator[Any]:
    parts = _STEPS + 2
    seen = set()
    for step in range(1, parts):
        value = kind(low + (high - low) * step / parts) if kind is int else round(low + (high - low) * step / parts, 6)
        if low < value < high and value not in seen:
            seen.add(value)
            yield value
