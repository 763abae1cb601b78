"""The form in which spans of a kept operation leave: sampled flag, weight, tier, tags and finding events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags, TraceState

from otel_verein import semconv
from otel_verein.ledger import orm
from otel_verein.ledger.verdict import Finding
from otel_verein.processors.copied import copied
from otel_verein.processors.sampling import Decision, KeepReason, with_threshold
from otel_verein.processors.tagging import Tags

_SAMPLED_FLAGS = tuple(TraceFlags(flags | TraceFlags.SAMPLED) for flags in range(256))
_LONG, _MEDIUM, _SHORT = "long", "medium", "short"


def tier(decision: Decision, tags: Tags) -> str:
    """How long the trace is worth keeping: errors and critical ones longest, samples shortest."""
    if tags.severity == "critical":
        return _LONG
    return _MEDIUM if tags.breaches or decision.reason is KeepReason.FORCED else _SHORT


class Exported:
    """Rebuilds ended spans of one operation as they are exported; the originals stay as they are."""

    def __init__(self, decision: Decision, tier: str, resource: Resource) -> None:
        self._decision = decision
        self.tier = tier
        self.resource = resource
        # Tracestates with the weight, by the identity of what they were without, which is held so that it stays one;
        # nearly all spans of an operation have the same.
        self._states: dict[int, TraceState] = {}
        self._given: list[TraceState] = []

    def in_trace(self, context: SpanContext, span_id: int) -> SpanContext:
        """The context of a span in the trace of *context*: sampled, with the weight of the decision."""
        given = context.trace_state
        state = self._states.get(id(given))
        if state is None:
            state = self._states[id(given)] = with_threshold(given, self._decision.threshold)
            self._given.append(given)
        flags = context.trace_flags
        if not flags & TraceFlags.SAMPLED:
            flags = _SAMPLED_FLAGS[flags & 0xFF]
        return SpanContext(context.trace_id, span_id, False, flags, state)

    def span(self, span: ReadableSpan, parent: SpanContext | None = None) -> ReadableSpan:
        """*span* with its tier, below *parent* if its own is not exported."""
        return self._rebuilt(span, parent or span.parent, {}, span.events)

    def root(self, span: ReadableSpan, attributes: Mapping[str, Any], findings: Sequence[Finding]) -> ReadableSpan:
        """The root *span* with its tags, the reason it is kept, and one event for each finding."""
        reason = self._decision.reason
        tags = {**attributes, semconv.KEEP_REASON: reason.value if reason else ""}
        if self._decision.would is not None:
            tags[semconv.SAMPLING_WOULD] = self._decision.would
        events = [Event(semconv.FINDING_EVENT, _finding(finding), span.end_time) for finding in findings]
        return self._rebuilt(span, span.parent, tags, [*span.events, *events])

    def _rebuilt(
        self,
        span: ReadableSpan,
        parent: SpanContext | None,
        attributes: Mapping[str, Any],
        events: Sequence[Event],
    ) -> ReadableSpan:
        context = span.get_span_context()
        rebuilt = copied(
            span,
            ExportedSpan,
            context=self.in_trace(context, context.span_id) if context is not None else None,
            parent=parent,
            resource=self.resource,
            attributes={**(span.attributes or {}), **attributes, semconv.TIER: self.tier},
            events=events,
        )
        rebuilt.lost = (span.dropped_attributes, span.dropped_events, span.dropped_links)
        return rebuilt


class ExportedSpan(ReadableSpan):
    """A span as it is exported; ``lost`` are the attributes, events and links that the limits of the SDK dropped."""

    lost = (0, 0, 0)

    @property
    def dropped_attributes(self) -> int:
        """Attributes that the original dropped."""
        return self.lost[0]

    @property
    def dropped_events(self) -> int:
        """Events that the original dropped."""
        return self.lost[1]

    @property
    def dropped_links(self) -> int:
        """Links that the original dropped."""
        return self.lost[2]


def _finding(finding: Finding) -> dict[str, Any]:
    site = finding.call_site
    went = site.through if site else None
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
        semconv.FINDING_ORM: went.orm if went else None,
        semconv.FINDING_ORM_VERSION: orm.version(went.orm) if went else None,
        semconv.FINDING_VIA: went.via if went else None,
    }
    return {key: value for key, value in described.items() if value is not None}
