"""Spans of the queries of a kept operation: one each, or one summary for many of a kind.

A group is the queries of one fingerprint under one parent span. From ``compression.repeats`` on, a summary span
stands for them, with the keys that the collector's span pruning writes, so viewers draw it. Failed queries and the
slowest stay whole beside it and are not in its count: spans plus summarised spans add up to the queries.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from statistics import median
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode

from otel_verein import semconv
from otel_verein.config.schema import Compression
from otel_verein.ledger.group import QueryGroup
from otel_verein.ledger.operation import Operation
from otel_verein.ledger.record import QueryRecord
from otel_verein.version import __version__

_BOUNDS_S = (0.0001, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SCOPE = InstrumentationScope(semconv.SCOPE, __version__)


class SpanBuilder:
    """Builds the query spans of one operation with the ids, resource and tier of its trace."""

    def __init__(
        self,
        operation: Operation,
        resource: Resource,
        new_context: Callable[[SpanContext], SpanContext],
        tier: str,
    ) -> None:
        self._offset = operation.wall_offset_ns
        self._resource = resource
        self._new_context = new_context
        self._tier = tier
        self.merged = 0
        """Queries that summary spans stand for."""

    def spans(self, groups: list[QueryGroup], options: Compression) -> Iterator[ReadableSpan]:
        """The spans of *groups*, in no particular order; parents are the spans the queries ran under."""
        for group in groups:
            if group.count < options.repeats:
                yield from (self._single(group, record) for record in group.records)
                continue
            slowest = sorted(group.records, key=lambda record: -record.duration_ns)[: options.slowest]
            whole = [record for record in group.records if record.error is not None or record in slowest]
            yield from (self._single(group, record) for record in whole)
            if group.count > len(whole):
                yield self._summary(group, whole)

    def _single(self, group: QueryGroup, record: QueryRecord) -> ReadableSpan:
        attributes = _describe(group)
        if record.batch:
            attributes[semconv.DB_OPERATION_BATCH_SIZE] = record.batch
        if record.error:
            attributes[semconv.ERROR_TYPE] = record.error
        return self._span(group, record.start_ns, record.end_ns, attributes, failed=record.error is not None)

    def _summary(self, group: QueryGroup, whole: list[QueryRecord]) -> ReadableSpan:
        """One span for all of *group* but the records that stay *whole*."""
        count = group.count - len(whole)
        total_ns = group.total_ns - sum(record.duration_ns for record in whole)
        known = group.folded_ns + [record.duration_ns for record in group.records if record not in whole]
        self.merged += count
        attributes = _describe(group) | {
            semconv.AGG_IS_SUMMARY: True,
            semconv.AGG_SPAN_COUNT: count,
            semconv.AGG_DURATION_AVG_NS: total_ns // count,
            semconv.AGG_DURATION_TOTAL_NS: total_ns,
        }
        if len(known) == count:  # past the caps of a huge operation the single durations are unknown
            attributes |= {
                semconv.AGG_DURATION_MIN_NS: min(known),
                semconv.AGG_DURATION_MAX_NS: max(known),
                semconv.AGG_DURATION_MEDIAN_NS: int(median(known)),
                semconv.AGG_BUCKET_BOUNDS_S: _BOUNDS_S,
                semconv.AGG_BUCKET_COUNTS: _bucketed(known),
            }
        failed = group.errors > sum(record.error is not None for record in whole)
        return self._span(group, group.first_ns, group.last_ns, attributes, failed=failed)

    def _span(
        self, group: QueryGroup, start_ns: int, end_ns: int, attributes: Mapping[str, Any], *, failed: bool
    ) -> ReadableSpan:
        parent = group.parent.get_span_context()
        return ReadableSpan(
            name=group.fingerprint.summary or group.target.system,
            context=self._new_context(parent),
            parent=parent,
            resource=self._resource,
            attributes={**attributes, semconv.TIER: self._tier},
            kind=SpanKind.CLIENT,
            status=Status(StatusCode.ERROR) if failed else Status(StatusCode.UNSET),
            start_time=start_ns + self._offset,
            end_time=end_ns + self._offset,
            instrumentation_scope=_SCOPE,
        )


def _bucketed(durations_ns: list[int]) -> tuple[int, ...]:
    counts = [0] * (len(_BOUNDS_S) + 1)
    for duration in durations_ns:
        counts[bisect_left(_BOUNDS_S, duration / 1e9)] += 1
    return tuple(counts)


def _describe(group: QueryGroup) -> dict[str, Any]:
    target, fingerprint, site = group.target, group.fingerprint, group.call_site
    described = {
        semconv.DB_SYSTEM_NAME: target.system,
        semconv.DB_QUERY_TEXT: fingerprint.text,
        semconv.DB_QUERY_SUMMARY: fingerprint.summary,
        semconv.DB_OPERATION_NAME: fingerprint.verb or None,
        semconv.DB_COLLECTION_NAME: fingerprint.tables[0] if len(fingerprint.tables) == 1 else None,
        semconv.DB_NAMESPACE: target.namespace,
        semconv.SERVER_ADDRESS: target.address,
        semconv.SERVER_PORT: target.port,
        semconv.CODE_FILE_PATH: site.file if site else None,
        semconv.CODE_LINE_NUMBER: site.line if site else None,
        semconv.CODE_FUNCTION_NAME: site.function if site else None,
    }
    return {key: value for key, value in described.items() if value is not None}
