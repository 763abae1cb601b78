"""The jobs of ``otel-verein store``, one at a time: ingest, rollup, compact, retention."""

from __future__ import annotations

import time
from pathlib import Path

import click

from otel_verein.api.store import Place
from otel_verein.api.store_jobs import COMPACT, INGEST, RETENTION, ROLLUP, Controls, retention_plan, run_job
from otel_verein.cli.command import SETTINGS, config_option, fail, told
from otel_verein.cli.render_store_jobs import lines_of
from otel_verein.cli.render_store_plan import render_plan
from otel_verein.cli.store_command import bar, from_option, here, wait_option

_OFF = "capabilities.retention is off, so nothing is added up or deleted"


@click.command(context_settings=SETTINGS)
@from_option
@wait_option
@config_option
def ingest(sources: tuple[Path, ...], wait_s: float, config_file: Path | None) -> None:
    """Take telemetry files into the store.

    Open files are taken as far as they are written. A file that is wholly in the store, and found there again, is
    deleted unless store.keep_segments is set. What cannot be taken is set aside with the reason, the rest is taken.
    """
    with told("store ingest"), bar() as progress:
        place = here(config_file, sources)
        result = run_job(place, INGEST, Controls(wait_s, progress=progress))
    click.echo("\n".join(lines_of(INGEST, result)))


@click.command(context_settings=SETTINGS)
@wait_option
@config_option
def rollup(wait_s: float, config_file: Path | None) -> None:
    """Add up hours, days and months that are old enough.

    An hour is due once it is older than retention.aggregate_after_h; one that late data came to is added up again.
    """
    _do(ROLLUP, wait_s, config_file)


@click.command(context_settings=SETTINGS)
@wait_option
@config_option
def compact(wait_s: float, config_file: Path | None) -> None:
    """Merge the small files of each hour; what they say stays the same."""
    _do(COMPACT, wait_s, config_file)


@click.command(context_settings=SETTINGS)
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, why, and what may not go yet.")
@wait_option
@config_option
def retention(dry_run: bool, wait_s: float, config_file: Path | None) -> None:
    """Delete what is past its days, or beyond retention.disk_mb.

    Nothing goes before what takes its place is on disk, and was read there just before.
    """
    if not dry_run:
        _do(RETENTION, wait_s, config_file)
        return
    with told("store retention"):
        place = here(config_file)
        _refuse_without_retention(place, RETENTION)
        plan = retention_plan(place, time.time())
    click.echo(render_plan(plan))


def _do(job: str, wait_s: float, config_file: Path | None) -> None:
    with told(f"store {job}"):
        place = here(config_file)
        _refuse_without_retention(place, job)
        result = run_job(place, job, Controls(wait_s))
    click.echo("\n".join(lines_of(job, result)))


def _refuse_without_retention(place: Place, job: str) -> None:
    if job in (ROLLUP, RETENTION) and not place.config.capabilities.retention:
        fail(f"store {job}", _OFF)
