"""A FastAPI application: one page in the event loop, one in a thread of the pool."""

from __future__ import annotations

import os

import web_work
from fastapi import FastAPI

app = FastAPI()


def _query(queries: int) -> int:
    web_work.queries(queries)
    return os.getpid()


@app.get("/run/{queries}")
async def work(queries: int) -> int:
    """Run *queries* queries in the event loop; the answer is the process id."""
    return _query(queries)


@app.get("/threaded/{queries}")
def threaded(queries: int) -> int:
    """The same in a thread."""
    return _query(queries)
