"""``otel-verein store verify``: whether every row is accounted for."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from otel_verein.api.store import verify as make_verdict
from otel_verein.cli.command import SETTINGS, config_option, told
from otel_verein.cli.config_command import json_option, print_json
from otel_verein.cli.render_store_verdict import render_verdict
from otel_verein.cli.store_command import PROBLEMS, here


@click.command(context_settings=SETTINGS)
@click.option("--quick", is_flag=True, help="Compare names, sizes and sums of the journal, without reading the files.")
@json_option
@config_option
def verify(quick: bool, as_json: bool, config_file: Path | None) -> None:
    """Prove that every row is accounted for, from the first file taken to the coarsest figure.

    Files are read and compared with the journal, and each sum with what it was made from. It may run while others
    write. The exit status is 0 if all is right, 1 if something is not, 2 if it cannot be told.
    """
    with told("store verify"):
        verdict = make_verdict(here(config_file), quick=quick)
    if as_json:
        print_json(verdict.as_dict())
    else:
        click.echo(render_verdict(verdict))
    sys.exit(0 if verdict.sound else PROBLEMS)
