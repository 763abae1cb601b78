"""The form in which spans of a kept operation leave: sampled flag, weight, tier, tags and finding events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from otel_verein import semconv
from otel_verein.ledger.verdict import Finding
from otel_verein.processors.sampling import Decision, KeepReason, with_threshold
from otel_verein.processors.tagging import Tags

_LONG, _MEDIUM, _SHORT = "long", "medium", "short"


def tier(decision: Decision, tags: Tags) -> str:
    """How long the trace is worth keeping: errors and critical ones longest, samples shortest."""
    if tags.severity == "critical":
        return _LONG
    return _MEDIUM if decision.reason in (KeepReason.BREACH, KeepReason.N_PLUS_ONE) else _SHORT


class Exported:
    """Rebuilds ended spans of one operation as they are exported; the originals stay as they are."""

    def __init__(self, decision: Decision, tier: str, resource: Resource) -> None:
        self._decision = decision
        self.tier = tier
        self.resource = resource

    def context(self, context: SpanContext) -> SpanContext:
        """*context*, sampled, with the weight of the decision in its tracestate."""
        return SpanContext(
            trace_id=context.trace_id,
            span_id=context.span_id,
            is_remote=False,
            trace_flags=TraceFlags(context.trace_flags | TraceFlags.SAMPLED),
            trace_state=with_threshold(context.trace_state, self._decision.threshold),
        )

    def span(self, span: ReadableSpan, attributes: Mapping[str, Any] | None = None) -> ReadableSpan:
        """*span* with its tier and *attributes*."""
        return self._rebuilt(span, attributes or {}, span.events)

    def root(self, span: ReadableSpan, attributes: Mapping[str, Any], findings: Sequence[Finding]) -> ReadableSpan:
        """The root *span* with its tags, the reason it is kept, and one event for each finding."""
        reason = self._decision.reason
        tags = {**attributes, semconv.KEEP_REASON: reason.value if reason else ""}
        events = [Event(semconv.FINDING_EVENT, _finding(finding), span.end_time) for finding in findings]
        return self._rebuilt(span, tags, [*span.events, *events])

    def _rebuilt(self, span: ReadableSpan, attributes: Mapping[str, Any], events: Sequence[Event]) -> ReadableSpan:
        context = span.get_span_context()
        return ReadableSpan(
            name=span.name,
            context=self.context(context) if context is not None else None,
            parent=span.parent,
            resource=self.resource,
            attributes={**(span.attributes or {}), **attributes, semconv.TIER: self.tier},
            events=events,
            links=span.links,
            kind=span.kind,
            status=span.status,
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )


def _finding(finding: Finding) -> dict[str, Any]:
    site = finding.call_site
    described = {
        semconv.FINDING_KIND: finding.kind.value,
        semconv.FINDING_FINGERPRINT: finding.fingerprint.key,
        semconv.FINDING_REPEATS: finding.repeats,
        semconv.FINDING_QUERIES: finding.queries,
        semconv.FINDING_STATEMENTS: finding.statements,
        semconv.FINDING_TOTAL_MS: finding.total_ms,
        semconv.FINDING_PARAMETERS: finding.parameters,
        semconv.FINDING_WRITE: finding.write,
        semconv.FINDING_CONCURRENT: finding.concurrent,
        semconv.DB_SYSTEM_NAME: finding.system,
        semconv.DB_QUERY_SUMMARY: finding.fingerprint.summary,
        semconv.DB_QUERY_TEXT: finding.fingerprint.text,
        semconv.DB_OPERATION_NAME: finding.fingerprint.verb or None,
        semconv.CODE_FILE_PATH: site.file if site else None,
        semconv.CODE_LINE_NUMBER: site.line if site else None,
        semconv.CODE_FUNCTION_NAME: site.function if site else None,
        semconv.FINDING_STACK: (str(site), *site.outer) if site else None,
    }
    return {key: value for key, value in described.items() if value is not None}
