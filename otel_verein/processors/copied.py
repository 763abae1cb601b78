"""Ended spans with some of their fields changed; the originals stay as they are."""

from __future__ import annotations

from typing import Any, TypeVar

from opentelemetry.sdk.trace import ReadableSpan

_Copy = TypeVar("_Copy", bound=ReadableSpan)


def copied(span: ReadableSpan, kind: type[_Copy], **changes: Any) -> _Copy:
    """A *kind* of span with the fields of *span*, but for the *changes*."""
    fields = {
        "name": span.name,
        "context": span.get_span_context(),
        "parent": span.parent,
        "resource": span.resource,
        "attributes": span.attributes,
        "events": span.events,
        "links": span.links,
        "kind": span.kind,
        "status": span.status,
        "start_time": span.start_time,
        "end_time": span.end_time,
        "instrumentation_scope": span.instrumentation_scope,
    }
    return kind(**{**fields, **changes})
