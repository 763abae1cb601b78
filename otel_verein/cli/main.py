"""The ``otel-verein`` command; each subcommand is imported only when it is called."""

from __future__ import annotations

import click

from otel_verein.cli.lazy import LazyGroup
from otel_verein.version import __version__

_PLACES = {
    "run": ("otel_verein.cli.run", "run"),
    "report": ("otel_verein.cli.report", "report"),
    "findings": ("otel_verein.cli.findings", "findings"),
    "health": ("otel_verein.cli.health", "health"),
    "compare": ("otel_verein.cli.compare", "compare"),
    "trace": ("otel_verein.cli.trace", "trace"),
    "entity": ("otel_verein.cli.entity", "entity"),
    "trend": ("otel_verein.cli.trend", "trend"),
    "slow": ("otel_verein.cli.slow", "slow"),
    "differs": ("otel_verein.cli.differs", "differs"),
    "baseline": ("otel_verein.cli.baseline", "baseline"),
    "serve": ("otel_verein.cli.serve", "serve"),
    "store": ("otel_verein.cli.store", "store"),
    "config": ("otel_verein.cli.config", "config"),
    "collector": ("otel_verein.cli.collector", "collector"),
}


@click.group(cls=LazyGroup, places=_PLACES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="otel-verein")
def main() -> None:
    """Know the queries, the database time and the N+1 of every request and job."""
