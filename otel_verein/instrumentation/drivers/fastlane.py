"""The compiled lanes of the driver hook, where they are there: the same calls in a fifth of the time.

Each function gives a lane over the general form, or the general form itself. ``VEREIN_FASTLANE=off`` leaves the
lanes out.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from otel_verein.instrumentation.drivers.returned import Note
from otel_verein.ledger.fingerprint import Fingerprint
from otel_verein.ledger.record import ConnectionTarget

try:
    from otel_verein.instrumentation.drivers import _fastlane  # type: ignore[attr-defined]
except ImportError:  # another platform, or installed where there was no compiler
    _fastlane = None

Method = Callable[..., Any]
Report = Callable[[str, BaseException], None]


def available() -> bool:
    """Whether the lanes were compiled and are wanted."""
    return _fastlane is not None and os.environ.get("VEREIN_FASTLANE", "").strip().lower() != "off"


def recording(
    method: Method,
    general: Method,
    report: Report,
    context: ContextVar[Any] | None,
    span_key: str,
    texts: dict[str, Fingerprint],
    target: ConnectionTarget,
    target_of: Callable[[Any], ConnectionTarget] | None,
    fetched: bool,
    note: Note | None,
) -> Method:
    """A form of *method* that books its call as *general* does."""
    if context is None or not available():
        return general
    lane = _fastlane.recording(method, general, report, context, span_key, texts, target, target_of, fetched, note)
    return functools.wraps(method)(lane)


def fetching(method: Method, general: Method, report: Report) -> Method:
    """A form of the fetch *method* that adds its time as *general* does."""
    return functools.wraps(method)(_fastlane.fetching(method, general, report)) if available() else general


def making(method: Method, general: Method, report: Report, cursor: type) -> Method:
    """A form of a connection's ``cursor`` *method* that makes a *cursor* where nothing else is asked for."""
    return functools.wraps(method)(_fastlane.making(method, general, report, cursor)) if available() else general
