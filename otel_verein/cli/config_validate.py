"""``otel-verein config validate``: every problem at once."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from otel_verein.api.config_check import Validation
from otel_verein.api.config_check import validate as make_validation
from otel_verein.cli.config_command import SETTINGS, config_option, environment, json_option, print_json, short, told

_INVALID = 1


@click.command(context_settings=SETTINGS)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@json_option
@config_option
def validate(file: Path | None, as_json: bool, config_file: Path | None) -> None:
    """Check FILE, or the configuration here, in every environment.

    FILE is checked by itself; without it, all that a process reads that starts here, variables and override included.
    Each problem is a line `file:line: key: value and rule; cure`. The exit status is 0 for a valid configuration, 1
    for problems, 2 if the file cannot be read.
    """
    with told("validate"):
        answer = make_validation(environment(config_file), file)
    if as_json:
        print_json(answer.as_dict())
    else:
        click.echo("\n".join(_lines(answer)))
    sys.exit(_INVALID if answer.problems else 0)


def _lines(answer: Validation) -> list[str]:
    if answer.problems:
        return [short(str(problem)) for problem in answer.problems]
    name = short(str(answer.files.file))
    digest = f"digest {answer.digest}"
    if not answer.has_file:
        return [f"{name}: is not there; what variables and override say is valid; {digest}"]
    number = f"{answer.options} option{'' if answer.options == 1 else 's'} set"
    return [f"{name}: valid; {number}; {digest}"]
