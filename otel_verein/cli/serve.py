"""``otel-verein serve``: questions and answers over HTTP."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import click

from otel_verein.api.convenience.here import HERE, remembered_source
from otel_verein.api.places import source_of
from otel_verein.cli.answer_options import Question, root_of
from otel_verein.cli.command import SETTINGS, told
from otel_verein.config.files import FILE_VARIABLE
from otel_verein.errors import MissingExtraError
from otel_verein.sources.base import ALL

_PACKAGES = ("starlette", "uvicorn")


@click.command(context_settings=SETTINGS)
@click.option(
    "--source",
    "place",
    metavar="ADDRESS",
    help="Where all answers come from: jaeger:URL, tempo:URL, clickhouse:URL, or a store, directory or file. Else "
    "source.address, else the store if there is one, else export.directory.",
)
@click.option("--host", help="Address to listen on, else serve.host; off loopback it takes a token and TLS.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on, else serve.port; 0: a free one.")
@click.option("--allow-changes", is_flag=True, help="Take calls that change configuration, store or baselines.")
@click.option("--log-requests", is_flag=True, help="Say every request on stderr, without its parameters.")
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    help="Configuration; else the one VEREIN_CONFIG names, else verein.yaml.",
)
def serve(
    place: str | None,
    host: str | None,
    port: int | None,
    allow_changes: bool,
    log_requests: bool,
    config_file: Path | None,
) -> None:
    """Answer questions over HTTP as JSON: those of the commands, and the convenience functions.

    It only reads, unless --allow-changes says otherwise. /openapi.json describes it, /page is the report for people.
    """
    with told("serve"):
        for package in _PACKAGES:
            if find_spec(package) is None:
                raise MissingExtraError("serving answers over HTTP", package, "serve")
        from otel_verein.serving.listening import checked, listen
        from otel_verein.serving.questions import World
        from otel_verein.serving.server import serve as answer

        if config_file is not None:
            os.environ[FILE_VARIABLE] = str(config_file)  # what is called follows it as it changes
        config = HERE.config()
        options, rules = checked(config, host, port)
        source_of(config, place)  # an address that is none is refused now
        world = World(remembered_source(config, place), HERE.config, root_of(Question(place, ALL, config_file), config))
        listening = listen(options, rules)
    click.echo(f"{listening.url} answers from {world.source.name}")
    click.echo(f"try: curl {_secret(options.token_file)}{listening.url}/api/v1/health")
    answer(
        listening,
        world,
        config,
        allow_changes=allow_changes or options.allow_changes,
        told=_say if log_requests else None,
    )


def _secret(file: str) -> str:
    return f'-H "Authorization: Bearer $(cat {file})" ' if file else ""


def _say(line: str) -> None:
    click.echo(line, err=True)
