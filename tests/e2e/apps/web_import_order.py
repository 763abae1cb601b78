"""Imports Starlette and FastAPI in the order it is told, and serves one request of a FastAPI application."""

from __future__ import annotations

import asyncio
import importlib
import sys
from typing import Any

from web_work import queries

for module in sys.argv[1:]:
    importlib.import_module(module)

from fastapi import FastAPI  # noqa: E402

app = FastAPI()


@app.get("/orders/{number}")
async def order(number: int) -> str:
    """Run *number* queries."""
    queries(number)
    return "done"


async def main() -> None:
    """One request, as a server makes it."""
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": "/orders/3", "raw_path": b"/orders/3", "query_string": b"", "headers": [], "server": ("localhost", 80),
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        print(message["type"])

    await app(scope, receive, send)


asyncio.run(main())
