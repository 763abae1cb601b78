"""``otel-verein collector rules``."""

from __future__ import annotations

from pathlib import Path

import click

from otel_verein.api.collector_rules import rules as make_rules
from otel_verein.cli.command import SETTINGS, config_option, environment, fail, told

_COMMAND = "collector rules"


@click.command(context_settings=SETTINGS)
@click.option("--env", "env", default="", metavar="E", help="development, staging or production; else as detected.")
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
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as fault:
        fail(_COMMAND, f"{output}: cannot be written: {fault.strerror or fault}")
