"""``otel-verein compare``: what got worse or better between two windows or releases, or since a baseline."""

from __future__ import annotations

import sys
from typing import Final

import click

from otel_verein.analysis.compare import Comparison
from otel_verein.analysis.snapshots import Snapshot
from otel_verein.api.asking import Side, limited
from otel_verein.api.asking import side as asked_side
from otel_verein.api.baselines import show as stored
from otel_verein.api.compare import compare as make_comparison
from otel_verein.api.places import source_of
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
    root_of,
    show,
    warn,
    write,
)
from otel_verein.sources.base import ALL, Ask

_STATUS: Final = {"worse": BAD, "unknown": UNKNOWN, "inconclusive": UNKNOWN}


class _SideType(click.ParamType):  # type: ignore[type-arg]  # generic only in newer versions of click
    """A side as it is written on the command line."""

    name = "side"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Side:
        """The side; fails saying what it has to be."""
        if isinstance(value, Side):
            return value
        try:
            return side(str(value))
        except click.BadParameter as fault:
            self.fail(fault.message, param, ctx)


def side(text: str, base: Ask = ALL) -> Side:
    """What *text* says, see :func:`otel_verein.api.asking.side`; raises BadParameter for what says none."""
    try:
        return asked_side(text, base)
    except ValueError as fault:
        raise click.BadParameter(str(fault)) from None


@click.command(context_settings=SETTINGS)
@asking
@click.option("--before", type=_SideType(), metavar="SIDE", help="The older side, such as 2d..1d or release:1.2.")
@click.option(
    "--after", type=_SideType(), metavar="SIDE", help="The newer side; else all that the other options leave."
)
@click.option("--before-source", metavar="ADDRESS", help="Where the older side is read, if not where --source says.")
@json_option
@click.option("--markdown", is_flag=True, help="Print Markdown, short, for a pull request.")
@limit_option()
def compare(
    question: Question,
    before: Side | None,
    after: Side | None,
    before_source: str | None,
    as_json: bool,
    markdown: bool,
    limit: int,
) -> None:
    """Compare two sides: counts exactly, times with intervals, findings gone and new.

    A SIDE is FROM..TO (2d..1d, 1d.., 2026-11-24..2026-11-25), release:VERSION, env:NAME, baseline:NAME, or several of
    them with commas between. The exit status is 1 when it got worse, 3 when that cannot be told.
    """
    if before is None and before_source is None:
        raise click.UsageError("there is nothing to compare with: say --before or --before-source")
    if after is not None and after.baseline is not None:
        raise click.UsageError("a baseline can only be the older side: say --before baseline:NAME")
    with answering("compare", question) as (source, config):
        other = None if before_source is None else source_of(config, before_source)
        older: Ask | Snapshot = _asked(question, before)
        if before is not None and before.baseline is not None:
            older = stored(root_of(question, config), before.baseline, before.number)
        answer = make_comparison(source, config, older, _asked(question, after), before_source=other)
    told_comparison("compare", answer, as_json=as_json, markdown=markdown, limit=limit)


def told_comparison(command: str, answer: Comparison, *, as_json: bool, markdown: bool, limit: int) -> None:
    """Print the *answer*, and end with the status of its verdict."""
    warn(command, answer.notes)
    if as_json:
        print_json(answer.as_dict())
    elif markdown:
        from otel_verein.rendering.markdown.compare import render

        write(render(answer, limit))
    else:
        needs_terminal(command)
        from otel_verein.rendering.terminal.compare import lines

        show(lambda width: lines(answer, limit, width))
    sys.exit(_STATUS.get(answer.verdict, 0))


def _asked(question: Question, side: Side | None) -> Ask:
    """What is asked for on a side: the options of the question, and what the side says beyond them."""
    return question.ask if side is None else limited(question.ask, side.ask)
