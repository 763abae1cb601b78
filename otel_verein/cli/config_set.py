"""``otel-verein config set`` and ``unset``: change one option, in the file or for a time."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import click

from otel_verein.api.config_changes import Wish, change, value_of_text
from otel_verein.cli.config_command import SETTINGS, config_option, duration, environment, option, told
from otel_verein.cli.render_config_change import render_outcome
from otel_verein.config.changes import UNSET
from otel_verein.config.presets import ENVIRONMENTS

_BLOCK = click.option(
    "--environment", "block", type=click.Choice(ENVIRONMENTS), help="Only there: in its block of the file."
)
_OVERRIDE = click.option("--override", is_flag=True, help="In the run-time override instead of the file.")
_REASON = click.option("--reason", default="", metavar="TEXT", help="Why, for the history.")
# so that VALUE may be -1: validation says what is wrong with that
_NEGATIVE: dict[str, Any] = SETTINGS | {"ignore_unknown_options": True}


@click.command("set", context_settings=_NEGATIVE)
@click.argument("key")
@click.argument("value")
@_REASON
@_BLOCK
@_OVERRIDE
@click.option("--for", "length", callback=duration, metavar="TIME", help="As an override that ends, such as 30m or 2h.")
@config_option
def set_option(
    key: str,
    value: str,
    reason: str,
    block: str | None,
    override: bool,
    length: timedelta | None,
    config_file: Path | None,
) -> None:
    """Set the option KEY to VALUE, in the file or for a time.

    VALUE is written as in verein.yaml: 30, 0.5, true, text, [one, two]. The file keeps its comments and order, or is
    made if there is none. Nothing is written if the outcome would not be valid. Running processes take the change over
    by themselves.
    """
    option("set", key)
    _refuse_both(block, override or length is not None)
    until = None if length is None else datetime.now(timezone.utc) + length
    with told("set"):
        wish = Wish(key, value_of_text(value), block or "", override or until is not None, until, reason)
        outcome = change(wish, environment(config_file))
    click.echo(render_outcome(outcome, wish))


@click.command(context_settings=SETTINGS)
@click.argument("key")
@_REASON
@_BLOCK
@_OVERRIDE
@config_option
def unset(key: str, reason: str, block: str | None, override: bool, config_file: Path | None) -> None:
    """Take the option KEY out of the file, so that what is weaker holds again."""
    option("unset", key)
    _refuse_both(block, override)
    wish = Wish(key, UNSET, block or "", override, why=reason)
    with told("unset"):
        outcome = change(wish, environment(config_file))
    click.echo(render_outcome(outcome, wish))


def _refuse_both(block: str | None, override: bool) -> None:
    if block and override:
        raise click.UsageError("the override has no environments: it holds where it is; leave out --environment")
