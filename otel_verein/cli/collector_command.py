"""What the commands of ``otel-verein collector`` have in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from otel_verein.api.collector import Wanted
from otel_verein.cli.command import config_option, fail

_Function = TypeVar("_Function", bound=Callable[..., Any])

ENV = click.option(
    "--env", "env", default="", metavar="E", help="development, staging or production; else as detected."
)
"""The option that names the environment, as ``env``."""

_OPTIONS = (
    click.option("--topology", required=True, metavar="T", help="agent, gateway or kafka."),
    click.option("--role", default="", metavar="R", help="For kafka: agent or gateway."),
    click.option(
        "--backend",
        "backends",
        multiple=True,
        metavar="B",
        help="files, otlp, jaeger, tempo, clickhouse, kafka or prometheus; may be given more than once. Else files.",
    ),
    ENV,
    click.option("--gate-free", is_flag=True, help="Without a feature gate: as collector.record_policy: false."),
    config_option,
)


def wanted_options(function: _Function) -> _Function:
    """The options that say which collector is wanted."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def binary_option(function: _Function) -> _Function:
    """The option that names the collector's program, as ``binary``."""
    help_text = "The collector; else VEREIN_COLLECTOR, otel-verein-collector or otelcol-contrib."
    return click.option("--binary", metavar="PATH", help=help_text)(function)


def put(command: str, text: str, output: Path | None) -> None:
    """Write *text* to *output*, or print it; a place that cannot be written to ends the *command*."""
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as fault:
        fail(command, f"{output}: cannot be written: {fault.strerror or fault}")


def wanted_from(options: dict[str, Any]) -> Wanted:
    """The collector that these options ask for."""
    return Wanted(options["topology"], options["role"], options["backends"], options["env"], options["gate_free"])
