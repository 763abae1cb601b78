"""Each request is one operation, named by its route, with all of its queries, on every framework and server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e.launch import Server
from tests.e2e.web_client import KEEP_ALL, Seen, ask, complaints, gunicorn, operations, unattributed, uvicorn

Command = Callable[[int], Sequence[str]]


class Case(NamedTuple):
    """One request, and the operation it must be."""

    path: str
    name: str
    queries: int
    status: int = 200
    method: str = "GET"
    header: str = ""
    after: int = 0
    """Queries after the last byte, in an operation of their own."""


def cases(number: str, session: str) -> list[Case]:
    """What all applications have in common; *number* is how their routes spell the parameter."""
    return [
        Case("/orders/0", f"GET /orders/{number}", 0),
        Case("/orders/3", f"GET /orders/{number}", 3),
        Case("/orders/5?page=2", f"GET /orders/{number}", 5),
        Case("/orders/4", f"GET /orders/{number}", 4 + 2, header=session),
        Case("/refuse/2", f"GET /refuse/{number}", 2, 403),
        Case("/fail/3", f"GET /fail/{number}", 3, 500),
        Case("/stream/20", f"GET /stream/{number}", 20),
        Case("/nothing/here/1", "GET (no route, 4xx)", 0, 404),
        Case("/nothing/here/2", "GET (no route, 4xx)", 0, 404),
    ]


FLASK = [
    *cases("<int:number>", "X-Session"),
    Case("/orders/3", "HEAD /orders/<int:number>", 3, method="HEAD"),
    Case("/stream/20", "HEAD /stream/<int:number>", 0, method="HEAD"),
    Case("/context/20", "GET /context/<int:number>", 20),
    Case("/context/20", "HEAD /context/<int:number>", 0, method="HEAD"),
    Case("/copied/2", "GET /copied/<int:number>", 4),
    Case("/failing-stream/4", "GET /failing-stream/<int:number>", 4, 0),
    Case("/orders/3", "POST (no route, 4xx)", 0, 405, method="POST"),
    Case("/orders/3", "HTTP (no route, 4xx)", 0, 405, method="FOOBAR"),
]
STARLETTE = [
    *cases("{number}", "X-Around"),
    Case("/orders/3", "HEAD /orders/{number}", 3, method="HEAD"),
    Case("/threaded/3", "GET /threaded/{number}", 3),
    Case("/threaded-stream/20", "GET /threaded-stream/{number}", 20),
    Case("/failing-stream/4", "GET /failing-stream/{number}", 4, 0),
    Case("/tenants/acme/orders/2", "GET /tenants/{tenant}/orders/{number}", 2),
    Case("/tenants/other/orders/3", "GET /tenants/{tenant}/orders/{number}", 3),
    Case("/orders/3", "POST /orders/{number}", 0, 405, method="POST"),
]
FASTAPI = [
    *cases("{number}", "X-Around"),
    Case("/orders/3", "HEAD /orders/{number}", 0, 405, method="HEAD"),
    Case("/threaded/3", "GET /threaded/{number}", 3),
    Case("/threaded-stream/20", "GET /threaded-stream/{number}", 20),
    Case("/depends/3", "GET /depends/{number}", 4, after=1),
    Case("/v1/orders/3", "GET /v{version}/orders/{number}", 3),
    Case("/inner/acme/orders/2", "GET /inner/{tenant}/orders/{number}", 2),
    Case("/plain/acme/orders/2", "GET /plain/{tenant}/orders/{number}", 2),
    Case("/plain/other/orders/3", "GET /plain/{tenant}/orders/{number}", 3),
]
DJANGO = [
    *cases("<int:number>", "X-Around"),
    Case("/orders/3", "HEAD /orders/<int:number>", 3, method="HEAD"),
    Case("/async-orders/3", "GET /async-orders/<int:number>", 3),
    Case("/download/2", "GET /download/<int:number>", 2),
    Case("/pattern/3", "GET /pattern/(?P<number>[0-9]+)$", 3),
    Case("/tenants/acme/home", "GET /tenants/<slug:tenant>/home", 1),
    Case("/", "GET /", 0),
]
WSGI_DJANGO = [
    *DJANGO,
    Case("/stream/20", "HEAD /stream/<int:number>", 20, method="HEAD"),
    Case("/failing-stream/4", "GET /failing-stream/<int:number>", 4, 0),
]
ASGI_DJANGO = [
    *DJANGO,
    Case("/async-stream/20", "GET /async-stream/<int:number>", 20),
]
SERVERS = {
    "flask, gunicorn sync": (gunicorn("web_flask:app"), FLASK),
    "flask, gunicorn gthread": (gunicorn("web_flask:app", "--threads", "3"), FLASK),
    "starlette, uvicorn": (uvicorn("web_starlette:app"), STARLETTE),
    "fastapi, uvicorn": (uvicorn("web_fastapi:app"), FASTAPI),
    "django, gunicorn sync": (gunicorn("web_django:application"), WSGI_DJANGO),
    "django, gunicorn gthread": (gunicorn("web_django:application", "--threads", "3"), WSGI_DJANGO),
    "django, uvicorn": (uvicorn("web_django:asgi"), ASGI_DJANGO),
}


@pytest.mark.parametrize(("command", "requests"), SERVERS.values(), ids=SERVERS.keys())
def test_each_request_is_one_operation_named_by_its_route(
    command: Command, requests: list[Case], tmp_path: Path
) -> None:
    """Names, numbers of operations, queries and errors are exactly those of the requests; nothing else is seen."""
    with Server(command, tmp_path, KEEP_ALL) as server:
        answers = [
            ask(server, case.path, case.method, {case.header: "1"} if case.header else None)[0] for case in requests
        ]
        server.terminate()

    expected: dict[str, Seen] = {}
    for case in requests:
        before = expected.get(case.name, Seen(0, 0))
        failed = case.status in (0, 500)
        expected[case.name] = Seen(before[0] + 1, before[1] + case.queries, before[2] + failed)
        if case.after:
            expected[f"{case.name} (after its end)"] = Seen(1, case.after)
    assert [case.status for case in requests] == answers, server.output
    assert dict(sorted(expected.items())) == operations(tmp_path), server.output
    assert 0 == unattributed(tmp_path)
    assert [] == complaints(server.output)
