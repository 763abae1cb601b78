"""``otel-verein findings``: what costs more than it has to, and what mending it saves."""

from __future__ import annotations

import sys

import click

from otel_verein.analysis.findings import KINDS, SEVERITIES
from otel_verein.api.findings import findings as find
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
    write,
)


@click.command(context_settings=SETTINGS)
@asking
@click.option("--kind", "kinds", type=click.Choice(KINDS), multiple=True, help="Only this kind; may be repeated.")
@click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    help="End with 1 when a finding is as severe as this or worse, with 3 when no operation was measured.",
)
@json_option
@click.option("--markdown", is_flag=True, help="Print Markdown, short, for a pull request.")
@limit_option("Findings shown.")
def findings(
    question: Question, kinds: tuple[str, ...], fail_on: str | None, as_json: bool, markdown: bool, limit: int
) -> None:
    """Show repeated queries, slow statements, errors and operations with many queries, the most time wasted first.

    Each with its line of code, what mends it, and what that saves, computed from the data.
    """
    with answering("findings", question) as (source, config):
        answer = find(source, config, question.ask, kinds)
    warn("findings", answer.notes)
    if as_json:
        print_json(answer.as_dict())
    elif markdown:
        from otel_verein.rendering.markdown.findings import render

        write(render(answer, source.name, limit))
    else:
        needs_terminal("findings")
        from otel_verein.rendering.terminal.findings import lines

        show(lambda width: lines(answer, limit, width))
    if fail_on is None:
        return
    if any(SEVERITIES.index(each.severity) >= SEVERITIES.index(fail_on) for each in answer.findings):
        sys.exit(BAD)
    if not answer.operations:
        sys.exit(UNKNOWN)
