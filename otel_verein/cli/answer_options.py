"""What all commands that answer questions have in common: where they read, what of it, and how they answer."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from otel_verein.api.asking import moment as asked_moment
from otel_verein.api.places import source_of
from otel_verein.cli.command import SETTINGS, environment, told
from otel_verein.cli.config_command import json_option, print_json
from otel_verein.config.load import load
from otel_verein.config.schema import Config
from otel_verein.errors import MissingExtraError
from otel_verein.sources.base import ALL, Ask, Source
from otel_verein.store.layout import Store

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["SETTINGS", "json_option", "print_json"]

BAD: Final = 1
"""The exit status of a verdict that is bad."""

UNKNOWN: Final = 3
"""The exit status where the data does not tell."""

ROWS: Final = 20
"""Rows that are shown unless more are asked for."""

_Function = TypeVar("_Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Question:
    """Where is read, what of it, and by which configuration; ``place`` None is what the configuration says."""

    place: str | None
    ask: Ask
    config_file: Path | None


def moment(text: str, now: float | None = None) -> int:
    """A point in time, see :func:`otel_verein.api.asking.moment`; raises BadParameter for what is none."""
    try:
        return asked_moment(text, now)
    except ValueError as fault:
        raise click.BadParameter(str(fault)) from None


def asking(function: _Function) -> _Function:
    """The options of a question, handed on as one ``question``."""
    made: _Function = _asking(function, _OPTIONS)
    return made


def asking_of_operation(function: _Function) -> _Function:
    """As :func:`asking`, with the operation as an argument that has to be there, handed on as ``operation``, too."""

    @wraps(function)
    def command(*args: Any, question: Question, **given: Any) -> Any:
        return function(*args, operation=question.ask.operation, question=question, **given)

    named = click.argument("operation", metavar="OPERATION")
    made: _Function = _asking(command, [named if option is _OPERATION else option for option in _OPTIONS])
    return made


def _asking(function: Callable[..., Any], options: Sequence[Callable[[Any], Any]]) -> Any:
    @wraps(function)
    def command(*args: Any, **given: Any) -> Any:
        ask = Ask(
            start_ns=given.pop("since"),
            end_ns=given.pop("until"),
            service=given.pop("service"),
            environment=given.pop("environment_name"),
            version=given.pop("release"),
            operation=given.pop("operation"),
        )
        if ask.is_backwards:
            raise click.BadParameter("--until has to be after --since")
        question = Question(given.pop("place"), ask, given.pop("config_file"))
        return function(*args, question=question, **given)

    return _with(command, options)


def place_options(function: _Function) -> _Function:
    """The options of a question that is about all there is, handed on as one ``question``."""

    @wraps(function)
    def command(*args: Any, **given: Any) -> Any:
        return function(*args, question=Question(given.pop("place"), ALL, given.pop("config_file")), **given)

    made: _Function = _with(command, (_OPTIONS[0], _OPTIONS[-1]))
    return made


def _with(command: Callable[..., Any], options: Sequence[Callable[[Any], Any]]) -> Any:
    for option in reversed(options):
        command = option(command)
    return command


def limit_option(what: str = "Rows per table on the terminal.", rows: int = ROWS) -> Callable[[_Function], _Function]:
    """The option that bounds what is shown, as ``limit``."""
    return click.option("--limit", type=click.IntRange(min=1), default=rows, show_default=True, help=what)


def root_of(question: Question, config: Config) -> Path:
    """The store that baselines are kept in: the one that is read, if it is one, else the one of the configuration."""
    place = Path(question.place or config.source.address or config.store.directory)
    return place if Store(place).exists else Path(config.store.directory)


@contextmanager
def configured(command: str, question: Question) -> Iterator[Config]:
    """The configuration; ends the command, saying why, on an error of ours."""
    with told(command):
        yield load(environment(question.config_file))


@contextmanager
def answering(command: str, question: Question) -> Iterator[tuple[Source, Config]]:
    """The source and the configuration; ends the command, saying why, where either cannot be had or read."""
    with configured(command, question) as config:
        yield source_of(config, question.place), config


def warn(command: str, notes: Iterable[str]) -> None:
    """Say on stderr what was not read in full."""
    from otel_verein.rendering.printable import printable

    for note in notes:
        click.echo(f"otel-verein {command}: warning: {printable(note)}", err=True)


def write(text: str) -> None:
    """Print *text*; what the encoding of the output lacks is a question mark."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    click.echo(text)


def needs_terminal(command: str) -> None:
    """End the command, naming what to install, where the package that draws on terminals is not there."""
    with told(command):
        try:
            import rich  # noqa: F401
        except ModuleNotFoundError as fault:
            raise MissingExtraError("showing answers on a terminal", "rich", "report") from fault


def show(lines: Callable[[int], Iterable[Text]]) -> None:
    """Print the lines that *lines* makes for the width of the terminal."""
    from otel_verein.rendering.terminal import screen

    out = screen.console()
    screen.show(lines(screen.width_of(out)), out)


def _moment(_: click.Context, parameter: click.Parameter, given: str | None) -> int | None:
    if given is None:
        return None
    try:
        return moment(given)
    except click.BadParameter as fault:
        raise click.BadParameter(fault.message, param=parameter) from None


_OPERATION: Final = click.option(
    "--operation", metavar="GLOB", help="Only operations of this name; * and ? stand for anything."
)
_OPTIONS: Final = (
    click.option(
        "--source",
        "--from",
        "place",
        metavar="ADDRESS",
        help="Where to read: jaeger:URL, tempo:URL, clickhouse:URL, or a store, directory or file. Else "
        "source.address, else the store if there is one, else export.directory.",
    ),
    click.option(
        "--since",
        callback=_moment,
        metavar="TIME",
        help="From when on: 2h, 7d, 2026-11-25 or 2026-11-25T09:30:00Z; without offset UTC.",
    ),
    click.option("--until", callback=_moment, metavar="TIME", help="Up to when, as --since; not included."),
    click.option("--service", metavar="NAME", help="Only this service."),
    click.option("--environment", "environment_name", metavar="NAME", help="Only this deployment environment."),
    click.option("--release", metavar="VERSION", help="Only this service.version."),
    _OPERATION,
    click.option(
        "--config",
        "config_file",
        type=click.Path(path_type=Path),
        help="Configuration; else the one VEREIN_CONFIG names, else verein.yaml.",
    ),
)
