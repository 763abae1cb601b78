"""``otel-verein config diff``: how two configurations differ."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from otel_verein.api.config import DEFAULTS, NOW, differences
from otel_verein.cli.config_command import SETTINGS, config_option, environment, json_option, print_json, told
from otel_verein.cli.render_config import render_differences

_DIFFERENT = 1


@click.command(context_settings=SETTINGS)
@click.argument("one", metavar="[A]", default=DEFAULTS)
@click.argument("other", metavar="[B]", default=NOW)
@json_option
@config_option
def diff(one: str, other: str, as_json: bool, config_file: Path | None) -> None:
    """Show which options differ between A (else `defaults`) and B (else `now`).

    Each is `defaults`; `development`, `staging` or `production` (what the environment presets); `file` (the file
    alone); `now` (in force here); the id of an entry of the history (as it was after it); or the path of a file. The
    exit status is 0 if they are equal, 1 if they differ, 2 if one of them cannot be used.
    """
    with told("diff"):
        answer = differences(one, other, environment(config_file))
    if as_json:
        print_json(answer.as_dict())
    elif answer.options:
        click.echo(render_differences(answer))
    sys.exit(_DIFFERENT if answer.options else 0)
