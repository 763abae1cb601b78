"""``otel-verein config history`` and ``rollback``."""

from __future__ import annotations

from pathlib import Path

import click

from otel_verein.api import config_changes
from otel_verein.api.config import ENVIRONMENT, options_of, unknown_key
from otel_verein.cli.config_command import SETTINGS, config_option, environment, fail, json_option, print_json, told
from otel_verein.cli.render_config import render_history
from otel_verein.cli.render_config_change import render_outcome


@click.command(context_settings=SETTINGS)
@click.argument("key", required=False)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Entries to show.")
@json_option
@config_option
def history(key: str | None, limit: int, as_json: bool, config_file: Path | None) -> None:
    """Show who changed what, when and why, the newest first.

    With KEY, an option or a section, only its changes. What an editor did is noticed, and told, at the next change.
    """
    if key is not None and key != ENVIRONMENT and not options_of(key):
        fail("history", unknown_key(key))
    with told("history"):
        found = config_changes.history(environment(config_file), key)
    shown = found[:limit]
    if as_json:
        print_json(config_changes.history_as_dict(shown))
    elif shown:
        click.echo(render_history(shown, len(found) - len(shown)))
    else:
        click.echo("no change is on record" + (f" for {key}" if key else ""))


@click.command(context_settings=SETTINGS)
@click.argument("entry_id", metavar="ID", type=click.IntRange(min=0))
@click.option("--reason", default="", metavar="TEXT", help="Why, for the history.")
@click.option("--override", "layer", flag_value="override", help="Bring back the run-time override.")
@click.option("--file", "layer", flag_value="file", help="Bring back the file.")
@config_option
def rollback(entry_id: int, reason: str, layer: str | None, config_file: Path | None) -> None:
    """Bring the file back to what it was after the entry ID of the history; 0: before the first one.

    If the entry is about the run-time override, that is brought back instead. The whole file comes back, byte for byte,
    and this is an entry of the history, too. What is not valid any more is refused.
    """
    override = None if layer is None else layer == "override"
    with told("rollback"):
        outcome = config_changes.rollback(entry_id, reason, environment(config_file), override=override)
    click.echo(render_outcome(outcome))
