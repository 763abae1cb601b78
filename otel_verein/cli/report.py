"""``otel-verein report``: what happened, from the store or the telemetry files."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from otel_verein.api.places import source_of
from otel_verein.api.report import Report
from otel_verein.api.report import report as make_report
from otel_verein.cli.render_report import render
from otel_verein.config.files import FILE_VARIABLE
from otel_verein.config.load import load
from otel_verein.errors import ConfigError, MissingExtraError, SourceError

_CANNOT = 2
"""The exit status when there is nothing to report from; the one click uses for a wrong command line."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--from",
    "place",
    type=click.Path(path_type=Path),
    help="Store, directory or file to read; else store.directory if there is a store, else export.directory.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object (schema version 1).")
@click.option("--operation", metavar="GLOB", help="Only operations of this name; * and ? stand for anything.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Rows per table on the terminal.",
)
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="Configuration; else verein.yaml.")
def report(place: Path | None, as_json: bool, operation: str | None, limit: int, config_file: Path | None) -> None:
    """Show what every operation did: queries, durations, N+1 findings, health.

    Counts are exact over all operations, percentiles are within 5 %.
    """
    environ = dict(os.environ)
    if config_file is not None:
        environ[FILE_VARIABLE] = str(config_file)
    try:
        config = load(environ)
        source = source_of(config, place)
        answer = make_report(source, config, operation)
    except (ConfigError, MissingExtraError, SourceError) as fault:
        click.echo(f"otel-verein report: {fault}", err=True)
        sys.exit(_CANNOT)
    for note in answer.notes:
        click.echo(f"otel-verein report: warning: {note}", err=True)
    click.echo(_as_json(answer) if as_json else render(answer, source.name, limit, operation))


def _as_json(answer: Report) -> str:
    return json.dumps(answer.as_dict(), indent=2, ensure_ascii=False, allow_nan=False)
