"""What the commands of ``otel-verein store`` have in common."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from otel_verein.api.store import Place, place
from otel_verein.cli.command import environment

PROBLEMS = 1
"""The exit status when something is wrong with the store."""

_Function = TypeVar("_Function", bound=Callable[..., Any])


def wait_option(function: _Function) -> _Function:
    """The option that says how long to wait for the lock, as ``wait_s``."""
    return click.option(
        "--wait",
        "wait_s",
        type=click.FloatRange(min=0),
        default=0.0,
        metavar="SECONDS",
        help="How long to wait while another command writes to the store; else it ends at once, saying which.",
    )(function)


def from_option(function: _Function) -> _Function:
    """The option that names where files are taken from, as ``sources``."""
    return click.option(
        "--from",
        "sources",
        type=click.Path(path_type=Path),
        multiple=True,
        metavar="DIR",
        help="Directory or file to take; may be given more than once. Else export.directory, and that of a collector.",
    )(function)


def here(config_file: Path | None, sources: tuple[Path, ...] = ()) -> Place:
    """The store of the working directory, as variables and the file say."""
    return place(environment(config_file), sources)


class Bar:
    """A bar on the terminal that fills as bytes are taken; there is none before the first are, or without terminal."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._done = 0

    def __call__(self, done: int, total: int) -> None:
        """*done* bytes of *total*."""
        if self._bar is None:
            self._bar = click.progressbar(length=total, label="taking in", file=sys.stderr, show_pos=False)
            self._bar.__enter__()
        self._bar.length = total
        self._bar.update(done - self._done)
        self._done = done

    def close(self) -> None:
        """Leave the line."""
        if self._bar is not None:
            self._bar.__exit__(None, None, None)


@contextmanager
def bar() -> Iterator[Bar | None]:
    """A bar where stderr is a terminal, and nothing where it is not."""
    if not sys.stderr.isatty():
        yield None
        return
    shown = Bar()
    try:
        yield shown
    finally:
        shown.close()
