"""A Flask application whose page runs as many queries as its address says."""

from __future__ import annotations

import os

import web_work
from flask import Flask

app = Flask(__name__)


@app.get("/run/<int:queries>")
def work(queries: int) -> str:
    """Run *queries* queries; the answer is the process id."""
    web_work.queries(queries)
    return str(os.getpid())
