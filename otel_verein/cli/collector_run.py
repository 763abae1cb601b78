"""``otel-verein collector run``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from otel_verein.api.collector import make, prepare
from otel_verein.cli.collector_command import binary_option, wanted_from, wanted_options
from otel_verein.cli.collector_render import tell
from otel_verein.cli.command import SETTINGS, environment, fail, short, told

_COMMAND = "collector run"


@click.command(context_settings=SETTINGS)
@wanted_options
@binary_option
def run(binary: str | None, config_file: Path | None, **options: Any) -> None:
    """Render the configuration, check it, and become the collector.

    Nothing starts with a configuration that is wrong. Signals reach the collector itself: SIGTERM ends it, and what it
    holds is written first. Its memory limit and feature gates are set here.
    """
    environ = environment(config_file)
    with told(_COMMAND):
        made = make(wanted_from(options), environ)
        start = prepare(made, binary, environ)
    tell(made, _COMMAND)
    for path in start.mended:
        click.echo(
            f"otel-verein {_COMMAND}: {short(str(path))}: its last line was cut off by a crash, and ended", err=True
        )
    click.echo(f"otel-verein {_COMMAND}: {made.wanted.name}, by {short(str(start.file))}", err=True)
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execve(start.words[0], start.words, start.environ)
    except OSError as fault:
        fail(_COMMAND, f"{start.words[0]}: {fault.strerror or fault}")
