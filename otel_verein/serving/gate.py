"""What every request goes through first, and every answer last."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from otel_verein.serving.app import problem_response
from otel_verein.serving.guard import Request, Rules, refusal
from otel_verein.serving.problems import Problem
from otel_verein.serving.rates import Rates, client_of

_Scope = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_App = Callable[[_Scope, _Receive, _Send], Awaitable[None]]

_LIVE: Final = "/health/live"
_MOST_KINDS: Final = 100
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_log = logging.getLogger(__name__)


class Gate:
    """*app* behind the rules, the rate limit and the headers of answers; *told* hears of each answer, if it is there.

    A fault of the application is logged once of each kind, and answered with 500.
    """

    def __init__(self, app: _App, rules: Rules, rates: Rates, told: Callable[[str], None] | None = None) -> None:
        self._app = app
        self._rules = rules
        self._rates = rates
        self._told = told
        self._faults: set[str] = set()

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        begun, status = time.perf_counter(), 0

        async def sent(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _with_headers(message.get("headers", ()))
            await send(message)

        problem = self._refused(scope)
        try:
            if problem is not None:
                await problem_response(problem)(scope, receive, sent)
            else:
                await self._app(scope, receive, sent)
        except Exception as fault:  # noqa: BLE001 - answered with 500 already; uvicorn would print it each time
            self._note(fault)
        finally:
            if self._told is not None:
                self._told(f"{_line(scope)} {status} {(time.perf_counter() - begun) * 1000:.1f} ms")

    def _refused(self, scope: _Scope) -> Problem | None:
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        url_bytes = len(scope["raw_path"]) + len(scope["query_string"])
        request = Request(scope["method"], scope["path"], url_bytes, headers)
        if scope["path"] != _LIVE:
            wait_s = self._rates.take(client_of((scope.get("client") or ("", 0))[0]))
            if wait_s > 0:
                after = {"Retry-After": str(math.ceil(wait_s))}
                return _closing(Problem(429, "too many requests (serve.requests_per_s, serve.burst)", after))
        problem = refusal(request, self._rules)
        return None if problem is None else _closing(problem)

    def _note(self, fault: Exception) -> None:
        at = fault.__traceback__
        while at is not None and at.tb_next is not None:
            at = at.tb_next
        kind = f"{type(fault).__name__} at {at.tb_frame.f_code.co_filename}:{at.tb_lineno}" if at else str(type(fault))
        if kind not in self._faults and len(self._faults) < _MOST_KINDS:
            self._faults.add(kind)
            _log.error("a request failed: %s", kind, exc_info=fault)


def _closing(problem: Problem) -> Problem:
    """*problem*, after which the connection ends: the body of what is refused is not read."""
    return Problem(problem.status, problem.detail, problem.headers | {"Connection": "close"})


def _with_headers(given: Any) -> list[tuple[bytes, bytes]]:
    headers = list(given)
    there = {name.lower() for name, _ in headers}
    more = ((name.lower().encode(), value.encode()) for name, value in _HEADERS.items())
    return [*headers, *(each for each in more if each[0] not in there)]


def _line(scope: _Scope) -> str:
    """Who asked for what, without the query, which may name persons; bounded, and without what moves a terminal."""
    path = "".join(letter if letter.isprintable() else "?" for letter in scope["path"][:200])
    return f"{(scope.get('client') or ('-', 0))[0]} {scope['method'][:16]} {path}"
