"""``otel-verein baseline``: named snapshots of what operations did, to compare with later."""

from __future__ import annotations

import click

from otel_verein.api import baselines
from otel_verein.cli.answer_options import (
    SETTINGS,
    Question,
    answering,
    asking,
    configured,
    json_option,
    limit_option,
    needs_terminal,
    place_options,
    print_json,
    root_of,
    show,
    warn,
)
from otel_verein.cli.compare import told_comparison

_number = click.option(
    "--number", type=click.IntRange(min=1), metavar="NUMBER", help="This version of it; else the latest."
)


@click.group(context_settings=SETTINGS)
def baseline() -> None:
    """Take named snapshots of what operations did, and compare with them later.

    They are kept in the store, each version as its own file that never changes, until somebody removes it.
    """


@baseline.command(context_settings=SETTINGS)
@click.argument("name", metavar="NAME")
@asking
@json_option
def take(name: str, question: Question, as_json: bool) -> None:
    """Take a snapshot, and keep it as the next version of NAME."""
    with answering("baseline take", question) as (source, config):
        snapshot = baselines.take(source, config, root_of(question, config), name, question.ask)
    warn("baseline take", snapshot.side.notes)
    if as_json:
        print_json(snapshot.as_dict())
        return
    needs_terminal("baseline take")
    from otel_verein.rendering.terminal.baseline import taken

    show(lambda width: taken(snapshot, width))


@baseline.command("list", context_settings=SETTINGS)
@place_options
@json_option
def list_(question: Question, as_json: bool) -> None:
    """Show every version of every baseline."""
    with configured("baseline list", question) as config:
        entries = baselines.named(root_of(question, config))
    if as_json:
        print_json({"schema": 1, "baselines": [each.as_dict() for each in entries]})
        return
    needs_terminal("baseline list")
    from otel_verein.rendering.terminal.baseline import listed

    show(lambda width: listed(entries, width))


@baseline.command("show", context_settings=SETTINGS)
@click.argument("name", metavar="NAME")
@_number
@place_options
@json_option
@limit_option()
def show_(name: str, number: int | None, question: Question, as_json: bool, limit: int) -> None:
    """Show what is in a baseline: every operation with n, median, extremes and spread."""
    with configured("baseline show", question) as config:
        snapshot = baselines.show(root_of(question, config), name, number)
    if as_json:
        print_json(snapshot.as_dict())
        return
    needs_terminal("baseline show")
    from otel_verein.rendering.terminal.baseline import shown

    show(lambda width: shown(snapshot, limit, width))


@baseline.command(context_settings=SETTINGS)
@click.argument("name", metavar="NAME")
@click.argument("number", type=click.IntRange(min=1), metavar="NUMBER")
@place_options
def remove(name: str, number: int, question: Question) -> None:
    """Remove version NUMBER of NAME for good; the other versions keep their numbers."""
    with configured("baseline remove", question) as config:
        baselines.remove(root_of(question, config), name, number)
    click.echo(f"{name} {number}: removed")


@baseline.command(context_settings=SETTINGS)
@click.argument("name", metavar="NAME")
@_number
@asking
@json_option
@click.option("--markdown", is_flag=True, help="Print Markdown, short, for a pull request.")
@limit_option()
def compare(name: str, number: int | None, question: Question, as_json: bool, markdown: bool, limit: int) -> None:
    """Compare a baseline with what the source says now.

    The exit status is 1 when it got worse, 3 when that cannot be told.
    """
    with answering("baseline compare", question) as (source, config):
        root = root_of(question, config)
        answer = baselines.compare_with(source, config, root, name, question.ask, number)
    told_comparison("baseline compare", answer, as_json=as_json, markdown=markdown, limit=limit)
