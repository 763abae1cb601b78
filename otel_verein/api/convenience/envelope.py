"""The form in which every function of this package answers."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, Final, NamedTuple, ParamSpec

from otel_verein.analysis.times import rfc3339_of
from otel_verein.api.convenience.arguments import ArgumentError
from otel_verein.errors import VereinError

_Given = ParamSpec("_Given")

MEMBER: Final = "member_name"
"""The argument that failures say, so that one of many calls can be told from the others."""


class Told(NamedTuple):
    """What a function found, and one sentence on it."""

    payload: Any
    message: str


def timestamp(moment: datetime | None = None) -> str:
    """*moment*, or now, in UTC, as RFC 3339 has it."""
    return rfc3339_of(moment or datetime.now(timezone.utc))


def enveloped(payload: str) -> Callable[[Callable[_Given, Told]], Callable[_Given, dict[str, Any]]]:
    """Make a function answer ``{success, <payload>, message}``, or ``{success, error, timestamp[, member]}``.

    What it raises for arguments and for what cannot be read becomes its error; any other exception is a bug, and stays
    one. Its signature stays as it is.
    """

    def decorate(function: Callable[_Given, Told]) -> Callable[_Given, dict[str, Any]]:
        place = list(inspect.signature(function).parameters).index(MEMBER) if _names_member(function) else None

        @functools.wraps(function)
        def answer(*args: _Given.args, **kwargs: _Given.kwargs) -> dict[str, Any]:
            try:
                told = function(*args, **kwargs)
            except (VereinError, ArgumentError) as fault:
                failed = {"success": False, "error": str(fault), "timestamp": timestamp()}
                if place is not None:
                    member = args[place] if len(args) > place else kwargs.get(MEMBER)
                    if member is not None:
                        failed["member"] = member if isinstance(member, str) else str(member)
                return failed
            return {"success": True, payload: told.payload, "message": told.message}

        answer.payload = payload  # type: ignore[attr-defined] # the table of functions reads it
        return answer

    return decorate


def _names_member(function: Callable[..., Any]) -> bool:
    return MEMBER in inspect.signature(function).parameters
