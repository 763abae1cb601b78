"""Refusals and failures as documents (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

MEDIA_TYPE: Final = "application/problem+json"

_STAND_IN: Final = {
    413: "Content Too Large",
    414: "URI Too Long",
    421: "Misdirected Request",
    422: "Unprocessable Content",
}
"""Titles that differ between versions of Python."""


class Problem(Exception):
    """A request that is not answered: its *status*, what is wrong and what would be right, and more headers."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        super().__init__(detail)

    def as_dict(self) -> dict[str, Any]:
        """The document."""
        title = _STAND_IN.get(self.status) or HTTPStatus(self.status).phrase
        return {"type": "about:blank", "title": title, "status": self.status, "detail": self.detail}

    def body(self) -> bytes:
        """The document as JSON; what no encoding has is escaped."""
        return json.dumps(self.as_dict()).encode("ascii")


def wrong(detail: str) -> Problem:
    """An argument that cannot be used."""
    return Problem(422, detail)
