"""The application: each request through the guard, to its question, and the answer back as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as Path

from otel_verein.api.convenience import FUNCTIONS, Function
from otel_verein.errors import VereinError
from otel_verein.rendering.html.page import policy
from otel_verein.serving import functions as calls
from otel_verein.serving.bodies import body_of, object_of
from otel_verein.serving.limits import Limits
from otel_verein.serving.openapi import CALL, document
from otel_verein.serving.parameters import given, required
from otel_verein.serving.problems import MEDIA_TYPE, Problem, wrong
from otel_verein.serving.questions import Question, World, question
from otel_verein.serving.routes import ROUTES, Route
from otel_verein.serving.work import Busy, Gone, Late, Work

JSON: Final = "application/json"
_HTML: Final = "text/html; charset=utf-8"
_RETRY_S: Final = "1"
_READY_S: Final = 5.0

_Handler = Callable[[Request], Awaitable[Response]]


def application(world: World, work: Work, limits: Limits, *, token: bool, allow_changes: bool) -> Starlette:
    """What answers requests that the guard has let through."""
    service = _Service(world, work, limits)
    described = _encoded(document(token=token))
    paths = [
        Path("/health/live", _always(Response(b'{"status":"ok"}', media_type=JSON)), methods=["GET"]),
        Path("/health/ready", service.ready, methods=["GET"]),
        Path("/openapi.json", _always(Response(described, media_type=JSON)), methods=["GET"]),
        *(Path(route.path, partial(service.ask, route), methods=["GET"]) for route in ROUTES),
        *(_path(service, function, allow_changes) for function in FUNCTIONS),
    ]
    app = Starlette(routes=paths, exception_handlers={Problem: _told, HTTPException: _refused, Exception: _failed})
    app.router.redirect_slashes = False
    return app


class _Service:
    def __init__(self, world: World, work: Work, limits: Limits) -> None:
        self._world = world
        self._work = work
        self._limits = limits

    async def ready(self, request: Request) -> Response:
        """Whether the source says how it stands."""
        await self._body(request)
        try:
            await self._worked(request, self._world.source.state, _READY_S)
        except Problem as fault:
            raise Problem(503, "the source cannot be read now", {"Retry-After": _RETRY_S}) from fault
        return Response(b'{"status":"ok"}', media_type=JSON)

    async def ask(self, route: Route, request: Request) -> Response:
        """The answer to one question."""
        await self._body(request)
        found = given(request.scope["query_string"], [each for each in route.parameters if each.where == "query"])
        for parameter in route.parameters:
            if parameter.where == "path":
                found |= {parameter.name: _read(parameter.read, parameter.name, request.path_params[parameter.name])}
        required((each.name for each in route.parameters if each.required), found)
        answer = await self._worked(request, partial(_answer, route, self._world, found))
        if route.is_page:
            return Response(
                answer, headers={"Content-Security-Policy": f"{policy()}; frame-ancestors 'none'"}, media_type=_HTML
            )
        return Response(answer, media_type=JSON)

    async def call(self, function: Function, allowed: bool, request: Request) -> Response:
        """What a function says."""
        body = await self._body(request)
        if not allowed:
            raise Problem(
                403,
                f"{function.name} changes something, which is not allowed here; "
                "it takes --allow-changes, or serve.allow_changes",
            )
        if request.method == "POST":
            if request.scope["query_string"]:
                raise wrong("the arguments of a POST are in its body, as a JSON object")
            arguments = calls.from_body(function, object_of(body, request.headers.get("content-type", "")))
        else:
            arguments = calls.from_query(function, request.scope["query_string"])
        answer = await self._worked(request, lambda: _encoded(calls.call(self._world, function, arguments)))
        return Response(answer, media_type=JSON)

    async def _body(self, request: Request) -> bytes:
        limits = self._limits
        return await body_of(request.receive, request.headers, limits.body_bytes, limits.body_s)

    async def _worked(self, request: Request, ask: Callable[[], Any], limit_s: float = math.inf) -> Any:
        limit_s = min(limit_s, self._limits.answer_s)
        try:
            return await self._work.answer(ask, limit_s, request.receive)
        except Busy:
            raise Problem(503, "too many questions are waiting; try again", {"Retry-After": _RETRY_S}) from None
        except Late:
            raise Problem(
                504, f"the answer was not there after {limit_s:g} s; ask for less: a shorter window, one service"
            ) from None
        except Gone:
            raise Problem(400, "whoever asked is gone") from None
        except VereinError as fault:
            raise Problem(502, str(fault)) from fault


def _path(service: _Service, function: Function, allow_changes: bool) -> Path:
    methods = ["POST"] if function.changes else ["GET", "POST"]
    return Path(
        CALL + function.name, partial(service.call, function, allow_changes or not function.changes), methods=methods
    )


def _answer(route: Route, world: World, found: Mapping[str, Any]) -> bytes:
    """The answer as bytes; made once, as long as what it rests on stays as it is."""
    asked = question(world, found)
    if route.rests_on is None:
        return _told_by(route, asked)
    key = (route.name, asked.config, tuple(sorted(found.items())), route.rests_on(asked))
    return world.source.derived(key, lambda: _told_by(route, asked))


def _told_by(route: Route, asked: Question) -> bytes:
    answer = route.tell(asked)
    return answer if isinstance(answer, bytes) else _encoded(answer)


def _encoded(answer: Any) -> bytes:
    return json.dumps(answer, allow_nan=False, separators=(",", ":")).encode("ascii")


def _read(read: Callable[[str], Any], name: str, text: str) -> Any:
    try:
        return read(text)
    except ValueError as fault:
        raise wrong(f"{name}: {fault}") from None


def _always(response: Response) -> _Handler:
    async def answer(_: Request) -> Response:
        return response

    return answer


async def _told(_: Request, fault: Exception) -> Response:
    assert isinstance(fault, Problem)
    return problem_response(fault)


async def _refused(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)
    if fault.status_code == 405:
        detail = f"{request.method} is not possible here"
    else:
        detail = "there is nothing of this name; /openapi.json says what there is"
    return problem_response(Problem(fault.status_code, detail, fault.headers))


async def _failed(_: Request, fault: Exception) -> Response:
    return problem_response(Problem(500, "a fault of the service; its log says more"))


def problem_response(problem: Problem) -> Response:
    """The document of a problem."""
    return Response(problem.body(), problem.status, dict(problem.headers), MEDIA_TYPE)
