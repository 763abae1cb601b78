"""``otel-verein collector rules``."""

from __future__ import annotations

from pathlib import Path

import click

from otel_verein.api.collector_rules import rules as make_rules
from otel_verein.cli.collector_command import ENV, put
from otel_verein.cli.command import SETTINGS, config_option, environment, told

_COMMAND = "collector rules"


@click.command(context_settings=SETTINGS)
@ENV
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Where to write them; else they are printed."
)
@config_option
def rules(env: str, output: Path | None, config_file: Path | None) -> None:
    """Print recording rules and alerts for Prometheus, made from the thresholds.

    Budgets, objective and levels are those of verein.yaml, so make them again when it changes.
    """
    with told(_COMMAND):
        text = make_rules(environment(config_file), env)
    put(_COMMAND, text, output)
