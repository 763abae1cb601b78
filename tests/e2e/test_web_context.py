"""Connections that are reused, requests that are cancelled, entry points within entry points."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import django
import pytest

from tests.e2e.launch import Server, job
from tests.e2e.web_client import (
    KEEP_ALL,
    Seen,
    ask,
    complaints,
    gunicorn,
    leaving,
    operations,
    roots,
    unattributed,
    uvicorn,
)
from tests.segments import attributes, spans
from tests.services.ports import LOOPBACK
from tests.services.process import wait_until

Command = Callable[[int], Sequence[str]]
REUSING = {
    "flask, gunicorn gthread": gunicorn("web_flask:app", "--threads", "3"),
    "django, gunicorn gthread": gunicorn("web_django:application", "--threads", "3"),
    "django, uvicorn": uvicorn("web_django:asgi"),
    "starlette, uvicorn": uvicorn("web_starlette:app"),
    "fastapi, uvicorn": uvicorn("web_fastapi:app"),
}


def _ask_again_and_again(server: Server, first: int, times: int) -> None:
    connection = http.client.HTTPConnection(LOOPBACK, server.port, timeout=10)
    for number in range(first, first + times):
        connection.request("GET", f"/orders/{number % 7}")
        assert b"done" in connection.getresponse().read()
    connection.close()


@pytest.mark.parametrize("times", [100, pytest.param(1400, marks=pytest.mark.soak)])
@pytest.mark.parametrize("command", REUSING.values(), ids=REUSING.keys())
def test_requests_of_one_connection_have_a_count_each(command: Command, times: int, tmp_path: Path) -> None:
    """Many requests on each of three connections at once: every root has the queries of its own address."""
    with Server(command, tmp_path, KEEP_ALL) as server:
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda first: _ask_again_and_again(server, first, times), (0, 1, 2)))
        server.terminate()

    (name,) = operations(tmp_path)
    wrong = []
    for root in roots(tmp_path, name):
        found = attributes(root)
        path = str(found.get("url.path") or found.get("http.target"))
        if int(path.rpartition("/")[2]) != found["verein.db.query_count"]:
            wrong.append((path, found["verein.db.query_count"]))
    assert 3 * times == len(roots(tmp_path, name))
    assert [] == wrong
    assert (0, []) == (unattributed(tmp_path), complaints(server.output))


CANCELLED = {
    "django": (uvicorn("web_django:asgi"), "GET /slow"),
    "starlette": (uvicorn("web_starlette:app"), "GET /slow"),
}


@pytest.mark.parametrize(("command", "name"), CANCELLED.values(), ids=CANCELLED.keys())
def test_request_whose_client_leaves_ends_with_what_it_did(command: Command, name: str, tmp_path: Path) -> None:
    """Queries before the cancellation and those of the clean-up belong to the request; later ones do not."""
    if "django" in command(0)[-1] and django.VERSION < (5,):
        pytest.skip("Django cancels views whose client has left since 5.0")
    with Server(command, tmp_path, KEEP_ALL) as server:
        counts = [0]

        def count() -> int:
            counts.append(int(ask(server, "/done")[1]))
            return counts[-1]

        for _ in range(3):
            with leaving(server, "/slow"):
                before = count()
                assert wait_until(lambda before=before: count() > before, 10), server.output
        assert wait_until(lambda: count() == counts[-2] == counts[-3], 10), server.output
        for _ in range(5):
            ask(server, "/orders/2")
        server.terminate()

    found = operations(tmp_path)
    assert Seen(3, counts[-1]) == found[name], server.output
    assert [Seen(5, 10)] == [seen for other, seen in found.items() if "orders" in other]
    assert (0, []) == (unattributed(tmp_path), complaints(server.output))


def test_nested_entry_points_are_one_operation_named_by_the_route(tmp_path: Path) -> None:
    """A WSGI middleware around Django names its span by the address; the operation gets the route all the same."""
    with Server(gunicorn("web_nested:middleware"), tmp_path, KEEP_ALL) as server:
        for number in range(4):
            ask(server, f"/orders/{number}")
        ask(server, "/stream/20")
        server.terminate()

    assert {"GET /orders/<int:number>": Seen(4, 6), "GET /stream/<int:number>": Seen(1, 20)} == operations(tmp_path)
    assert [] == complaints(server.output)


def test_root_made_by_hand_keeps_its_name(tmp_path: Path) -> None:
    """The user's own root is the operation, and is called what the user calls it."""
    with Server(gunicorn("web_nested:by_hand"), tmp_path, KEEP_ALL) as server:
        ask(server, "/orders/3")
        ask(server, "/fail/2")
        server.terminate()

    assert {"made by hand": (2, 5)} == {name: seen[:2] for name, seen in operations(tmp_path).items()}


