"""A Flask application with pages that take time, hang, or hand work on; every answer is the process id."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import command
import web_work
from flask import Flask

app = Flask(__name__)


def _query(queries: int) -> str:
    web_work.queries(queries)
    return str(os.getpid())


@app.get("/run/<int:queries>")
def work(queries: int) -> str:
    """Run *queries* queries."""
    return _query(queries)


@app.get("/slow/<int:queries>/<int:milliseconds>")
def slow(queries: int, milliseconds: int) -> str:
    """Run half of the queries, mark the file ``entered``, wait, run the other half."""
    _query(queries // 2)
    with Path("entered").open("a") as sink:
        sink.write("x")
    time.sleep(milliseconds / 1000)
    return _query(queries - queries // 2)


@app.get("/subprocess/<int:queries>")
def hand_on(queries: int) -> str:
    """Run *queries* queries here, and as many in a Python process of its own."""
    subprocess.run([sys.executable, command.__file__, str(queries)], check=True, stdout=subprocess.DEVNULL)
    return _query(queries)
