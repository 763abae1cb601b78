"""A Flask application whose page runs as many queries as its address says."""

from __future__ import annotations

import os
import sqlite3

from flask import Flask

app = Flask(__name__)


@app.get("/run/<int:queries>")
def work(queries: int) -> str:
    """Run *queries* queries; the answer is the process id."""
    connection = sqlite3.connect(":memory:")
    for number in range(queries):
        connection.execute("select ?", (number,)).fetchall()
    connection.close()
    return str(os.getpid())
