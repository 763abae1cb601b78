"""A Flask page that takes as long and runs as many queries as a client asks for; the answer is the process id."""

from __future__ import annotations

import os
import time

import config_work
from flask import Flask

app = Flask(__name__)


@app.get("/busy/<int:queries>/<int:milliseconds>")
def work(queries: int, milliseconds: int) -> str:
    """Run half of the queries, wait, run the other half."""
    config_work.queries(queries // 2)
    time.sleep(milliseconds / 1000)
    config_work.queries(queries - queries // 2)
    return str(os.getpid())
