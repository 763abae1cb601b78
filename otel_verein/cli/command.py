"""What all groups of commands have in common: the configuration, exit statuses, and how errors are told."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from otel_verein.config.files import FILE_VARIABLE
from otel_verein.errors import VereinError

CANNOT = 2
"""The exit status when there is nothing to answer from; the one click uses for a wrong command line."""

SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"]}

_Function = TypeVar("_Function", bound=Callable[..., Any])


def config_option(function: _Function) -> _Function:
    """The option that names the configuration file, as ``config_file``."""
    help_text = "The file; else the one VEREIN_CONFIG names, else verein.yaml."
    return click.option("--config", "config_file", type=click.Path(path_type=Path), help=help_text)(function)


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
        click.echo(f"otel-verein {command}: {short(line)}", err=True)
    sys.exit(status)


def short(text: str) -> str:
    """*text* with places below the working directory as seen from there."""
    here = re.escape(os.getcwd().rstrip("/") + "/")
    return re.sub(rf"(^|\(){here}", r"\1", text)
