"""``otel-verein store status``: what is kept, and how far behind the store is."""

from __future__ import annotations

from pathlib import Path

import click

from otel_verein.api.store import status as make_status
from otel_verein.cli.command import SETTINGS, config_option, told
from otel_verein.cli.config_command import json_option, print_json
from otel_verein.cli.render_store_status import render_status
from otel_verein.cli.store_command import from_option, here


@click.command(context_settings=SETTINGS)
@from_option
@json_option
@config_option
def status(sources: tuple[Path, ...], as_json: bool, config_file: Path | None) -> None:
    """Show what is kept, how small it became, how far behind the store is, and what was set aside."""
    with told("store status"):
        answer = make_status(here(config_file, sources))
    if as_json:
        print_json(answer.as_dict())
    else:
        click.echo(render_status(answer))
