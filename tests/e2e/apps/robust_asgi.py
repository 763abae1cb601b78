"""The pages of ``robust_site`` under FastAPI: in the event loop, and in threads."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import web_work
from fastapi import FastAPI

app = FastAPI()


def _query(queries: int) -> int:
    web_work.queries(queries)
    return os.getpid()


def _entered() -> None:
    with Path("entered").open("a") as sink:
        sink.write("x")


@app.get("/run/{queries}")
async def work(queries: int) -> int:
    """Run *queries* queries."""
    return _query(queries)


@app.get("/slow/{queries}/{milliseconds}")
async def slow(queries: int, milliseconds: int) -> int:
    """Run half of the queries, mark the file ``entered``, wait, run the other half."""
    _query(queries // 2)
    _entered()
    await asyncio.sleep(milliseconds / 1000)
    return _query(queries - queries // 2)


@app.get("/threaded/{queries}/{milliseconds}")
def threaded(queries: int, milliseconds: int) -> int:
    """The same in a thread."""
    _query(queries // 2)
    _entered()
    time.sleep(milliseconds / 1000)
    return _query(queries - queries // 2)
