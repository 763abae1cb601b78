"""``otel-verein slow``: the slowest operations that were kept, and why they were slow."""

from __future__ import annotations

import click

from otel_verein.api.slow import slowest
from otel_verein.cli.answer_options import (
    SETTINGS,
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
@click.option("--failed", is_flag=True, help="Only operations that ended with an error.")
@json_option
@limit_option("Operations shown.")
def slow(question: Question, failed: bool, as_json: bool, limit: int) -> None:
    """Show the slowest operations of which the trace was kept, with its id for `otel-verein trace`."""
    with answering("slow", question) as (source, config):
        answer = slowest(source, config, question.ask, limit, failed)
    warn("slow", answer.notes)
    if as_json:
        print_json(answer.as_dict())
        return
    needs_terminal("slow")
    from otel_verein.rendering.terminal.slow import lines

    show(lambda width: lines(answer, width))
