"""``otel-verein differs``: what the slow ones of an operation have that the normal ones have not."""

from __future__ import annotations

import click

from otel_verein.analysis.differs import P95, PARTS
from otel_verein.api.differs import differs as find
from otel_verein.cli.answer_options import (
    SETTINGS,
    Question,
    answering,
    asking_of_operation,
    json_option,
    limit_option,
    needs_terminal,
    print_json,
    show,
    warn,
)


@click.command(context_settings=SETTINGS)
@asking_of_operation
@click.option(
    "--by",
    type=click.Choice(PARTS),
    default=P95,
    show_default=True,
    help="What is slow: above the 95th percentile, or past the budget of time.",
)
@json_option
@limit_option("Differences shown, the strongest ones.")
def differs(operation: str, question: Question, by: str, as_json: bool, limit: int) -> None:
    """Show what tells the slow ones of OPERATION from the normal ones: attributes and figures, the strongest first."""
    with answering("differs", question) as (source, config):
        answer = find(source, config, question.ask, by, limit)
    warn("differs", answer.notes)
    if as_json:
        print_json(answer.as_dict())
        return
    needs_terminal("differs")
    from otel_verein.rendering.terminal.differs import lines

    show(lambda width: lines(answer, operation, width))
