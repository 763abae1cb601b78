"""What a change of the configuration did, as plain text."""

from __future__ import annotations

from collections.abc import Iterator

from otel_verein.api.config import InForce
from otel_verein.api.config_changes import Effect, Outcome, Wish
from otel_verein.cli.config_command import short
from otel_verein.cli.render_config import moment, render_changes, source, written
from otel_verein.config.changes import UNSET
from otel_verein.config.watch import TAKEN_OVER_WITHIN_S


def render_outcome(outcome: Outcome, wish: Wish | None = None) -> str:
    """What was changed and what is in force now; *wish* is what was asked for, if it was one option."""
    file, entry = short(str(outcome.file)), outcome.entry
    if entry is None:
        lines = [f"{_already(wish, file)}; nothing is written"]
    else:
        lines = [f"{file} (entry {entry.id} of the history)", *(f"  {line}" for line in render_changes(entry))]
    lines += [f"{effect.key}: {_effect(effect, outcome.now)}" for effect in outcome.effects]
    if entry is not None:
        lines += _when(outcome)
    return "\n".join(lines)


def _already(wish: Wish | None, file: str) -> str:
    if wish is None:
        return f"{file} is as it was then"
    key = ".".join(wish.path)
    return f"{key} is not set in {file}" if wish.value is UNSET else f"{key} is {written(wish.value)} in {file} already"


def _effect(effect: Effect, now: InForce) -> str:
    environment, setting = now.environment, effect.setting
    here = f"{environment.name or 'none'} ({short(environment.by)})"
    if setting is None:
        return f"in force here is {here}"
    if effect.elsewhere:
        return f"holds in {effect.elsewhere}; the environment here is {here}"
    value = written(setting.value)
    if effect.stronger is not None:
        return f"NOT in force here: {source(effect.stronger)} is stronger and says {value}"
    until = f", until {moment(setting.until)}" if setting.until else ""
    return f"in force here is {value} ({source(setting.origins[0])}{until})"


def _when(outcome: Outcome) -> Iterator[str]:
    """When a running process has the change."""
    settings = [effect.setting for effect in outcome.effects]
    if any(each is None or not (each.planned or each.at_start) for each in settings):
        yield f"Running processes take it over within {TAKEN_OVER_WITHIN_S:g} s."
    for each in settings:
        if each is not None and each.planned:
            yield f"{each.key}: nothing reads it yet."
        elif each is not None and each.at_start:
            yield f"{each.key}: a process takes it over when it starts."
