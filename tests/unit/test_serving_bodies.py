"""Bodies: read as far as they may go, and taken as JSON objects of bounded shape."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from otel_verein.serving.bodies import body_of, object_of
from otel_verein.serving.problems import Problem

JSON = "application/json"


def _read(parts: Sequence[bytes], headers: dict[str, str], most: int = 10, limit_s: float = 10.0) -> bytes:
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": part, "more_body": True} for part in parts]

    async def receive() -> dict[str, Any]:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop(0)

    async def run() -> bytes:
        if messages:
            messages[-1]["more_body"] = False
        return await body_of(receive, headers, most, limit_s)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("parts", "headers", "status"),
    [
        ([b"12345", b"67890", b"1"], {}, 413),
        ([b"1"], {"content-length": "11"}, 413),
        ([b"1"], {"content-length": "9" * 5000}, 413),
        ([b"12345678901"], {"content-length": "1"}, 413),
        ([], {}, 408),
    ],
    ids=["chunks", "said", "digits", "lie", "silence"],
)
def test_a_body_out_of_bounds_is_refused(parts: list[bytes], headers: dict[str, str], status: int) -> None:
    """By what it says of itself, by what comes, and by how long that takes."""
    with pytest.raises(Problem) as refused:
        _read(parts, headers, limit_s=0.05)

    assert refused.value.status == status


def test_a_body_within_bounds_is_whole() -> None:
    """Up to the last byte that it may have."""
    assert _read([b"12345", b"67890"], {"content-length": "10"}) == b"1234567890"


@pytest.mark.parametrize(
    ("body", "kind", "status", "detail"),
    [
        (b"{}", "", 415, "the body has to be JSON, sent with `Content-Type: application/json`"),
        (b"{}", "application/x-www-form-urlencoded", 415, None),
        (b"[]", JSON, 422, 'the body has to be a JSON object of arguments, such as {"hours": 24}'),
        (b"{", JSON, 422, None),
        (b"\xff", JSON, 422, None),
        (b'{"a": NaN}', JSON, 422, "the body is not JSON: NaN is no number of JSON"),
        (b'{"a": -Infinity}', JSON, 422, "the body is not JSON: -Infinity is no number of JSON"),
        (b'{"a": 1e999}', JSON, 422, "the body is not JSON: 1e999 is too large"),
        (b'{"a": ' + b"9" * 5000 + b"}", JSON, 422, None),
        (b'{"a": "\\u0000"}', JSON, 422, "a text holds a NUL or half of a character"),
        (b'{"\\ud800": 1}', JSON, 422, "a text holds a NUL or half of a character"),
        (b'{"a": ' + b"[" * 16 + b"]" * 16 + b"}", JSON, 422, "the body has more than 16 levels of lists and objects"),
        (b'{"a": ' + b"[" * 90_000 + b"]" * 90_000 + b"}", JSON, 422, "the body is not JSON: it is nested too deeply"),
        (
            b'{"a": [' + b"1," * 1000 + b"1]}",
            JSON,
            422,
            "a list or object of the body has 1001 members; it may have 1000",
        ),
    ],
)
def test_what_is_no_object_of_arguments_is_refused(body: bytes, kind: str, status: int, detail: str | None) -> None:
    """With what is wrong with it."""
    with pytest.raises(Problem) as refused:
        object_of(body, kind)

    assert refused.value.status == status
    assert detail in (None, refused.value.detail)


def test_arguments_are_an_object() -> None:
    """None are an empty one, whatever the type."""
    assert (object_of(b"", ""), object_of(b'{"a": [1.5, "b"]}', "application/json; charset=utf-8")) == (
        {},
        {"a": [1.5, "b"]},
    )
