"""``otel-verein health``: the score, and where its points went."""

from __future__ import annotations

import sys

import click

from otel_verein.api.health import health as make_health
from otel_verein.cli.answer_options import (
    BAD,
    SETTINGS,
    UNKNOWN,
    Question,
    answering,
    asking,
    json_option,
    limit_option,
    needs_terminal,
    print_json,
    show,
    warn,
)


@click.command(context_settings=SETTINGS)
@asking
@click.option(
    "--min",
    "least",
    type=click.FloatRange(0, 100),
    metavar="SCORE",
    help="End with 1 when the score is below this, with 3 when it is unknown.",
)
@json_option
@limit_option()
def health(question: Question, least: float | None, as_json: bool, limit: int) -> None:
    """Show how much of the error budget is left, and which operations and causes took the rest.

    Everything that the score is computed from is shown. It is unknown, not good, when too little was measured or
    telemetry was lost.
    """
    with answering("health", question) as (source, config):
        answer = make_health(source, config, question.ask)
    warn("health", answer.notes)
    if as_json:
        print_json(answer.as_dict())
    else:
        needs_terminal("health")
        from otel_verein.rendering.terminal.health import lines

        show(lambda width: lines(answer, limit, width))
    if least is None:
        return
    if answer.total.score is None:
        sys.exit(UNKNOWN)
    if answer.total.score < least:
        sys.exit(BAD)
