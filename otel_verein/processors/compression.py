"""Spans of the queries of a kept operation: one each, or one summary for many of a kind.

A group is the queries of one statement under one parent span. From ``compression.repeats`` on, summary spans stand
for them, with the keys that the collector's span pruning writes, so viewers draw them: one for those that went well
and, as the collector tells them apart, one for those that failed. The slowest and the first failed queries stay whole
beside them and are not in their counts: spans plus summarised spans add up to the queries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode

from otel_verein import semconv
from otel_verein.config.schema import Compression
from otel_verein.ledger.fingerprint import Fingerprint
from otel_verein.ledger.group import QueryGroup, one_error, parted
from otel_verein.ledger.operation import Operation
from otel_verein.ledger.record import (
    BATCH,
    DURATION,
    ERROR,
    FOUND,
    START,
    TARGET,
    ConnectionTarget,
    RecordFields,
    rows_of,
)
from otel_verein.ledger.spread import BOUNDS_S, Spread, cumulative
from otel_verein.version import __version__

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_SCOPE = InstrumentationScope(semconv.SCOPE, __version__)
_UNSET, _FAILED = Status(StatusCode.UNSET), Status(StatusCode.ERROR)
_NOTHING_WHOLE = Compression(slowest=0, failed=0)


class SpanBuilder:
    """Builds the query spans of one operation with the ids, resource and tier of its trace.

    *at* gives the context of a span, or of the nearest one above it that is exported; of None that of the root.
    """

    def __init__(
        self,
        operation: Operation,
        resource: Resource,
        new_context: Callable[[SpanContext], SpanContext],
        tier: str,
        at: Callable[[Span | None], SpanContext] | None = None,
    ) -> None:
        self._operation = operation
        self._offset = operation.wall_offset_ns
        self._room = operation.ledger.config.limits.spans_per_operation
        self._resource = resource
        self._new_context = new_context
        self._tier = tier
        self._at = at
        self.merged = 0
        """Queries that summary spans stand for."""

    def spans(self, groups: list[QueryGroup], options: Compression) -> Iterator[ReadableSpan]:
        """The spans of *groups* and of the operation's rest, in no particular order.

        Parents are the spans the queries ran under, or the root where a group had several. Beside summary spans as
        many queries stay whole as ``limits.spans_per_operation`` says, all in all.
        """
        for group in groups:
            yield from self._of(group, options)
        if self._operation.rest is not None:
            yield from self._of(self._operation.rest, options)

    def _of(self, group: QueryGroup, options: Compression) -> Iterator[ReadableSpan]:
        records = group.held + group.records if group.held else group.records
        whole: list[RecordFields] = records
        others: list[RecordFields] = []
        if group.count >= options.repeats or len(records) < group.count:
            stay = options if self._room > 0 else _NOTHING_WHOLE
            whole, others = parted(records, stay, failed=bool(group.errors))
            self._room -= len(whole)
        parent = self._parent(group)
        for record in whole:
            yield self._single(group, parent, record)
        if len(whole) < group.count:
            yield from self._summaries(group, parent, others)

    def _single(self, group: QueryGroup, parent: SpanContext, record: RecordFields) -> ReadableSpan:
        attributes = _describe(record[FOUND], record[TARGET], group)
        if record[BATCH]:
            attributes[semconv.DB_OPERATION_BATCH_SIZE] = record[BATCH]
        rows = rows_of(record)
        if rows is not None:
            attributes[semconv.DB_RESPONSE_RETURNED_ROWS] = rows
        error, start_ns = record[ERROR], record[START]
        name = _name(record[FOUND], record[TARGET])
        return self._span(name, parent, start_ns, start_ns + record[DURATION], attributes, error)

    def _summaries(self, group: QueryGroup, parent: SpanContext, others: list[RecordFields]) -> Iterator[ReadableSpan]:
        """One span for the queries of *group* that went well and do not stay whole, one for those that failed."""
        passed = [record[DURATION] for record in others if record[ERROR] is None]
        failed = [record for record in others if record[ERROR] is not None] if len(passed) < len(others) else []
        late_ns = _late_ns(group)
        if passed or group.spread is not None:
            yield self._summary(group, parent, _figures(group.spread, passed, late_ns), None)
            late_ns = 0
        if failed or group.failures is not None:
            figures = _figures(group.failures, [record[DURATION] for record in failed], late_ns)
            yield self._summary(group, parent, figures, one_error(group.error, failed))

    def _summary(
        self, group: QueryGroup, parent: SpanContext, figures: dict[str, Any], error: str | None
    ) -> ReadableSpan:
        self.merged += figures[semconv.AGG_SPAN_COUNT]
        name = _name(group.fingerprint, group.target)
        attributes = _describe(group.fingerprint, group.target, group) | figures
        return self._span(name, parent, group.first_ns, group.last_ns, attributes, error)

    def _span(
        self, name: str, parent: SpanContext, start_ns: int, end_ns: int, attributes: dict[str, Any], error: str | None
    ) -> ReadableSpan:
        attributes[semconv.TIER] = self._tier
        if error is not None:
            attributes[semconv.ERROR_TYPE] = error
        return ReadableSpan(
            name=name,
            context=self._new_context(parent),
            parent=parent,
            resource=self._resource,
            attributes=attributes,
            kind=SpanKind.CLIENT,
            status=_FAILED if error is not None else _UNSET,
            start_time=start_ns + self._offset,
            end_time=end_ns + self._offset,
            instrumentation_scope=_SCOPE,
        )

    def _parent(self, group: QueryGroup) -> SpanContext:
        if self._at is not None:
            return self._at(None if group.several else group.parent)
        context = group.parent.get_span_context()
        if not group.several:
            return context
        return SpanContext(context.trace_id, self._operation.root_id, False, context.trace_flags, context.trace_state)


def _figures(spread: Spread | None, durations_ns: list[int], late_ns: int) -> dict[str, Any]:
    """What a summary span says of the calls in *spread* and of those that took *durations_ns*.

    Exact but for the median of an operation that was folded, which is within 5 %. *late_ns* are fetches of calls whose
    own time is no longer known: they are in the sum and the mean alone.
    """
    if spread is None:
        count, total_ns, median_ns = len(durations_ns), sum(durations_ns), _median(durations_ns)
        shortest_ns, longest_ns, counts = min(durations_ns), max(durations_ns), cumulative(durations_ns)
    else:
        spread.add(durations_ns)
        count, total_ns, median_ns = spread.count, spread.total_ns, spread.median_ns()
        shortest_ns, longest_ns, counts = spread.min_ns, spread.max_ns, spread.cumulative()
    return {
        semconv.AGG_IS_SUMMARY: True,
        semconv.AGG_SPAN_COUNT: count,
        semconv.AGG_DURATION_MIN_NS: shortest_ns,
        semconv.AGG_DURATION_MAX_NS: longest_ns,
        semconv.AGG_DURATION_AVG_NS: (total_ns + late_ns) // count,
        semconv.AGG_DURATION_TOTAL_NS: total_ns + late_ns,
        semconv.AGG_DURATION_MEDIAN_NS: median_ns,
        semconv.AGG_BUCKET_BOUNDS_S: BOUNDS_S,
        semconv.AGG_BUCKET_COUNTS: counts,
    }


def _median(durations_ns: list[int]) -> int:
    # by hand: `statistics` brings fractions and decimals into the process
    ordered, middle = sorted(durations_ns), len(durations_ns) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) // 2


def _late_ns(group: QueryGroup) -> int:
    """Time of fetches that came when the time of their call was no longer held by itself."""
    spreads = [spread for spread in (group.spread, group.failures) if spread is not None]
    if not spreads:
        return 0
    known_ns: int = sum(record[DURATION] for record in group.held + group.records)
    return group.total_ns - known_ns - sum(spread.total_ns for spread in spreads)


def _name(fingerprint: Fingerprint, target: ConnectionTarget) -> str:
    return fingerprint.summary or target.system


def _describe(fingerprint: Fingerprint, target: ConnectionTarget, group: QueryGroup) -> dict[str, Any]:
    site = group.call_site
    described = {
        semconv.DB_SYSTEM_NAME: target.system,
        semconv.DB_QUERY_TEXT: fingerprint.text or None,
        semconv.DB_QUERY_SUMMARY: fingerprint.summary,
        semconv.DB_FINGERPRINT: fingerprint.key,
        semconv.DB_OPERATION_NAME: fingerprint.verb or None,
        semconv.DB_COLLECTION_NAME: fingerprint.tables[0] if len(fingerprint.tables) == 1 else None,
        semconv.DB_NAMESPACE: target.namespace,
        semconv.SERVER_ADDRESS: target.address,
        semconv.SERVER_PORT: target.port,
    }
    if site is not None:
        described |= {
            semconv.CODE_FILE_PATH: site.file,
            semconv.CODE_LINE_NUMBER: site.line,
            semconv.CODE_FUNCTION_NAME: site.function,
        }
    return {key: value for key, value in described.items() if value is not None}
