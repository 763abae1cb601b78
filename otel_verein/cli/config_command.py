"""What the commands of ``otel-verein config`` have in common."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, NoReturn, TypeVar

import click

from otel_verein.api.config import ENVIRONMENT, options_of, unknown_key
from otel_verein.cli import command as commands
from otel_verein.cli.command import CANNOT, SETTINGS, config_option, environment, short
from otel_verein.config.schema import SECTIONS

__all__ = [
    "CANNOT",
    "SETTINGS",
    "config_option",
    "duration",
    "environment",
    "fail",
    "json_option",
    "option",
    "print_json",
    "short",
    "told",
]

_Function = TypeVar("_Function", bound=Callable[..., Any])
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST_D = 3660


def duration(_: click.Context, parameter: click.Parameter, given: str | None) -> timedelta | None:
    """The callback of an option that takes a time such as 90s, 30m, 12h or 7d."""
    if given is None:
        return None
    found = re.fullmatch(r"(\d{1,9})([smhd])", given.strip(), re.ASCII)
    length = timedelta(seconds=int(found[1]) * _SECONDS[found[2]]) if found else timedelta()
    if not timedelta() < length <= timedelta(days=_LONGEST_D):
        what = f"{given!r} is no time such as 90s, 30m, 12h or 7d, of {_LONGEST_D}d at most"
        raise click.BadParameter(what, param=parameter)
    return length


def json_option(function: _Function) -> _Function:
    """The option for JSON, as ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object (schema version 1).")(function)


def print_json(answer: Mapping[str, Any]) -> None:
    """Print *answer* as one JSON object, in ASCII: a variable may hold bytes that are no text."""
    click.echo(json.dumps(answer, indent=2, allow_nan=False))


def told(command: str, status: int = CANNOT) -> AbstractContextManager[None]:
    """End with *status* on an error of ours, each line of it on stderr behind the name of the *command*."""
    return commands.told(f"config {command}", status)


def fail(command: str, message: str, status: int = CANNOT) -> NoReturn:
    """End with *status*, saying why on stderr."""
    commands.fail(f"config {command}", message, status)


def option(command: str, key: str) -> str:
    """*key*, if it is one option or the environment; ends the command otherwise, saying what was probably meant."""
    if key in SECTIONS:
        fail(command, f"{key}: is a section; name one option of it, such as {options_of(key)[0]}")
    if key != ENVIRONMENT and not options_of(key):
        fail(command, unknown_key(key))
    return key
