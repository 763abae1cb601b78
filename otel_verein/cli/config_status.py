"""``otel-verein config status``: which processes run the configuration that is in force here."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import click

from otel_verein.api.config_status import status as make_status
from otel_verein.api.places import local_source
from otel_verein.cli.config_command import (
    CANNOT,
    SETTINGS,
    config_option,
    duration,
    environment,
    json_option,
    print_json,
    short,
    told,
)
from otel_verein.cli.render_config_status import render_status
from otel_verein.config import Config
from otel_verein.config.layers import variable_of
from otel_verein.config.load import load
from otel_verein.errors import ConfigError

_LAGS = 1


@click.command(context_settings=SETTINGS)
@click.option(
    "--from",
    "place",
    type=click.Path(path_type=Path),
    help="Store, directory or file to read; else store.directory if there is a store, else export.directory.",
)
@click.option(
    "--older-than",
    callback=duration,
    default="15m",
    show_default=True,
    metavar="TIME",
    help="A process that was not seen for so long is gone.",
)
@json_option
@config_option
def status(place: Path | None, older_than: timedelta, as_json: bool, config_file: Path | None) -> None:
    """Show which processes run the configuration that is in force here.

    Each is judged by what it last said on metrics, in its own environment. A process reports with the figures of its
    operations and whenever its configuration changes, so one without work is silent. The exit status is 0 if all that
    are not gone are current, 1 if one is not, 2 if there is none to judge.
    """
    environ = environment(config_file)
    with told("status"):
        source = local_source(_places(environ), place)
        answer = make_status(source, environ, older_than)
    for note in answer.notes:
        click.echo(f"otel-verein config status: warning: {note}", err=True)
    for problem in answer.problems:
        click.echo(f"otel-verein config status: {short(str(problem))}", err=True)
    if as_json:
        print_json(answer.as_dict())
    else:
        click.echo(render_status(answer))
    sys.exit(CANNOT if not answer.alive else _LAGS if answer.lags else 0)


def _places(environ: Mapping[str, str]) -> Config:
    """Where processes write and the store is; with a file that is not valid, where the variables or the defaults say.

    That is when the question what they run is asked most.
    """
    try:
        return load(environ)
    except ConfigError:
        config = Config()
        sections = {name: getattr(config, name) for name in ("export", "store", "collector")}
        return replace(
            config,
            **{
                name: replace(section, directory=environ.get(variable_of(f"{name}.directory")) or section.directory)
                for name, section in sections.items()
            },
        )
