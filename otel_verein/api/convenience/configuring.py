"""Changes to the configuration while processes run: by the run-time override, validated, with who and why on record."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from otel_verein.api.config import InForce, in_force, jsonable, unknown_key
from otel_verein.api.config_changes import value_of_text
from otel_verein.api.config_check import check_change, validate
from otel_verein.api.convenience.arguments import ArgumentError, mapping, optional_text, texts
from otel_verein.api.convenience.envelope import Told, enveloped
from otel_verein.config.changes import UNSET, Edit, Entry, Target, apply
from otel_verein.config.content import content
from otel_verein.config.editing import set_value
from otel_verein.config.entries import OVERRIDE
from otel_verein.config.layers import files_of
from otel_verein.config.schema import Config
from otel_verein.config.validate import OPTIONS
from otel_verein.config.watch import TAKEN_OVER_WITHIN_S
from otel_verein.errors import ConfigError, Problem
from otel_verein.sources.base import Source


@enveloped("update")
def update_performance_config(
    changes: Mapping[str, Any] | str,
    reason: str = "",
    who: str | None = None,
    *,
    source: Source | None = None,
    config: Config | None = None,
) -> Told:
    """Set options for all processes here, all of *changes* or none: ``{"thresholds.queries": 40}``.

    They go into the run-time override, which is stronger than the file, until they are reset. What would not be valid,
    or is dangerous, is refused with all that is wrong. A *config* that is given cannot be changed.
    """
    _refuse_given(config)
    wanted = _values(changes)
    before = in_force(os.environ)
    entry = _apply([Edit(tuple(key.split(".")), value) for key, value in wanted.items()], reason, who)
    return _told(entry, before, list(wanted), "set" if entry else "as it was already")


@enveloped("reset")
def reset_performance_config(
    keys: Sequence[str] | str | None = None,
    reason: str = "",
    who: str | None = None,
    *,
    source: Source | None = None,
    config: Config | None = None,
) -> Told:
    """Take the run-time override of *keys* away, or all of it, so that the file and the defaults hold again."""
    _refuse_given(config)
    before = in_force(os.environ)
    overridden = [each.key for each in before.settings if any(one.layer == OVERRIDE for one in each.origins)]
    wanted = overridden if keys is None or keys == "" else texts("keys", keys)
    for key in wanted:
        if key not in OPTIONS:
            raise ArgumentError(f"keys: {unknown_key(key)}")
    edits = [Edit(tuple(key.split(".")), UNSET) for key in wanted if key in overridden]
    entry = _apply(edits, reason, who) if edits else None
    return _told(entry, before, [key for key in wanted if key in overridden], "reset" if entry else "not overridden")


@enveloped("validation")
def validate_performance_config(
    changes: Mapping[str, Any] | str | None = None,
    *,
    source: Source | None = None,
    config: Config | None = None,
) -> Told:
    """What is wrong with the configuration here, or would be after *changes*; nothing is written.

    The answer is a success where the question could be answered; ``valid`` is what it says.
    """
    _refuse_given(config)
    if changes is None or changes == "":
        found = validate(os.environ)
        problems, options = found.problems, found.options
    else:
        problems, options = _problems_of(changes)
    payload = {
        "valid": not problems,
        "options": options,
        "problems": [{"where": each.where, "message": each.what} for each in problems],
    }
    if not problems:
        return Told(payload, "It is valid.")
    number = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
    return Told(payload, f"It is not valid, {number}; the first: {problems[0]}.")


def _problems_of(changes: Mapping[str, Any] | str) -> tuple[tuple[Problem, ...], int]:
    files = files_of(os.environ)
    try:
        wanted = _values(changes)
        text = (content(files.override) or b"").decode("utf-8", "surrogateescape")
        for key, value in wanted.items():
            text = set_value(text, tuple(key.split(".")), value, str(files.override))
        check_change(os.environ, None, OVERRIDE, text.encode("utf-8", "surrogateescape"))
    except ConfigError as fault:
        return fault.problems, 0
    return (), len(wanted)


def _values(changes: Mapping[str, Any] | str) -> dict[str, Any]:
    """The values by option; texts that stand for numbers and truths as what they are."""
    given = mapping("changes", changes)
    if not given:
        raise ArgumentError('changes: is empty; it has to be such as {"thresholds.queries": 40}')
    problems = [Problem("changes", unknown_key(key)) for key in given if key not in OPTIONS]
    if problems:
        raise ConfigError(problems)
    return {key: _value(key, value) for key, value in given.items()}


def _value(key: str, value: Any) -> Any:
    if isinstance(value, str) and OPTIONS[key].metadata["kind"] is not str:
        return value_of_text(value)
    return value


def _apply(edits: Sequence[Edit], reason: str, who: str | None) -> Entry | None:
    files = files_of(os.environ)
    target = Target(files.override, files.state, OVERRIDE)
    check = partial(check_change, os.environ, None, OVERRIDE)
    return apply(target, edits, optional_text("reason", reason) or "", check, optional_text("who", who))


def _told(entry: Entry | None, before: InForce, keys: Sequence[str], word: str) -> Told:
    now = in_force(os.environ)
    changed = []
    for key in keys:
        setting = now.setting(key)
        strongest = setting.origins[0].layer if setting.origins else None
        changed.append(
            {
                "key": key,
                "old": jsonable(before.setting(key).value),
                "value": jsonable(setting.value),
                "from": strongest,
                "at_start": setting.at_start,
            }
        )
    payload = {
        "changed": changed,
        "entry": entry.id if entry else None,
        "who": entry.who if entry else None,
        "time": entry.time.isoformat() if entry else None,
        "within_s": TAKEN_OVER_WITHIN_S if entry else None,
        "digest": now.digest,
    }
    return Told(payload, f"{', '.join(keys) or 'Nothing'}: {word}.")


def _refuse_given(config: Config | None) -> None:
    if config is not None:
        raise ArgumentError("config: is fixed, so there is no file of it to change or check; leave it out")
