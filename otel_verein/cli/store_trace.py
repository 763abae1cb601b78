"""``otel-verein store trace``: one trace by its id."""

from __future__ import annotations

from pathlib import Path

import click

from otel_verein.api.store import trace as find
from otel_verein.api.traces import as_dict
from otel_verein.cli.command import SETTINGS, config_option, told
from otel_verein.cli.config_command import json_option, print_json
from otel_verein.cli.render_store_trace import render_trace
from otel_verein.cli.store_command import here


@click.command(context_settings=SETTINGS)
@click.argument("trace_id", metavar="ID")
@json_option
@config_option
def trace(trace_id: str, as_json: bool, config_file: Path | None) -> None:
    """Show the trace with this ID of 32 hexadecimal digits, also when it is not in the store yet.

    The exit status is 2 when it is not there, or is there no longer: sampled out, or past the days of its tier.
    """
    with told("store trace"):
        spans = find(here(config_file), trace_id)
    if as_json:
        print_json(as_dict(spans))
    else:
        click.echo(render_trace(spans))
