"""Names of requests are few, whatever clients ask for."""

from __future__ import annotations

import pytest

from otel_verein.instrumentation.web.asgi_requests import RequestRoute
from otel_verein.instrumentation.web.background import background_name
from otel_verein.instrumentation.web.routes import request_name

NAMES = {
    "route": ("GET", "/orders/{id}", 200, "GET /orders/{id}"),
    "route of an error": ("GET", "/orders/{id}", 500, "GET /orders/{id}"),
    "root": ("GET", "/", 200, "GET /"),
    "nothing found": ("GET", None, 404, "GET (no route, 4xx)"),
    "redirect": ("POST", None, 301, "POST (no route, 3xx)"),
    "never answered": ("GET", None, None, "GET (no route)"),
    "invented method": ("FOOBAR", "/orders/{id}", 405, "HTTP /orders/{id}"),
    "no method": ("", None, 400, "HTTP (no route, 4xx)"),
}


@pytest.mark.parametrize(("method", "route", "status", "expected"), NAMES.values(), ids=NAMES.keys())
def test_name_is_method_and_template(method: str, route: str | None, status: int | None, expected: str) -> None:
    """Known methods and templates only; the rest falls into one name per class of status."""
    assert expected == request_name(method, route, status)


def _walk(*steps: tuple[str, str | None]) -> str:
    found = RequestRoute("GET")
    for step, leaf in steps:
        getattr(found, step)(leaf)
    return found.name


WALKS = {
    "plain route": ([("matched", "/a/{b}")], "GET /a/{b}"),
    "converters are left out": ([("matched", "/a/{b:int}")], "GET /a/{b}"),
    "handler of a known route": ([("matched", "/v1/a"), ("found", "/a")], "GET /v1/a"),
    "mounted route": ([("matched", "/t/{x}"), ("mounted", "/t/{x}"), ("found", "/a/{b}")], "GET /t/{x}/a/{b}"),
    "mounted application": ([("mounted", "/t"), ("matched", "/a"), ("found", "/other")], "GET /t/a"),
    "mount within a mount": ([("mounted", "/s"), ("mounted", "/t:x"), ("found", "/a")], "GET /s/t:x/a"),
    "mounted files": ([("matched", "/static"), ("mounted", "/static")], "GET /static/{path}"),
    "host": ([("matched", "/orders/77"), ("mounted", ""), ("found", "/orders/{id}")], "GET /orders/{id}"),
    "host without route": ([("matched", "/orders/77"), ("mounted", "")], "GET (no route)"),
}


@pytest.mark.parametrize(("steps", "expected"), WALKS.values(), ids=WALKS.keys())
def test_route_is_put_together_on_the_way(steps: list[tuple[str, str | None]], expected: str) -> None:
    """Mounts give their prefix, the application inside the rest; a path of a client never gets in."""
    assert expected == _walk(*steps)


class _Callable:
    def __call__(self) -> None: ...

    def method(self) -> None: ...


def test_background_work_is_named_by_its_function() -> None:
    """Functions, methods, partials and callable objects."""
    from functools import partial

    functions = [_walk, _Callable().method, partial(partial(_walk)), _Callable()]

    assert ["background _walk", "background method", "background _walk", "background _Callable"] == [
        background_name(function) for function in functions
    ]
