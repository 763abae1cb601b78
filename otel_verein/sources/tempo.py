"""Grafana Tempo, asked over HTTP: ``/api/search`` for which traces there are, ``/api/v2/traces`` for each of them.

By its documentation, https://grafana.com/docs/tempo/latest/api_docs; it was tested against a server that answers as
that says, not against a Tempo. TraceQL metrics are of no use here: they do not know how many a kept trace stands for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from otel_verein.sources.base import Ask
from otel_verein.sources.fetched import TraceBackend
from otel_verein.sources.fetching import DAY_NS, SECOND_NS, Limits, Page, Walked
from otel_verein.sources.http import Answer, Product
from otel_verein.sources.otlp_fetched import ShapeError, by_trace, number_of, padded
from otel_verein.store.choose import Bounds

if TYPE_CHECKING:
    from otel_verein.sources.backend import Backend

PRODUCT: Final = Product("tempo", "Tempo", "the port of its HTTP API (3200), not one that takes spans (4318)")
_LIMITS: Final = Limits(page=1000, stretch_ns=6 * DAY_NS)
"""It refuses searches of more than seven days, unless its configuration says otherwise."""

_SPANS_OF_SEARCH: Final = "1"
"""Spans that a search shows of each trace; they are fetched afterwards anyway."""

_AT_A_TIME: Final = 4
_AT_ONCE: Final = 64
"""Traces fetched before their sizes are looked at."""

_NOT_FOUND: Final = frozenset({404})
_PARTIAL: Final = 206
_OF_TRACE: Final = frozenset({"trace", "metrics", "status", "message"})
"""What an answer of version 2 of the API has; of a trace that is not there one or none of them, as versions differ."""

_FETCHED: Final = frozenset({404, _PARTIAL})


@dataclass(frozen=True, slots=True)
class _Given:
    """The messages of one trace; ``partial`` is what Tempo says where they are not all of it, else None."""

    messages: Sequence[bytes]
    partial: str | None = None


class Tempo(TraceBackend):
    """The traces of a Tempo, of its tenant ``source.tenant`` where it has several."""

    def __init__(self, backend: Backend) -> None:
        super().__init__(backend, PRODUCT, _LIMITS)

    def _services(self, ask: Ask) -> Sequence[str | None]:
        return (ask.service,)

    def _look(self, service: str | None, stretch: Bounds, limit: int) -> Page[bytes]:
        query = {
            "q": "{}" if service is None else f"{{ resource.service.name = {_quoted(service)} }}",
            "start": str(stretch.start_ns // SECOND_NS),
            "end": str(-(-stretch.end_ns // SECOND_NS)),
            "limit": str(limit),
            "spss": _SPANS_OF_SEARCH,
        }
        found = self._object(self._json(self._http.get("/api/search", query).body))
        traces = found.get("traces") or []
        if not isinstance(traces, list) or not all(isinstance(each, dict) for each in traces):
            raise self._other_form("traces")
        if not traces and "metrics" not in found and "traces" not in found:
            raise self._other_form("neither traces nor metrics")
        full = len(traces) >= limit
        ids = {padded(str(each.get("traceID", ""))): each for each in traces}
        return Page(
            {key: key.encode() for key in ids},
            [number_of(each.get("startTimeUnixNano")) for each in ids.values()],
            full,
            () if full else self._not_searched(found.get("metrics")),  # with enough traces it ends before its time
        )

    def _not_searched(self, metrics: object) -> tuple[str, ...]:
        """A note where the search did not get through all of its work."""
        if not isinstance(metrics, dict):
            return ()
        done, jobs = (number_of(metrics.get(name)) for name in ("completedJobs", "totalJobs"))
        if done >= jobs:
            return ()
        return (
            f"{self.name}: a search got through {done} of {jobs} parts of the data; traces of the rest are missing",
        )

    def _whole(self, walked: Walked[bytes]) -> tuple[Sequence[bytes], tuple[str, ...]]:
        given: list[_Given] = []
        ids = [each.decode() for each in walked.traces.values()]
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            for first in range(0, len(ids), _AT_ONCE):
                given += pool.map(self._given, ids[first : first + _AT_ONCE])
                self.refuse_more_than(sum(len(message) for each in given for message in each.messages))
        return [message for each in given for message in each.messages], self._missing(given)

    def _missing(self, given: Iterable[_Given]) -> tuple[str, ...]:
        gone = sum(not each.messages for each in given)
        partial = [each.partial for each in given if each.partial is not None]
        notes = []
        if gone:
            notes.append(f"{self.name}: {gone} of the traces that were found are gone by now; they are not counted")
        if partial:
            said = next(filter(None, partial), "")
            notes.append(
                f"{self.name}: {len(partial)} traces came in part only"
                + (f" ({said})" if said else "")
                + "; what they lack is not counted"
            )
        return tuple(notes)

    def _one(self, trace_id: str) -> Sequence[bytes]:
        given = self._given(trace_id)
        if given.partial is not None:
            raise self._http.fault(
                f"trace {trace_id} comes in part only"
                + (f" ({given.partial})" if given.partial else "")
                + "; the limit is max_bytes_per_trace of its configuration"
            )
        return given.messages

    def _given(self, trace_id: str) -> _Given:
        """A trace by version 2 of the API, or by version 1 where there is none."""
        answer = self._http.get(f"/api/v2/traces/{trace_id}", accepted=_FETCHED)
        if answer.status in _NOT_FOUND:
            answer = self._http.get(f"/api/traces/{trace_id}", accepted=_FETCHED)
        return _Given(()) if answer.status in _NOT_FOUND else self._trace_in(answer)

    def _trace_in(self, answer: Answer) -> _Given:
        document = self._object(self._json(answer.body))
        status = document.get("status", 0)
        is_partial = answer.status == _PARTIAL or status in ("PARTIAL", 1)
        of_trace = document.get("trace", document)
        of_trace = self._object({} if of_trace is None else of_trace)
        spans: Any = of_trace.get("resourceSpans", of_trace.get("batches"))
        if spans is None and not _OF_TRACE.intersection(document):
            raise self._other_form("neither trace nor batches")
        try:
            traces = by_trace(spans)
        except ShapeError as fault:
            raise self._other_form(str(fault)) from fault
        return _Given(
            [trace.message for trace in traces.values()],
            str(document.get("message") or "") if is_partial else None,
        )


def _quoted(text: str) -> str:
    """*text* as a literal of TraceQL."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
