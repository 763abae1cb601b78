"""``otel-verein trend``: how operations went on over time, and when that changed."""

from __future__ import annotations

from datetime import timedelta

import click

from otel_verein.api.trend import trend as make_trend
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
from otel_verein.cli.config_command import duration


@click.command(context_settings=SETTINGS)
@asking
@click.option(
    "--step", callback=duration, metavar="TIME", help="Length of a step, such as 5m or 1h; else one that suits."
)
@json_option
@limit_option("Operations shown by themselves, those with the most time.", 10)
def trend(question: Question, step: timedelta | None, as_json: bool, limit: int) -> None:
    """Show rate, errors, times and queries step by step, and when one of them changed its level.

    No change is told from fewer steps than can show one, and chance is held back over all that were looked at.
    """
    with answering("trend", question) as (source, config):
        step_s = None if step is None else max(1, int(step.total_seconds()))
        answer = make_trend(source, config, question.ask, step_s, limit)
    warn("trend", answer.notes)
    if as_json:
        print_json(answer.as_dict())
        return
    needs_terminal("trend")
    from otel_verein.rendering.terminal.trend import lines

    show(lambda width: lines(answer, width))
