"""``otel-verein store trace``: one trace by its id."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from otel_verein.api.store import trace as find
from otel_verein.cli.command import SETTINGS, config_option, told
from otel_verein.cli.config_command import json_option, print_json
from otel_verein.cli.render_store_trace import render_trace
from otel_verein.cli.store_command import here

if TYPE_CHECKING:
    from otel_verein.store.traces import TraceSpan

_PARTS = ("resource", "scope", "attributes", "events", "links")


@click.command(context_settings=SETTINGS)
@click.argument("trace_id", metavar="ID")
@json_option
@config_option
def trace(trace_id: str, as_json: bool, config_file: Path | None) -> None:
    """Show the trace with this ID of 32 hexadecimal digits, also when it is not in the store yet.

    The exit status is 2 when it is not there, or is there no longer: sampled out, or past the days of its tier.
    """
    with told("store trace"):
        spans = find(here(config_file), trace_id)
    if as_json:
        print_json({"schema": 1, "trace_id": spans[0].trace_id, "spans": [_as_dict(span) for span in spans]})
    else:
        click.echo(render_trace(spans))


def _as_dict(span: TraceSpan) -> dict[str, Any]:
    """The span with what it has of OTLP/JSON as JSON, not as text of it."""
    parts = {name: value for name in _PARTS if (value := getattr(span, name)) is not None}
    return {**asdict(span), **{name: json.loads(text, parse_float=_number) for name, text in parts.items()}}


def _number(text: str) -> float | str:
    """A number of JSON; as text where it is beyond what a float holds."""
    value = float(text)
    return value if math.isfinite(value) else text
