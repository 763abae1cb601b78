"""What the commands of ``otel-verein config`` have in common: options, exit statuses, and how errors are told."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from otel_verein.api.config import ENVIRONMENT, options_of, unknown_key
from otel_verein.config.files import FILE_VARIABLE
from otel_verein.config.schema import SECTIONS
from otel_verein.errors import VereinError

CANNOT = 2
"""The exit status when there is nothing to answer from; the one click uses for a wrong command line."""

SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"]}

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


def config_option(function: _Function) -> _Function:
    """The option that names the configuration file, as ``config_file``."""
    help_text = "The file; else the one VEREIN_CONFIG names, else verein.yaml."
    return click.option("--config", "config_file", type=click.Path(path_type=Path), help=help_text)(function)


def json_option(function: _Function) -> _Function:
    """The option for JSON, as ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object (schema version 1).")(function)


def print_json(answer: Mapping[str, Any]) -> None:
    """Print *answer* as one JSON object, in ASCII: a variable may hold bytes that are no text."""
    click.echo(json.dumps(answer, indent=2, allow_nan=False))


def environment(config_file: Path | None) -> dict[str, str]:
    """The variables of this process, with the file that was named."""
    environ = dict(os.environ)
    if config_file is not None:
        environ[FILE_VARIABLE] = str(config_file)
    return environ


@contextmanager
def told(command: str, status: int = CANNOT) -> Iterator[None]:
    """End with *status* on an error of ours, each line of it on stderr behind the name of the *command*."""
    try:
        yield
    except VereinError as fault:
        fail(command, str(fault), status)


def fail(command: str, message: str, status: int = CANNOT) -> NoReturn:
    """End with *status*, saying why on stderr."""
    for line in message.splitlines():
        click.echo(f"otel-verein config {command}: {short(line)}", err=True)
    sys.exit(status)


def option(command: str, key: str) -> str:
    """*key*, if it is one option or the environment; ends the command otherwise, saying what was probably meant."""
    if key in SECTIONS:
        fail(command, f"{key}: is a section; name one option of it, such as {options_of(key)[0]}")
    if key != ENVIRONMENT and not options_of(key):
        fail(command, unknown_key(key))
    return key


def short(text: str) -> str:
    """*text* with places below the working directory as seen from there."""
    here = re.escape(os.getcwd().rstrip("/") + "/")
    return re.sub(rf"(^|\(){here}", r"\1", text)
