"""A Flask application of two services: the front asks the back, the back its database and a third service.

``NEXT`` is the base address of the service that is asked, ``QUERIES`` says that this one has the database.
"""

from __future__ import annotations

import os
import sqlite3
import urllib.request
from urllib.error import HTTPError

from flask import Flask
from opentelemetry import trace
from opentelemetry.propagate import inject

app = Flask(__name__)


@app.get("/<kind>")
def page(kind: str) -> str:
    """One page; the answer is the id of its trace."""
    if "QUERIES" in os.environ:
        query(kind)
    asked(kind)
    if kind == "broken" and "QUERIES" in os.environ:
        raise ValueError("the shop's own")
    return f"{trace.get_current_span().get_span_context().trace_id:032x}"


def query(kind: str) -> None:
    """A few queries; a loop of them where *kind* is ``loop``, too many different ones where it is ``greedy``."""
    connection = sqlite3.connect(":memory:")
    connection.execute("create table book (id integer)")
    for number in range(25 if kind == "loop" else 2):
        connection.execute("select * from book where id = ?", (number,)).fetchall()
    for number in range(60 if kind == "greedy" else 0):
        connection.execute(f"select id as column_{number} from book").fetchall()
    connection.close()


def asked(kind: str) -> None:
    """Ask the next service; what goes wrong there is its own."""
    headers: dict[str, str] = {}
    inject(headers)
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{os.environ['NEXT']}/{kind}", headers=headers)) as answer:
            answer.read()
    except HTTPError as failed:
        failed.read()
