"""``otel-verein config schema`` and ``sample``: what can be set."""

from __future__ import annotations

import click

from otel_verein.cli.config_command import SETTINGS, print_json
from otel_verein.config import describe
from otel_verein.config.presets import ENVIRONMENTS


@click.command(context_settings=SETTINGS)
def schema() -> None:
    """Print the JSON Schema of verein.yaml, for editors."""
    print_json(describe.json_schema())


@click.command(context_settings=SETTINGS)
@click.option("--environment", type=click.Choice(ENVIRONMENTS), help="With the values it presets.")
def sample(environment: str | None) -> None:
    """Print a verein.yaml with every option as a comment: its meaning, bounds and default."""
    click.echo(describe.sample(environment or ""), nl=False)
