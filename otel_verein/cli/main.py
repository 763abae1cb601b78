"""The ``otel-verein`` command; each subcommand is imported only when it is called."""

from __future__ import annotations

import importlib

import click

from otel_verein.version import __version__

_COMMANDS = {"run": "otel_verein.cli.run", "report": "otel_verein.cli.report"}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = _COMMANDS.get(cmd_name)
        if module is None:
            return None
        command = getattr(importlib.import_module(module), cmd_name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="otel-verein")
def main() -> None:
    """Know the queries, the database time and the N+1 of every request and job."""
