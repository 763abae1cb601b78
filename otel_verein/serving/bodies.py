"""The body of a request, read as far as it may go, and what it says as JSON."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, NoReturn

from otel_verein.serving.limits import DEPTH, MEMBERS
from otel_verein.serving.problems import Problem, wrong

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


async def body_of(receive: Receive, headers: Mapping[str, str], most: int, limit_s: float) -> bytes:
    """The whole body; raises Problem when it has more than *most* bytes, or takes longer than *limit_s*."""
    said = headers.get("content-length", "")
    if said.isdecimal() and (len(said) > len(str(most)) or int(said) > most):
        raise _too_large(most)
    try:
        return await asyncio.wait_for(_read(receive, most), limit_s)
    except asyncio.TimeoutError:
        raise Problem(408, f"the body was not there after {limit_s:g} s", {"Connection": "close"}) from None


async def _read(receive: Receive, most: int) -> bytes:
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Problem(400, "the body ended before it was whole")
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            raise _too_large(most)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def object_of(body: bytes, content_type: str) -> dict[str, Any]:
    """The JSON object that *body* is, an empty one without a body; raises Problem for anything else."""
    if not body:
        return {}
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise Problem(415, "the body has to be JSON, sent with `Content-Type: application/json`")
    try:
        found = json.loads(body.decode("utf-8"), parse_constant=_no_number, parse_float=_finite)
    except (ValueError, RecursionError) as fault:
        said = "it is nested too deeply" if isinstance(fault, RecursionError) else str(fault)
        raise wrong(f"the body is not JSON: {said}") from None
    if not isinstance(found, dict):
        raise wrong('the body has to be a JSON object of arguments, such as {"hours": 24}')
    _bounded(found)
    return found


def _too_large(most: int) -> Problem:
    return Problem(413, f"the body has more than {most} bytes (serve.body_kb)", {"Connection": "close"})


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is too large")
    return value


def _bounded(found: Any) -> None:
    """Raise Problem where *found* is deeper or longer than anything that is asked here."""
    level, depth = [found], 0
    while level:
        depth += 1
        if depth > DEPTH:
            raise wrong(f"the body has more than {DEPTH} levels of lists and objects")
        below: list[Any] = []
        for each in level:
            if isinstance(each, dict | list):
                if len(each) > MEMBERS:
                    raise wrong(f"a list or object of the body has {len(each)} members; it may have {MEMBERS}")
                below += each.values() if isinstance(each, dict) else each
                below += each if isinstance(each, dict) else ()
            else:
                checked(each)
        level = below


def checked(value: object) -> None:
    """Raise Problem for a text that cannot be a name or word."""
    if isinstance(value, str) and not _is_text(value):
        raise wrong("a text holds a NUL or half of a character")


def _is_text(value: str) -> bool:
    return "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)
