"""Work after the response is an operation of its own, linked to the request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.e2e.launch import Server
from tests.e2e.web_client import KEEP_ALL, Seen, ask, complaints, gunicorn, operations, roots, uvicorn
from tests.services.process import wait_until

Command = Callable[[int], Sequence[str]]
NAMES = {
    "flask": (gunicorn("web_flask:app"), "/background/7", "GET /background/<int:number>", "send_mail"),
    "starlette": (uvicorn("web_starlette:app"), "/background/7", "GET /background/{number}", "send_mail"),
    "fastapi": (uvicorn("web_fastapi:app"), "/background/7", "GET /background/{number}", "send_mail"),
    "starlette, thread": (
        uvicorn("web_starlette:app"),
        "/threaded-background/7",
        "GET /threaded-background/{number}",
        "send_slowly",
    ),
    "fastapi, thread": (
        uvicorn("web_fastapi:app"),
        "/threaded-background/7",
        "GET /threaded-background/{number}",
        "send_slowly",
    ),
}


@pytest.mark.parametrize(("command", "path", "request_name", "function"), NAMES.values(), ids=NAMES.keys())
def test_background_task_is_an_operation_linked_to_its_request(
    command: Command, path: str, request_name: str, function: str, tmp_path: Path
) -> None:
    """The task has its queries, the request has none of them, and the task's root leads to the request's."""
    with Server(command, tmp_path, KEEP_ALL) as server:
        ask(server, path)
        ask(server, path)
        server.terminate()

    name = f"background {function}"
    requests = {(span["traceId"], span["spanId"]) for span in roots(tmp_path, request_name)}
    links = {(link["traceId"], link["spanId"]) for span in roots(tmp_path, name) for link in span.get("links", [])}
    assert {request_name: Seen(2, 0), name: Seen(2, 14)} == operations(tmp_path), server.output
    assert requests == links, server.output
    assert [] == complaints(server.output)


@pytest.mark.parametrize("application", ["web_starlette:app", "web_fastapi:app"])
def test_exception_in_a_background_task_is_an_error_of_the_task(application: str, tmp_path: Path) -> None:
    """The request was answered well; the task failed."""
    with Server(uvicorn(application), tmp_path, KEEP_ALL) as server:
        assert 200 == ask(server, "/background/13")[0]
        assert wait_until(lambda: "on purpose" in server.output or ask(server, "/orders/0")[0] == 200, 5)
        server.terminate()

    found = operations(tmp_path)
    assert Seen(1, 13, 1) == found["background send_mail"], server.output
    assert Seen(1, 0, 0) == found["GET /background/{number}"], server.output
