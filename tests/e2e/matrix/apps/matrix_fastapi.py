"""FastAPI: an endpoint in the event loop and one in its thread pool."""

from __future__ import annotations

from fastapi import FastAPI
from matrix_work import work, work_async

app = FastAPI()


@app.get("/do/{number}")
def page(number: int) -> str:
    work(number)
    return "done"


@app.get("/async/{number}")
async def async_page(number: int) -> str:
    await work_async(number)
    return "done"
