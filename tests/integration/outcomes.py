"""How a call ended, as a value that can be compared between the bare driver and the hooked one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.integration.harness import Watched

_ADDRESS = re.compile(r"0x[0-9a-f]+")


@dataclass(frozen=True)
class Outcome:
    """A value returned or an exception raised, without what differs from run to run."""

    value: object = None
    raised: type[BaseException] | None = None
    arguments: tuple[str, ...] = ()


def outcome(call: Callable[[], Any]) -> Outcome:
    """Call it and say how it ended."""
    try:
        value = call()
    except Exception as raised:
        return Outcome(None, type(raised), tuple(_ADDRESS.sub("0x", repr(part)) for part in raised.args))
    if hasattr(value, "fetchall"):
        return Outcome("cursor")
    return Outcome(value)


def in_operation(attempt: Callable[[], object]) -> object:
    """What *attempt* returns inside an operation that our processor watches."""
    watched = Watched()
    try:
        with watched.tracer.start_as_current_span("attempt"):
            return attempt()
    finally:
        watched.shutdown()