def test_host_that_django_does_not_know_is_served_as_without_us(tmp_path: Path) -> None:
    """Only a view or middleware that asks Django for the host is refused; we do not ask."""
    with Server(gunicorn("web_django:application"), tmp_path, KEEP_ALL) as server:
        status, body = ask(server, "/orders/3", headers={"Host": "not.allowed"})
        server.terminate()

    assert (200, b"done") == (status, body)
    assert {"GET /orders/<int:number>": Seen(1, 3)} == operations(tmp_path)


def test_parent_of_another_service_is_taken_over(tmp_path: Path) -> None:
    """The trace of the caller goes on: Flask's operation, opened by us, reads its header too."""
    trace_id, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    with Server(gunicorn("web_flask:app"), tmp_path, KEEP_ALL) as server:
        ask(server, "/orders/3", headers={"traceparent": f"00-{trace_id}-{parent}-01"})
        server.terminate()

    found = [span for _, span in spans(tmp_path / ".verein/otlp") if span["name"] == "GET /orders/<int:number>"]
    server_spans = [(span["traceId"], span["parentSpanId"]) for span in found if span.get("kind") == 2]
    assert {"GET /orders/<int:number>": Seen(1, 3)} == operations(tmp_path)
    assert [(trace_id, parent)] == server_spans


EXCLUDING = {
    "flask": (gunicorn("web_flask:app"), "GET /orders/<int:number>"),
    "django": (gunicorn("web_django:application"), "GET /orders/<int:number>"),
    "starlette": (uvicorn("web_starlette:app"), "GET /orders/{number}"),
    "fastapi": (uvicorn("web_fastapi:app"), "GET /orders/{number}"),
}


@pytest.mark.parametrize(("command", "name"), EXCLUDING.values(), ids=EXCLUDING.keys())
def test_excluded_addresses_are_no_operations(command: Command, name: str, tmp_path: Path) -> None:
    """OpenTelemetry's variable means what it means; queries of an excluded page belong to no operation."""
    with Server(command, tmp_path, KEEP_ALL | {"OTEL_PYTHON_EXCLUDED_URLS": "refuse,stream"}) as server:
        for path in ("/orders/3", "/refuse/2", "/stream/5"):
            ask(server, path)
        server.terminate()

    assert {name: Seen(1, 3)} == operations(tmp_path), server.output
    assert (7, []) == (unattributed(tmp_path), complaints(server.output))


ORDERS = {"fastapi first": ["fastapi"], "starlette first": ["starlette.applications", "starlette.routing"]}


@pytest.mark.parametrize("modules", ORDERS.values(), ids=ORDERS.keys())
def test_fastapi_is_instrumented_once_in_any_order_of_imports(modules: list[str], tmp_path: Path) -> None:
    """With the instrumentations of Starlette and FastAPI installed, one of them starts the span, once."""
    done = job(tmp_path, *modules, script="web_import_order.py", extra=KEEP_ALL)

    found = [span["name"] for _, span in spans(tmp_path / ".verein/otlp") if span.get("kind") != 3]
    assert (0, "http.response.start\nhttp.response.body\n") == (done.returncode, done.stdout), done.stderr
    assert [] == complaints(done.stderr)
    assert Seen(1, 3) == operations(tmp_path)["GET /orders/{number}"], done.stderr
    assert 1 == found.count("GET /orders/{number}")
