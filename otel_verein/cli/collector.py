"""``otel-verein collector``: a collector's configuration from ours, checked and run."""

from __future__ import annotations

import click

from otel_verein.cli.lazy import LazyGroup

_PLACES = {
    "render": ("otel_verein.cli.collector_render", "render"),
    "validate": ("otel_verein.cli.collector_render", "validate"),
    "run": ("otel_verein.cli.collector_run", "run"),
    "rules": ("otel_verein.cli.collector_rules", "rules"),
    "expire": ("otel_verein.cli.collector_expire", "expire"),
}


@click.group(cls=LazyGroup, places=_PLACES, context_settings={"help_option_names": ["-h", "--help"]})
def collector() -> None:
    """Render, check and run a collector that counts, keeps tiers apart, and exports to any backend.

    All of it follows from verein.yaml: its sections collector, backends and tiers, and its budgets.
    """
