"""``otel-verein collector render`` and ``validate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from otel_verein.api.collector import Made, check, make
from otel_verein.cli.collector_command import binary_option, put, wanted_from, wanted_options
from otel_verein.cli.command import SETTINGS, environment, told


@click.command(context_settings=SETTINGS)
@wanted_options
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Where to write it; else it is printed."
)
def render(output: Path | None, config_file: Path | None, **options: Any) -> None:
    """Print the collector's configuration, complete and commented.

    Whatever is wrong is refused with its reason: a budget, an address, an open listener, an unknown backend.
    """
    with told("collector render"):
        made = make(wanted_from(options), environment(config_file))
    tell(made, "collector render")
    put("collector render", made.rendered.text, output)


@click.command(context_settings=SETTINGS)
@wanted_options
@binary_option
def validate(binary: str | None, config_file: Path | None, **options: Any) -> None:
    """Check the configuration by the collector itself, without starting it."""
    environ = environment(config_file)
    with told("collector validate"):
        made = make(wanted_from(options), environ)
        taken_by = check(made, binary, environ)
    tell(made, "collector validate")
    click.echo(f"{made.wanted.name}: valid; taken by {taken_by}")


def tell(made: Made, command: str) -> None:
    """Say on stderr what the configuration does not do, and what was left aside of ours."""
    for note in (*(str(each) for each in made.resolved.notes), *made.rendered.notes):
        click.echo(f"otel-verein {command}: note: {note}", err=True)
