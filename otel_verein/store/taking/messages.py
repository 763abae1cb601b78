"""A message of a segment, taken into rows: what is right goes on, what is not is set aside with its reason.

A message that parses is taken at once. One of which a part is wrong is taken apart, so that the rest of it counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

from msgspec import Raw

from otel_verein import semconv
from otel_verein.store.taking import aside, otlp
from otel_verein.store.taking.aside import METRICS, SPANS
from otel_verein.store.taking.cumulative import Lasts
from otel_verein.store.taking.mending import parts, repaired
from otel_verein.store.taking.otlp import UNUSABLE, Line, LooseScope, Metric, ResourceMetrics, ResourceSpans, Span
from otel_verein.store.taking.points import BROKEN as BROKEN_POINT
from otel_verein.store.taking.points import Maker, Points
from otel_verein.store.taking.promoted import Origin, origin
from otel_verein.store.taking.span_rows import Where
from otel_verein.store.taking.spans import At, Spans

SetAside = Callable[[str, str, bytes, At], None]
"""Signal, reason, item, and where its message came from."""

BROKEN_LINE: Final = "not OTLP/JSON"
NOT_UTF8: Final = "taken with U+FFFD for what is no UTF-8"
OTHER_SIGNAL: Final = "logs or profiles, which the store does not keep"
BROKEN_SPAN: Final = "no span, or a part of it has a wrong type"
BROKEN_RESOURCE: Final = "a resource or scope is not one"
_EMPTY: Final = b"{}"


class Taking:
    """Rows of all messages given; *set_aside* hears what cannot be taken."""

    def __init__(self, lasts: Lasts, latest_ns: int, set_aside: SetAside) -> None:
        self.spans = Spans(latest_ns, lambda reason, item, at: set_aside(SPANS, reason, item, at))
        self.points = Points(lasts, latest_ns)
        self._lines = 0
        self._set_aside = set_aside
        self._at: At = None

    @property
    def tallies(self) -> dict[str, float]:
        """What was taken until now, by name."""
        return {"lines": self._lines, **self.spans.tallies, **self.points.tallies}

    def take(self, data: bytes, at: At = None) -> None:
        """Take one message, which came from *at*."""
        self._lines += 1
        self._at = at
        line = _decoded(data)
        if line is None:
            mended = repaired(data)
            if mended is not data and _is_message(mended):
                self._aside(aside.REPAIRED, NOT_UTF8, data)
                data, line = mended, _decoded(mended)
        if line is None:
            self._take_apart(data)
        else:
            self._take_line(line, data)

    @property
    def rows(self) -> int:
        """How many rows wait to be written."""
        return self.spans.number + self.points.rows.rows + len(self.points.others)

    def _take_line(self, line: Line, data: bytes) -> None:
        self._check_signals(line, data)
        for of_resource in line.resourceSpans or ():
            self._resource_spans(of_resource)
        for of_process in line.resourceMetrics or ():
            self._resource_metrics(of_process)

    def _check_signals(self, line: Line, data: bytes) -> None:
        if len(line.resourceLogs) or len(line.resourceProfiles):
            self._aside(aside.LINES, OTHER_SIGNAL, data)
        elif line.resourceSpans is None and line.resourceMetrics is None and data.strip() != _EMPTY:
            self._aside(aside.LINES, BROKEN_LINE, data)

    def _resource_spans(self, of_resource: ResourceSpans) -> None:
        resource = otlp.with_schema(bytes(of_resource.resource) or _EMPTY, of_resource.schemaUrl)
        for of_scope in of_resource.scopeSpans or ():
            if of_scope.spans:
                scope = otlp.with_schema(bytes(of_scope.scope) or _EMPTY, of_scope.schemaUrl)
                self._take_spans(of_scope.spans, resource, scope)

    def _take_spans(self, spans: list[Span], resource: bytes, scope: bytes) -> None:
        where = _where(resource, scope)
        if where is None:
            for span in spans:
                self._aside(SPANS, BROKEN_RESOURCE, otlp.encoded(span))
        else:
            self.spans.take(spans, where, self._at)

    def _resource_metrics(self, of_process: ResourceMetrics) -> None:
        resource = otlp.with_schema(bytes(of_process.resource) or _EMPTY, of_process.schemaUrl)
        for of_scope in of_process.scopeMetrics or ():
            scope = otlp.with_schema(bytes(of_scope.scope) or _EMPTY, of_scope.schemaUrl)
            for metric in of_scope.metrics or ():
                self._metric(metric, resource, scope)

    def _metric(self, metric: Metric, resource: bytes, scope: bytes) -> None:
        found = _origin(resource)
        is_ours = _is_ours(scope)
        if found is None or is_ours is None:
            self._aside(METRICS, BROKEN_RESOURCE, otlp.encoded(metric))
            return
        maker = Maker(str(resource, "utf-8"), str(scope, "utf-8"), found, is_ours)
        self.points.take(metric, maker, lambda reason, item: self._aside(METRICS, reason, item))

    def _take_apart(self, data: bytes) -> None:
        try:
            line = otlp.LOOSE_LINE.decode(data)
        except UNUSABLE:
            self._take_parts(parts(data))
            return
        for raw in line.resourceSpans or ():
            self._loose_resource(raw, SPANS)
        for raw in line.resourceMetrics or ():
            self._loose_resource(raw, METRICS)
        if len(line.resourceLogs) or len(line.resourceProfiles):
            self._aside(aside.LINES, OTHER_SIGNAL, data)
        elif line.resourceSpans is None and line.resourceMetrics is None:
            self._aside(aside.LINES, BROKEN_LINE, data)

    def _take_parts(self, found: Sequence[bytes]) -> None:
        """Take what became one line since its writer was killed in the middle of another."""
        if len(found) == 1:
            self._aside(aside.LINES, BROKEN_LINE, found[0])
            return
        for part in found:
            line = _decoded(part)
            if line is None:
                self._take_apart(part)
            else:
                self._take_line(line, part)

    def _loose_resource(self, raw: Raw, signal: str) -> None:
        try:
            of_resource = otlp.LOOSE_RESOURCE.decode(raw)
        except UNUSABLE:
            self._aside(signal, BROKEN_RESOURCE, bytes(raw))
            return
        resource = otlp.with_schema(bytes(of_resource.resource) or _EMPTY, of_resource.schemaUrl)
        for scope_raw in of_resource.scopeSpans or of_resource.scopeMetrics or ():
            try:
                of_scope = otlp.LOOSE_SCOPE.decode(scope_raw)
            except UNUSABLE:
                self._aside(signal, BROKEN_RESOURCE, bytes(scope_raw))
                continue
            scope = otlp.with_schema(bytes(of_scope.scope) or _EMPTY, of_scope.schemaUrl)
            self._loose_items(of_scope, resource, scope)

    def _loose_items(self, of_scope: LooseScope, resource: bytes, scope: bytes) -> None:
        spans = [span for raw in of_scope.spans or () if (span := self._loose_span(raw)) is not None]
        if spans:
            self._take_spans(spans, resource, scope)
        for raw in of_scope.metrics or ():
            try:
                metric = otlp.METRIC.decode(raw)
            except UNUSABLE:
                self._aside(METRICS, BROKEN_POINT, bytes(raw))
            else:
                self._metric(metric, resource, scope)

    def _loose_span(self, raw: Raw) -> Span | None:
        try:
            return otlp.span_with_names(raw)
        except UNUSABLE:
            self._aside(SPANS, BROKEN_SPAN, bytes(raw))
        return None

    def _aside(self, signal: str, reason: str, item: bytes) -> None:
        self._set_aside(signal, reason, item, self._at)


def _is_message(data: bytes) -> bool:
    """Whether it is JSON, whatever is wrong with its parts."""
    try:
        otlp.LOOSE_LINE.decode(data)
    except UNUSABLE:
        return False
    return True


def _decoded(data: bytes) -> Line | None:
    """The message; None where a part of it is wrong."""
    try:
        if not data.isascii():
            data.decode("utf-8")
        return otlp.LINE.decode(data)
    except UNUSABLE:
        return None


@lru_cache(maxsize=1024)
def _where(resource: bytes, scope: bytes) -> Where | None:
    found = _origin(resource)
    return None if found is None else Where(str(resource, "utf-8"), str(scope, "utf-8"), found)


@lru_cache(maxsize=1024)
def _origin(resource: bytes) -> Origin | None:
    return origin(resource)


@lru_cache(maxsize=1024)
def _is_ours(scope: bytes) -> bool | None:
    try:
        return otlp.SCOPE.decode(scope).name == semconv.SCOPE
    except UNUSABLE:
        return None
