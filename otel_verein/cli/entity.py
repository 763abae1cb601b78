"""``otel-verein entity``: what operations cost by what they were about."""

from __future__ import annotations

import click

from otel_verein.api.entity import entities
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
@click.argument("entity_type", metavar="[TYPE]", required=False)
@click.argument("entity_id", metavar="[ID]", required=False)
@asking
@json_option
@limit_option()
def entity(entity_type: str | None, entity_id: str | None, question: Question, as_json: bool, limit: int) -> None:
    """Show what operations cost by the entity they were about: all, those of a TYPE, or one ID of it.

    Costs are estimated from kept traces and their weights.
    """
    with answering("entity", question) as (source, config):
        answer = entities(source, config, question.ask, entity_type, entity_id)
    warn("entity", answer.notes)
    if as_json:
        print_json(answer.as_dict())
        return
    needs_terminal("entity")
    from otel_verein.rendering.terminal.entity import lines

    show(lambda width: lines(answer, limit, width))
