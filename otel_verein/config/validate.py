"""What is wrong with a configuration: every problem, with its line, value, rule and likely cure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from otel_verein.config.document.problems import MAX_PROBLEMS
from otel_verein.config.entries import Entry, NotUsableError, suggestion, value_of
from otel_verein.config.presets import PRESETS
from otel_verein.config.rules import Settings, broken
from otel_verein.config.schema import SECTIONS, Config, option_fields
from otel_verein.config.shown import shown_key
from otel_verein.errors import Problem

OPTIONS = {f"{section}.{name}": option for section, name, option in option_fields()}
"""Every option by its dotted key."""


def check(entries: Sequence[Entry], environment: str) -> tuple[Config, list[Problem]]:
    """The configuration that *entries*, the weakest first, make in *environment*, and every problem with them.

    What has a problem is left out of the configuration. *environment* is one of the presets', or empty.
    """
    values: dict[str, Any] = {key: option.default for key, option in OPTIONS.items()}
    values.update(PRESETS.get(environment, {}))
    places: dict[str, str] = {}
    problems: list[Problem] = []
    for entry, value in _usable(entries, problems):
        values[entry.key] = value
        places[entry.key] = entry.where
        places.update({f"{entry.key}[{number}]": each.where for number, each in enumerate(entry.given.items)})
    problems += broken(Settings(values, places, environment))
    return made(values, environment), problems


def invalid(entries: Sequence[Entry]) -> list[Problem]:
    """What is wrong with each of *entries* by itself, such as those of an environment that is not in force."""
    problems: list[Problem] = []
    list(_usable(entries, problems))
    return problems


def _usable(entries: Sequence[Entry], problems: list[Problem]) -> Iterator[tuple[Entry, Any]]:
    """The entries that are fine by themselves, with their values; what is wrong with others goes to *problems*."""
    for entry in entries:
        option = OPTIONS.get(entry.key)
        if option is None:
            problems.append(_unknown(entry, hint=len(problems) < MAX_PROBLEMS))
            continue
        try:
            yield entry, value_of(entry, option.metadata)
        except NotUsableError as wrong:
            problems += wrong.problems


def made(values: dict[str, Any], environment: str) -> Config:
    """The configuration of *values*, which has every option by its dotted key."""
    sections: dict[str, dict[str, Any]] = {name: {} for name in SECTIONS}
    for key, value in values.items():
        section, name = key.split(".")
        sections[section][name] = value
    return Config(**{name: kind(**sections[name]) for name, kind in SECTIONS.items()}, environment=environment)


def _unknown(entry: Entry, *, hint: bool) -> Problem:
    """A key that no option has; to look for what it may mean takes a while, so not for thousands."""
    section, _, name = entry.key.partition(".")
    key = f"{entry.prefix}{section}.{shown_key(name)}" if name else f"{entry.prefix}{shown_key(section)}"
    return Problem(entry.where, f"{key}: unknown key{_meant(section, name) if hint else ''}")


def _meant(section: str, name: str) -> str:
    if section not in SECTIONS or not name:
        return suggestion(section, [*SECTIONS, "environment", "environments"])
    elsewhere = [key for key in OPTIONS if key.endswith(f".{name}")]
    if elsewhere:
        return f"; did you mean {elsewhere[0]!r}?"
    return suggestion(name, [key.partition(".")[2] for key in OPTIONS if key.startswith(f"{section}.")])
