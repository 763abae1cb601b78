"""``otel-verein collector expire``."""

from __future__ import annotations

from pathlib import Path

import click

from otel_verein.api.collector import expire as make_expire
from otel_verein.cli.command import SETTINGS, config_option, environment, fail, short, told

_COMMAND = "collector expire"
_MIB = 1024 * 1024


@click.command(context_settings=SETTINGS)
@click.option("--dry-run", is_flag=True, help="Say what would be deleted.")
@config_option
def expire(dry_run: bool, config_file: Path | None) -> None:
    """Delete the files of tiers that are older than tiers.long_d, medium_d and short_d.

    The collector does so itself as it begins a new file; run this daily for tiers in which little happens.
    """
    try:
        with told(_COMMAND):
            found = make_expire(environment(config_file), dry_run=dry_run)
    except OSError as fault:
        fail(_COMMAND, f"{fault.filename}: {fault.strerror or fault}")
    for each in found:
        click.echo(
            f"{short(str(each.path.absolute()))}: {each.size / _MIB:.1f} MiB, "
            f"last written {each.ended:%Y-%m-%d %H:%M} UTC"
        )
    done = "would be deleted" if dry_run else "deleted"
    click.echo(
        f"{len(found)} file{'' if len(found) == 1 else 's'} {done}, {sum(each.size for each in found) / _MIB:.1f} MiB"
    )
