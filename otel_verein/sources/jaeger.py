"""Jaeger, asked by version 3 of the API of its query service, over HTTP: ``/api/v3``.

Its answers are OTLP/JSON. What its storage changes is put right again; what it loses stays lost: with badger these are
attributes of scopes, and of links all but the ids.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from otel_verein.sources.base import Ask
from otel_verein.sources.fetched import TraceBackend
from otel_verein.sources.fetching import DAY_NS, SECOND_NS, Limits, Page
from otel_verein.sources.http import Answer, Product, TooLargeError
from otel_verein.sources.otlp_fetched import ShapeError, Trace, by_trace
from otel_verein.store.choose import Bounds

if TYPE_CHECKING:
    from otel_verein.sources.backend import Backend

PRODUCT: Final = Product("jaeger", "Jaeger", "the port of its query service (16686), not one that takes spans (4318)")
_LIMITS: Final = Limits(page=500, stretch_ns=30 * DAY_NS)
"""Storage with an index for each day is asked for no more of them at a time."""

_NOT_FOUND: Final = frozenset({404})
_RAW: Final = "true"
"""Without what Jaeger adds: warnings, and times moved where it takes a clock to be wrong."""


class Jaeger(TraceBackend):
    """The traces of a Jaeger whose query service has version 3 of its API over HTTP, as Jaeger 2 does."""

    def __init__(self, backend: Backend) -> None:
        super().__init__(backend, PRODUCT, _LIMITS)
        self._fitting = (
            _LIMITS.page
        )  # so many traces fit into one answer; a guess of any thread is as good as another's

    def _services(self, ask: Ask) -> Sequence[str | None]:
        if ask.service is not None:
            return (ask.service,)
        found = self._object(self._json(self._http.get("/api/v3/services").body)).get("services", ())
        if not isinstance(found, (list, tuple)) or not all(isinstance(each, str) for each in found):
            raise self._other_form("services")
        return sorted(found)

    def _look(self, service: str | None, stretch: Bounds, limit: int) -> Page[bytes]:
        if self._fitting < _LIMITS.page:
            limit = min(limit, self._fitting)
        query = {
            "query.service_name": service or "",
            "query.start_time_min": _moment(stretch.start_ns),
            "query.start_time_max": _moment(stretch.end_ns - 1),
            "query.num_traces": str(limit),
            "query.raw_traces": _RAW,
        }
        try:
            answer = self._http.get("/api/v3/traces", query, accepted=_NOT_FOUND)
        except TooLargeError:
            if limit == 1:
                raise
            self._fitting = max(1, limit // 4)
            return self._look(service, stretch, limit)
        if len(answer.body) * 8 < self._http.most_bytes:
            self._fitting = min(self._fitting * 2, _LIMITS.page)
        traces = self._traces_in(answer)
        messages = {key: trace.message for key, trace in traces.items()}
        return Page(messages, [trace.start_ns for trace in traces.values()], len(traces) >= limit)

    def _one(self, trace_id: str) -> Sequence[bytes]:
        answer = self._http.get(f"/api/v3/traces/{quote(trace_id)}", {"raw_traces": _RAW}, accepted=_NOT_FOUND)
        return [trace.message for trace in self._traces_in(answer).values()]

    def _traces_in(self, answer: Answer) -> dict[str, Trace]:
        """The traces of an answer, which comes as one document or as a row of them."""
        if answer.status in _NOT_FOUND:
            if not _is_nothing_found(answer.body):
                raise self._http.refused(answer)
            return {}
        resource_spans: list[Any] = []
        for each in self._documents(answer.body):
            document = self._object(each)
            if "error" in document:
                raise self._http.fault(
                    f"the answer breaks off: {_message_of(document['error'])}; its own log tells more"
                )
            result = document.get("result")
            if not isinstance(result, dict):
                raise self._other_form("no result")
            part = result.get("resourceSpans") or []
            if not isinstance(part, list):
                raise self._other_form("resourceSpans is no list of objects")
            resource_spans += part
        try:
            return by_trace(resource_spans)
        except ShapeError as fault:
            raise self._other_form(str(fault)) from fault


def _is_nothing_found(body: bytes) -> bool:
    """Whether Jaeger itself says that there is no such trace, rather than a proxy that there is no such page."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and "No traces found" in _message_of(said.get("error"))


def _message_of(error: object) -> str:
    if isinstance(error, dict):
        return str(error.get("message", ""))
    return str(error)


def _moment(moment_ns: int) -> str:
    """The moment as RFC 3339, with all of its nanoseconds."""
    seconds, rest = divmod(max(0, moment_ns), SECOND_NS)
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") + f".{rest:09d}Z"
