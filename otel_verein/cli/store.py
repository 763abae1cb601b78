"""``otel-verein store``: what telemetry files become when they are kept."""

from __future__ import annotations

import click

from otel_verein.cli.lazy import LazyGroup

_PLACES = {
    "ingest": ("otel_verein.cli.store_jobs", "ingest"),
    "rollup": ("otel_verein.cli.store_jobs", "rollup"),
    "compact": ("otel_verein.cli.store_jobs", "compact"),
    "retention": ("otel_verein.cli.store_jobs", "retention"),
    "run": ("otel_verein.cli.store_run", "run"),
    "watch": ("otel_verein.cli.store_run", "watch"),
    "status": ("otel_verein.cli.store_status", "status"),
    "verify": ("otel_verein.cli.store_verify", "verify"),
    "trace": ("otel_verein.cli.store_trace", "trace"),
    "backup": ("otel_verein.cli.store_backup", "backup"),
    "restore": ("otel_verein.cli.store_backup", "restore"),
}


@click.group(cls=LazyGroup, places=_PLACES, context_settings={"help_option_names": ["-h", "--help"]})
def store() -> None:
    """Keep telemetry: small, for long, and without losing any of it.

    Files of telemetry become Parquet, Parquet becomes figures by hour, day and month, and each is kept as long as
    verein.yaml says, in its sections store, retention and tiers. Only one of these commands writes at a time; others,
    and reports, may read meanwhile.
    """
