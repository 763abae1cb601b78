"""A Flask application with the same four pages for each phase of a test; every good answer is the process id."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import config_work
from flask import Flask
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

PHASES = ("before", "turning", "without", "returning", "after")

app = Flask(__name__)


def fine() -> str:
    """Two queries."""
    config_work.queries(2)
    return str(os.getpid())


def loop() -> str:
    """Six equal queries: an N+1."""
    config_work.queries(6)
    return str(os.getpid())


def slow() -> str:
    """One query, and more time than its budget."""
    config_work.queries(1)
    time.sleep(0.06)
    return str(os.getpid())


def fail() -> str:
    """Two queries and an error."""
    config_work.queries(2)
    raise ValueError("on purpose")


class Beside(SpanProcessor):
    """A span processor of the application, which writes down the name of each root span that ends."""

    def on_end(self, span: ReadableSpan) -> None:
        """Write it down."""
        if span.parent is None:
            with Path("beside.txt").open("a") as sink:
                sink.write(f"{span.name}\n")


def _add(phase: str, page: Callable[[], str]) -> None:
    app.add_url_rule(f"/{phase}/{page.__name__}", f"{phase} {page.__name__}", page)


for _phase in PHASES:
    for _page in (fine, loop, slow, fail):
        _add(_phase, _page)

if os.environ.get("BESIDE"):
    trace.get_tracer_provider().add_span_processor(Beside())  # type: ignore[attr-defined] # the SDK's has it
