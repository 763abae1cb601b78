"""A Flask application for gevent workers, whose requests give way to each other between and within their queries."""

from __future__ import annotations

import os
import sqlite3

import gevent
import psycopg2
from flask import Flask
from gevent.socket import wait_read, wait_write
from psycopg2 import extensions

app = Flask(__name__)


def _wait(connection: extensions.connection) -> None:
    """Let other greenlets run while the server works."""
    while (state := connection.poll()) != extensions.POLL_OK:
        (wait_read if state == extensions.POLL_READ else wait_write)(connection.fileno())


extensions.set_wait_callback(_wait)


def _query(queries: int) -> None:
    connection = sqlite3.connect(":memory:")
    for number in range(queries):
        connection.execute("select ?", (number,)).fetchall()
        gevent.sleep(0)
    connection.close()


@app.get("/run/<int:queries>")
def work(queries: int) -> str:
    """Run *queries* queries on sqlite and as many on PostgreSQL; the answer is the process id."""
    connection = psycopg2.connect(os.environ["POSTGRES"])
    with connection.cursor() as cursor:
        for number in range(queries):
            cursor.execute("select %s, pg_sleep(0.001)", (number,))
    connection.close()
    _query(queries)
    return str(os.getpid())


@app.get("/spawn/<int:queries>")
def spawn(queries: int) -> str:
    """Run *queries* queries in each of two greenlets, and one query here."""
    gevent.joinall([gevent.spawn(_query, queries), gevent.spawn(_query, queries)], raise_error=True)
    _query(1)
    return str(os.getpid())
