# ruff: noqa: UP031 - percent formats leave the braces of JSON alone
"""Spans as one line of OTLP JSON."""

from __future__ import annotations

from collections.abc import Iterable
from json.encoder import encode_basestring as quoted
from typing import TYPE_CHECKING

from opentelemetry.trace import SpanKind, StatusCode

from otel_verein.exporters.otlp_json import Owners, attributes_field, number_field, time_field
from otel_verein.faults import FAULTS

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.trace import Link, SpanContext

_KINDS = {kind: kind.value + 1 for kind in SpanKind}
_HAS_IS_REMOTE, _IS_REMOTE = 0x100, 0x200


class SpanLines:
    """Encodes spans; used by one thread at a time."""

    def __init__(self) -> None:
        self._owners = Owners("scopeSpans", "spans")

    def encode(self, spans: Iterable[ReadableSpan]) -> tuple[bytes, int]:
        """One line without its end: *spans* by resource and scope, in the order they came.

        And how many of them are not in it, since they have no form at all, such as one without a context.
        """
        grouped: dict[str, dict[str, list[str]]] = {}
        bad = 0
        for span in spans:
            try:
                encoded = _span(span)
            except Exception as fault:  # noqa: BLE001 - reported; a span of the application must not take others along
                FAULTS.report("export.encode", fault)
                bad += 1
                continue
            scopes = grouped.setdefault(self._owners.resource(span.resource), {})
            scopes.setdefault(self._owners.scope(span.instrumentation_scope), []).append(encoded)
        parts = [
            resource % ",".join([scope % ",".join(members) for scope, members in scopes.items()])
            for resource, scopes in grouped.items()
        ]
        return f'{{"resourceSpans":[{",".join(parts)}]}}'.encode("utf-8", "replace"), bad


def _span(span: ReadableSpan) -> str:
    context, parent = span.context, span.parent
    parts = ['{"traceId":"%032x","spanId":"%016x"' % (context.trace_id, context.span_id)]
    if context.trace_state:
        parts.append(',"traceState":' + quoted(context.trace_state.to_header()))
    if parent is not None:
        parts.append(',"parentSpanId":"%016x"' % parent.span_id)
    parts.append(
        ',"flags":%d%s,"kind":%d%s%s'
        % (
            _HAS_IS_REMOTE | (_IS_REMOTE if parent is not None and parent.is_remote else 0),
            ',"name":' + quoted(span.name) if span.name else "",
            _KINDS[span.kind],
            time_field("startTimeUnixNano", span.start_time),
            time_field("endTimeUnixNano", span.end_time),
        )
    )
    if span.attributes:
        parts.append("," + attributes_field(span.attributes))
    parts.append(number_field("droppedAttributesCount", span.dropped_attributes))
    if span.events:
        parts.append(',"events":[%s]' % ",".join(map(_event, span.events)))
    parts.append(number_field("droppedEventsCount", span.dropped_events))
    if span.links:
        parts.append(',"links":[%s]' % ",".join(map(_link, span.links)))
    parts.append(number_field("droppedLinksCount", span.dropped_links))
    parts.append(_status(span) + "}")
    return "".join(parts)


def _status(span: ReadableSpan) -> str:
    status = span.status
    if status.status_code is StatusCode.UNSET and not status.description:
        return ',"status":{}'
    fields = [f'"message":{quoted(status.description)}'] if status.description else []
    if status.status_code is not StatusCode.UNSET:
        fields.append(f'"code":{status.status_code.value}')
    return ',"status":{%s}' % ",".join(fields)


def _event(event: Event) -> str:
    attributes = "," + attributes_field(event.attributes) if event.attributes else ""
    name = f',"name":{quoted(event.name)}' if event.name else ""
    dropped = number_field("droppedAttributesCount", event.dropped_attributes)
    return f"{{{time_field('timeUnixNano', event.timestamp)}{name}{attributes}{dropped}}}".replace("{,", "{", 1)


def _link(link: Link) -> str:
    context: SpanContext = link.context
    attributes = "," + attributes_field(link.attributes) if link.attributes else ""
    flags = _HAS_IS_REMOTE | (_IS_REMOTE if context.is_remote else 0)
    dropped = number_field("droppedAttributesCount", link.dropped_attributes)
    return (
        f'{{"traceId":"{context.trace_id:032x}","spanId":"{context.span_id:016x}"{attributes}{dropped},'
        f'"flags":{flags}}}'
    )
