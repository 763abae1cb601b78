"""``otel-verein store backup`` and ``restore``: the whole store as one file."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from otel_verein.api.store import backup as make_backup
from otel_verein.api.store import restore as make_restore
from otel_verein.cli.command import SETTINGS, config_option, short, told
from otel_verein.cli.render_store import size
from otel_verein.cli.render_store_verdict import render_verdict
from otel_verein.cli.store_command import PROBLEMS, here, wait_option


@click.command(context_settings=SETTINGS)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@wait_option
@config_option
def backup(file: Path, wait_s: float, config_file: Path | None) -> None:
    """Write the whole store, as it is at this moment, to FILE, which must not be there yet.

    Writers are held up for moments, readers not at all. It is a tar file that `restore`, and any tar, can read.
    """
    with told("store backup"):
        made = make_backup(here(config_file), file, wait_s)
    click.echo(f"{short(str(file.absolute()))}: {made.files:,} files, {size(made.bytes)}")


@click.command(context_settings=SETTINGS)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--to", "directory", type=click.Path(path_type=Path), help="Where to; else store.directory.")
@config_option
def restore(file: Path, directory: Path | None, config_file: Path | None) -> None:
    """Make a store from FILE, where there is none yet; every file is checked before it counts."""
    with told("store restore"):
        made = make_restore(here(config_file), file, directory)
    click.echo(f"{short(str(made.root.absolute()))}: {made.files:,} files of {made.made}, {size(made.bytes)}")
    click.echo(render_verdict(made.verdict))
    sys.exit(0 if made.verdict.sound else PROBLEMS)
