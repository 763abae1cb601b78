"""The configuration in force, by category, and that of the environment."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Final

from otel_verein.api.config import in_force, jsonable, options_of, unknown_key
from otel_verein.api.convenience.arguments import ArgumentError, optional_text
from otel_verein.api.convenience.envelope import Told, enveloped
from otel_verein.api.convenience.here import HERE
from otel_verein.config.layers import digest, values_of
from otel_verein.config.presets import PRESETS
from otel_verein.config.schema import Config
from otel_verein.config.validate import OPTIONS
from otel_verein.sources.base import Source

CATEGORIES: Final = {
    "thresholds": ("thresholds", "n_plus_one", "health", "analysis", "alerts", "ignore"),
    "retention": ("retention", "tiers", "store"),
}
"""The sections of each category; whatever is in none of them is monitoring."""
MONITORING: Final = "monitoring"


@enveloped("config")
def get_performance_config(
    category: str | None = None, *, source: Source | None = None, config: Config | None = None
) -> Told:
    """The values in force, by category: thresholds, retention and monitoring.

    *category* is one of these, a section, or one option. The *source* plays no part in it.
    """
    found = config if config is not None else HERE.config()
    values, wanted = values_of(found), _wanted(category)
    return Told(
        {
            "environment": found.environment or None,
            "digest": digest(found),
            "categories": _by_category((key, jsonable(values[key])) for key in values if key in wanted),
        },
        f"{len(wanted)} options, as they are in force here.",
    )


@enveloped("environment_config")
def get_environment_config(*, source: Source | None = None, config: Config | None = None) -> Told:
    """Which environment this is, what says so, what it presets, and what stands otherwise than by default.

    With a *config* that was made by hand, nothing says where its values come from: ``detected_by`` is None.
    """
    if config is None:
        now = in_force(os.environ)
        name, by = now.environment.name, now.environment.by
        origins = {each.key: each.origins[0].layer for each in now.settings if each.differs and each.origins}
        values = {each.key: each.value for each in now.settings}
    else:
        name, by, origins, values = config.environment, None, {}, values_of(config)
    differing = {
        key: {"value": jsonable(value), "default": jsonable(OPTIONS[key].default), "from": origins.get(key)}
        for key, value in values.items()
        if value != OPTIONS[key].default
    }
    payload = {
        "environment": name or None,
        "detected_by": by,
        "presets": dict(PRESETS.get(name, {})),
        "differs_from_defaults": differing,
        "environments": {each: dict(preset) for each, preset in PRESETS.items()},
    }
    told = f"This is {name}" if name else "No environment is named"
    return Told(payload, f"{told}; {len(differing)} options are not as by default.")


def _wanted(category: str | None) -> frozenset[str]:
    name = optional_text("category", category)
    if name is None:
        return frozenset(OPTIONS)
    if name in (*CATEGORIES, MONITORING):
        return frozenset(key for key in OPTIONS if category_of(key) == name)
    found = options_of(name)
    if not found:
        known = ", ".join((*CATEGORIES, MONITORING))
        raise ArgumentError(f"category: {unknown_key(name)}; it has to be one of {known}, a section or an option")
    return frozenset(found)


def category_of(key: str) -> str:
    """The category that the option *key* belongs to."""
    section = key.partition(".")[0]
    return next((category for category, sections in CATEGORIES.items() if section in sections), MONITORING)


def _by_category(values: Iterable[tuple[str, Any]]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {category: {} for category in (*CATEGORIES, MONITORING)}
    for key, value in values:
        found[category_of(key)][key] = value
    return found
