"""Changes to the configuration, what they do to the one in force, and the record of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from otel_verein.api.config import ENVIRONMENT, SCHEMA, InForce, Setting, in_force
from otel_verein.api.config_check import check_change
from otel_verein.config import changes
from otel_verein.config.changes import UNSET, Edit, Entry, Target, entries
from otel_verein.config.document import plain, read
from otel_verein.config.entries import BLOCK, FILE, OVERRIDE
from otel_verein.config.layers import Origin, files_of
from otel_verein.config.presets import ENVIRONMENTS
from otel_verein.errors import ConfigError, Problem


@dataclass(frozen=True, slots=True)
class Wish:
    """A new value for *key*, or UNSET; into the block of an *environment*, if one is named.

    *override* writes the run-time override instead of the file; *until* is when that ends.
    """

    key: str
    value: object
    environment: str = ""
    override: bool = False
    until: datetime | None = None
    why: str = ""

    @property
    def path(self) -> tuple[str, ...]:
        """Where it stands below our part of the file."""
        block = ("environments", self.environment) if self.environment else ()
        return (*block, *self.key.split("."))


@dataclass(frozen=True, slots=True)
class Effect:
    """What became of one key: its setting now; ``stronger`` is the layer that hides the new value, if one does.

    ``elsewhere`` names the environment that it is for, where that is not the one here. ``setting`` is None for the
    name of the environment itself.
    """

    key: str
    setting: Setting | None
    stronger: Origin | None
    elsewhere: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """A change as it stands in the history, None if all was so already, and the configuration after it."""

    entry: Entry | None
    file: Path
    effects: tuple[Effect, ...]
    now: InForce


def value_of_text(text: str) -> object:
    """What *text* is as a value of the file; raises :class:`ConfigError` if it is none."""
    node, found = read(text.encode("utf-8", "surrogateescape"), "VALUE")
    if found:
        raise ConfigError([Problem("VALUE", each.what) for each in found])
    return None if node is None else plain(node)


def change(wish: Wish, environ: Mapping[str, str], directory: Path | None = None) -> Outcome:
    """Make one change; raises :class:`ConfigError`, and changes nothing, if the outcome would not be valid."""
    if wish.key == ENVIRONMENT and (wish.override or wish.environment):
        what = "names the environment of a process from its start; set it in the file itself, or VEREIN_ENVIRONMENT"
        raise ConfigError([Problem(ENVIRONMENT, what)])
    target = _target(OVERRIDE if wish.override else FILE, environ, directory)
    edit = Edit(wish.path, wish.value, wish.until)
    try:
        entry = changes.apply(target, [edit], wish.why, partial(check_change, environ, directory, target.layer))
    except ConfigError as fault:
        if wish.value is UNSET and _is_not_set(fault):
            entry = None
        else:
            raise
    return _outcome(entry, target, environ, directory, wish.path)


def rollback(
    entry_id: int, why: str, environ: Mapping[str, str], directory: Path | None = None, override: bool | None = None
) -> Outcome:
    """Bring the file, or the override, back to what it was after an entry of the history; 0: before the first.

    That of the two which the entry is about, unless *override* says. Raises :class:`ConfigError`, and changes nothing,
    if there is no such entry or what it would bring back is not valid any more.
    """
    files = files_of(environ, directory)
    about = next((each.layer for each in entries(files.state) if each.id == entry_id), FILE)
    layer = about if override is None else OVERRIDE if override else FILE
    target = _target(layer, environ, directory)
    entry = changes.rollback(target, entry_id, why, partial(check_change, environ, directory, target.layer))
    return _outcome(entry, target, environ, directory)


def history(environ: Mapping[str, str], key: str | None = None, directory: Path | None = None) -> tuple[Entry, ...]:
    """Every entry, the newest first; those that changed *key*, an option or section, in the file or a block of it."""
    found = entries(files_of(environ, directory).state)
    return tuple(each for each in reversed(found) if key is None or any(_is_about(c.key, key) for c in each.changes))


def history_as_dict(found: Sequence[Entry]) -> dict[str, Any]:
    """The JSON object of schema version 1."""
    return {"schema": SCHEMA, "entries": [asdict(each) for each in found]}


def _target(layer: str, environ: Mapping[str, str], directory: Path | None) -> Target:
    files = files_of(environ, directory)
    if layer == OVERRIDE:
        return Target(files.override, files.state, OVERRIDE)
    return Target(files.file, files.state, FILE, files.base)


def _outcome(
    entry: Entry | None, target: Target, environ: Mapping[str, str], directory: Path | None, path: Sequence[str] = ()
) -> Outcome:
    now = in_force(environ, directory)
    keys = [each.key for each in entry.changes] if entry else [".".join(path)]
    effects = (_effect(key, target.layer, now) for key in keys)
    return Outcome(entry, target.file, tuple(each for each in effects if each is not None), now)


def _effect(key: str, layer: str, now: InForce) -> Effect | None:
    """What the change of *key*, a path in the file of *layer*, does to the setting in force; None if *key* is none."""
    environment, option = _split(key)
    if option == ENVIRONMENT:
        return Effect(option, None, None, "")
    setting = next((each for each in now.settings if each.key == option), None)
    if setting is None:
        return None
    if environment and environment != now.environment.name:
        return Effect(option, setting, None, environment)
    ours = BLOCK if environment else layer
    strongest = setting.origins[0]
    hidden = strongest.layer != ours and any(each.layer == ours for each in setting.origins)
    return Effect(option, setting, strongest if hidden else None, "")


def _split(key: str) -> tuple[str, str]:
    """The environment whose block a key stands in, or nothing, and the option."""
    first, _, rest = key.partition(".")
    name, _, option = rest.partition(".")
    return (name, option) if first == "environments" and name in ENVIRONMENTS else ("", key)


def _is_about(key: str, name: str) -> bool:
    option = _split(key)[1]
    return option == name or option.startswith(f"{name}.")


def _is_not_set(fault: ConfigError) -> bool:
    return [each.what.endswith(": is not set here") for each in fault.problems] == [True]
