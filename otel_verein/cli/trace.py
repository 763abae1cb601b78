"""``otel-verein trace``: one trace by its id, from any source."""

from __future__ import annotations

import click

from otel_verein.cli.answer_options import (
    SETTINGS,
    Question,
    answering,
    json_option,
    limit_option,
    needs_terminal,
    place_options,
    print_json,
    show,
)
from otel_verein.cli.command import fail


@click.command(context_settings=SETTINGS)
@click.argument("trace_id", metavar="ID")
@place_options
@json_option
@limit_option("Spans shown: those that took the most.", 200)
def trace(trace_id: str, question: Question, as_json: bool, limit: int) -> None:
    """Show the trace with this ID of 32 hexadecimal digits as a waterfall.

    Repeated queries are one line, with how many they were. The exit status is 2 when it is not there: sampled out, or
    past the days of its tier.
    """
    with answering("trace", question) as (source, _):
        spans = source.trace(trace_id)
    if not spans:
        fail("trace", f"{trace_id}: no span of it is in {source.name}: sampled out, or past the days of its tier")
    if as_json:
        from otel_verein.api.traces import as_dict

        print_json(as_dict(spans))
        return
    needs_terminal("trace")
    from otel_verein.rendering.terminal.trace import lines
    from otel_verein.rendering.waterfall import waterfall

    show(lambda width: lines(waterfall(spans, limit), width))
