"""Which configuration is in force, which value of it comes from where, and how two configurations differ."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

from otel_verein.config.changes import Entry, entries, snapshot
from otel_verein.config.entries import FILE, OVERRIDE, suggestion
from otel_verein.config.environment import Environment
from otel_verein.config.files import Files
from otel_verein.config.layers import Origin, changed, files_of, resolve, values_of
from otel_verein.config.presets import ENVIRONMENTS, PRESETS
from otel_verein.config.schema import SECTIONS, Config
from otel_verein.config.shown import shown_key
from otel_verein.config.validate import OPTIONS, check
from otel_verein.errors import ConfigError, Problem

SCHEMA = 1
DEFAULTS, FILE_ALONE, NOW = "defaults", "file", "now"
ENVIRONMENT = "environment"
"""The one key that is no option: it names the environment."""

_ENTRY_ID = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Setting:
    """One option with its value in force; ``origins`` has every layer that speaks of it, the strongest first.

    ``until`` is when the run-time override of it ends, if it does.
    """

    key: str
    value: Any
    default: Any
    origins: tuple[Origin, ...]
    planned: bool
    at_start: bool
    until: datetime | None

    @property
    def differs(self) -> bool:
        """Whether it is not as by default."""
        return bool(self.value != self.default)

    def as_dict(self) -> dict[str, Any]:
        """The JSON object of one option."""
        return {
            "key": self.key,
            "value": jsonable(self.value),
            "default": jsonable(self.default),
            "origins": [
                {"layer": each.layer, "where": each.where, "value": jsonable(each.value)} for each in self.origins
            ],
            "planned": self.planned,
            "at_start": self.at_start,
            "until": None if self.until is None else self.until.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class InForce:
    """The configuration of a process that starts with the same variables in the same directory."""

    environment: Environment
    files: Files
    has_file: bool
    digest: str
    settings: tuple[Setting, ...]
    notes: tuple[Problem, ...]

    @property
    def overridden(self) -> int:
        """How many options the run-time override speaks of."""
        return sum(any(each.layer == OVERRIDE for each in setting.origins) for setting in self.settings)

    def setting(self, key: str) -> Setting:
        """The option *key*."""
        return next(each for each in self.settings if each.key == key)

    def as_dict(self) -> dict[str, Any]:
        """The JSON object of schema version 1: every key always present, None for what is not there."""
        return {
            "schema": SCHEMA,
            "environment": {"name": self.environment.name or None, "by": self.environment.by},
            "file": str(self.files.file) if self.has_file else None,
            "override": str(self.files.override) if self.overridden else None,
            "digest": self.digest,
            "options": [each.as_dict() for each in self.settings],
            "notes": [{"where": each.where, "message": each.what} for each in self.notes],
        }


@dataclass(frozen=True, slots=True)
class Differences:
    """Every option that differs between two configurations, as (key, in the one, in the other)."""

    one: str
    other: str
    options: tuple[tuple[str, Any, Any], ...]

    def as_dict(self) -> dict[str, Any]:
        """The JSON object of schema version 1."""
        options = [{"key": key, "from": jsonable(old), "to": jsonable(new)} for key, old, new in self.options]
        return {"schema": SCHEMA, "from": self.one, "to": self.other, "differences": options}


def in_force(environ: Mapping[str, str], directory: Path | None = None, now: datetime | None = None) -> InForce:
    """The configuration in force, with all layers; raises :class:`ConfigError` with every problem there is."""
    resolved = resolve(environ, directory, now=now)
    values = values_of(resolved.config)
    settings = (
        Setting(
            key,
            values[key],
            option.default,
            resolved.origins[key],
            option.metadata["planned"],
            option.metadata["at_start"],
            resolved.ends.get(key),
        )
        for key, option in OPTIONS.items()
    )
    return InForce(
        resolved.environment,
        resolved.files,
        os.path.exists(resolved.files.file),
        resolved.digest,
        tuple(settings),
        resolved.notes,
    )


def options_of(name: str) -> tuple[str, ...]:
    """The options that *name*, an option or a section, stands for; none if it is neither."""
    if name in SECTIONS:
        return tuple(key for key in OPTIONS if key.startswith(f"{name}."))
    return (name,) if name in OPTIONS else ()


def unknown_key(name: str) -> str:
    """What is wrong with *name*, which is no option, and which one is probably meant."""
    import difflib  # only a mistake needs it

    last = name[:80].rpartition(".")[2]
    names = {key.partition(".")[2] for key in OPTIONS}
    alike = difflib.get_close_matches(last, names, n=1, cutoff=0.75) if "." not in name else []
    meant = [key for key in OPTIONS if alike and key.partition(".")[2] == alike[0]]
    hint = f"; did you mean {' or '.join(map(repr, meant))}?" if meant else suggestion(name[:80], [*OPTIONS, *SECTIONS])
    return f"{shown_key(name)}: unknown key{hint}"


def differences(
    one: str, other: str, environ: Mapping[str, str], directory: Path | None = None, now: datetime | None = None
) -> Differences:
    """How the configuration *one* differs from *other*.

    Each is ``defaults``; an environment, for what it presets; ``file``, for the file alone; ``now``, for the one in
    force; the id of an entry of the history; or a path. Raises :class:`ConfigError` if one of them is none of these or
    is not valid.
    """
    moment = now or datetime.now(timezone.utc)
    configs = [_named(name, environ, directory, moment) for name in (one, other)]
    return Differences(one, other, tuple(changed(*configs)))


def plain(value: object) -> Any:
    """The value of an option as lists, mappings and scalars; what an entry of a list leaves open is left out."""
    if is_dataclass(value) and not isinstance(value, type):
        parts = ((each, getattr(value, each.name)) for each in fields(value))
        return {each.name: plain(part) for each, part in parts if each.default is MISSING or part != each.default}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def jsonable(value: object) -> Any:
    """The value of an option as JSON has it."""
    if is_dataclass(value):
        return jsonable(plain(value))
    if isinstance(value, dict):
        return {key: jsonable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value


def alone(environ: Mapping[str, str]) -> dict[str, str]:
    """*environ* without what speaks of options, so that a file stands for itself."""
    kept = ("OTEL_RESOURCE_ATTRIBUTES", "OTEL_CONFIG_FILE", "VEREIN_ENVIRONMENT", "VEREIN_CONFIG")
    return {key: value for key, value in environ.items() if not key.startswith(("VEREIN_", "OTEL_")) or key in kept}


def _named(name: str, environ: Mapping[str, str], directory: Path | None, now: datetime) -> Config:
    if name == DEFAULTS:
        return Config()
    if name in ENVIRONMENTS:
        return check([], name)[0]
    if name == NOW:
        return resolve(environ, directory, now=now).config
    if name == FILE_ALONE:
        return resolve(alone(environ), directory, override_data=b"", now=now).config
    if _ENTRY_ID.fullmatch(name):
        return _at_entry(int(name), environ, directory)
    path = (directory or Path.cwd()) / name
    if not os.path.exists(path):
        known = f"{DEFAULTS}, {', '.join(PRESETS)}, {FILE_ALONE}, {NOW}, an id of the history, or a file"
        raise ConfigError([Problem(name, f"is none of {known}")])
    return resolve(alone(environ) | {"VEREIN_CONFIG": str(path)}, directory, override_data=b"", now=now).config


def _at_entry(number: int, environ: Mapping[str, str], directory: Path | None) -> Config:
    """The configuration in force here, had the file and the override been as they were after an entry."""
    files = files_of(environ, directory)
    history = entries(files.state)
    entry = next((each for each in history if each.id == number), None)
    if entry is None:
        raise ConfigError([Problem(str(files.state), f"the history has no entry {number}")])
    contents = {}
    for layer in (FILE, OVERRIDE):
        hashes = list(_hashes([each for each in history if each.layer == layer], number))
        if hashes:
            contents[layer] = b"" if hashes[-1] is None else snapshot(files.state, hashes[-1])
    return resolve(
        environ, directory, data=contents.get(FILE), override_data=contents.get(OVERRIDE), now=entry.time
    ).config


def _hashes(history: Sequence[Entry], number: int) -> Iterator[str | None]:
    """What the content of a layer was up to an entry, in order; without one before it, what the next found."""
    if history and history[0].id > number:
        yield history[0].before
    yield from (each.after for each in history if each.id <= number)
