"""``otel-verein config show`` and ``get``: the configuration in force."""

from __future__ import annotations

from pathlib import Path

import click

from otel_verein.api.config import ENVIRONMENT, in_force, options_of, unknown_key
from otel_verein.cli.config_command import (
    SETTINGS,
    config_option,
    environment,
    fail,
    json_option,
    option,
    print_json,
    told,
)
from otel_verein.cli.render_config import render_settings, written

_INVALID = 1
"""The exit status when the configuration that is asked for has problems."""


@click.command(context_settings=SETTINGS)
@click.argument("keys", metavar="[KEY]...", nargs=-1)
@click.option("--why", is_flag=True, help="Say for each option what it comes from, and what that hides.")
@click.option("--all", "everything", is_flag=True, help="Every option, also those that are as by default.")
@json_option
@config_option
def show(keys: tuple[str, ...], why: bool, everything: bool, as_json: bool, config_file: Path | None) -> None:
    """Show the configuration in force here, and where it comes from.

    That is the one of a process that starts here: what differs from the defaults, or each KEY, which is an option such
    as thresholds.queries or a section. The output is a valid verein.yaml. If the configuration has problems, they are
    told, and the exit status is 1.
    """
    for key in keys:
        if not options_of(key):
            fail("show", unknown_key(key))
    with told("show", _INVALID):
        answer = in_force(environment(config_file))
    named = {each for key in keys for each in options_of(key)}
    chosen = [each for each in answer.settings if each.key in named or (not named and (everything or each.differs))]
    if as_json:
        shown = answer.as_dict() | {"options": [each.as_dict() for each in chosen]}
        print_json(shown)
    else:
        click.echo(render_settings(answer, chosen, why))


@click.command(context_settings=SETTINGS)
@click.argument("key")
@config_option
def get(key: str, config_file: Path | None) -> None:
    """Print the value of the option KEY in force here, as verein.yaml has it.

    The exit status is 1 if the configuration has problems, 2 if there is no such option.
    """
    option("get", key)
    with told("get", _INVALID):
        answer = in_force(environment(config_file))
    click.echo(answer.environment.name if key == ENVIRONMENT else written(answer.setting(key).value))
