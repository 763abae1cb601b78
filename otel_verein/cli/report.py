"""``otel-verein report``: what happened, on a terminal, as JSON, as a page, or for a pull request."""

from __future__ import annotations

from pathlib import Path

import click

from otel_verein.api.baselines import notes
from otel_verein.api.report import report as make_report
from otel_verein.cli.answer_options import (
    SETTINGS,
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


@click.command(context_settings=SETTINGS)
@asking
@json_option
@click.option(
    "--html",
    "html_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write one HTML file that needs nothing but itself: charts, tables to sort, example traces.",
)
@click.option("--markdown", is_flag=True, help="Print Markdown, short, for a pull request.")
@limit_option()
def report(question: Question, as_json: bool, html_file: Path | None, markdown: bool, limit: int) -> None:
    """Show what every operation did: queries, durations, findings, health.

    Counts are exact over all operations, percentiles are within 5 %; what is estimated from sampled traces says so.
    """
    with answering("report", question) as (source, config):
        answer = make_report(source, config, question.ask, baselines=notes(root_of(question, config)))
        warn("report", answer.notes)
        if html_file is not None:
            from otel_verein.cli.report_page import write_page

            size = write_page(html_file, answer, source, config, question.ask)
            click.echo(f"{html_file}: {size / 1000:.0f} kB", err=as_json or markdown)
    if as_json:
        print_json(answer.as_dict())
    elif markdown:
        from otel_verein.rendering.markdown.report import render

        write(render(answer, source.name))
    elif html_file is None:
        needs_terminal("report")
        from otel_verein.rendering.terminal.report import lines

        show(lambda width: lines(answer, source.name, limit, width, question.ask.operation))
