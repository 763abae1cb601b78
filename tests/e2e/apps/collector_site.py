"""A Flask application with a page for each kind of operation; an answer is the trace id and the process id."""

from __future__ import annotations

import os
import sqlite3
import time

from flask import Flask
from opentelemetry import trace

app = Flask(__name__)
_tracer = trace.get_tracer("shop")


@app.get("/plain/<int:queries>")
def plain(queries: int) -> str:
    """Run *queries* queries, each another statement."""
    return _distinct(queries)


@app.get("/wide/<int:queries>")
def wide(queries: int) -> str:
    """The same under another name, which has a budget of its own."""
    return _distinct(queries)


@app.get("/loop/<int:repeats>")
def loop(repeats: int) -> str:
    """Run one query, and *repeats* equal ones below a span of their own."""
    with _tracer.start_as_current_span("render"):
        connection = sqlite3.connect(":memory:")
        connection.execute("select 1 as book").fetchall()
        for author in range(repeats):
            connection.execute("select ? as author", (author,)).fetchall()
        connection.close()
    return _answer()


@app.get("/slow/<int:milliseconds>")
def slow(milliseconds: int) -> str:
    """Take time."""
    time.sleep(milliseconds / 1000)
    return _answer()


@app.get("/fail/<int:queries>")
def fail(queries: int) -> str:
    """Raise after *queries* queries."""
    _distinct(queries)
    raise ValueError("on purpose")


def _distinct(queries: int) -> str:
    connection = sqlite3.connect(":memory:")
    for number in range(queries):
        connection.execute(f"select 1 as column_{number}").fetchall()
    connection.close()
    return _answer()


def _answer() -> str:
    return f"{trace.get_current_span().get_span_context().trace_id:032x} {os.getpid()}"
