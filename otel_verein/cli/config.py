"""``otel-verein config``: what is in force and why, and changes with a history."""

from __future__ import annotations

import errno
from typing import Any

import click

from otel_verein.cli.lazy import LazyGroup

_PLACES = {
    "show": ("otel_verein.cli.config_show", "show"),
    "get": ("otel_verein.cli.config_show", "get"),
    "set": ("otel_verein.cli.config_set", "set_option"),
    "unset": ("otel_verein.cli.config_set", "unset"),
    "validate": ("otel_verein.cli.config_validate", "validate"),
    "diff": ("otel_verein.cli.config_diff", "diff"),
    "history": ("otel_verein.cli.config_history", "history"),
    "rollback": ("otel_verein.cli.config_history", "rollback"),
    "schema": ("otel_verein.cli.config_describe", "schema"),
    "sample": ("otel_verein.cli.config_describe", "sample"),
    "status": ("otel_verein.cli.config_status", "status"),
}


class _Config(LazyGroup):
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except OSError as fault:
            if fault.errno == errno.EPIPE:  # whoever read the output has enough of it: click ends quietly
                raise
            click.echo(f"otel-verein config: cannot be printed: {fault.strerror or fault}", err=True)
            ctx.exit(2)


@click.group(cls=_Config, places=_PLACES, context_settings={"help_option_names": ["-h", "--help"]})
def config() -> None:
    """Show, check and change the configuration, also while processes run.

    What comes later wins: defaults, preset of the environment, file, its block for the environment, OTEL_* variables,
    VEREIN_* variables, run-time override.
    """
