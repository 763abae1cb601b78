"""Where spans hang whose own parent is not exported, because their operation had more spans than it may hold."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext

from otel_verein.ledger import Operation


class Anchors:
    """The spans of an ended operation that are exported, for those below them. Still open ones count: they follow."""

    def __init__(self, operation: Operation, root: SpanContext) -> None:
        contexts = (span.get_span_context() for span in operation.spans)
        self._exported = {root.span_id, *(context.span_id for context in contexts if context is not None)}
        self._root = root

    def above(self, child: ReadableSpan) -> SpanContext | None:
        """The context that *child* hangs under."""
        if child.parent is None or child.parent.span_id in self._exported:
            return child.parent
        return self.at(getattr(child, "parent_span", None))

    def at(self, span: Any) -> SpanContext:
        """The context of *span*, else of the nearest one above it that is exported, else of the root."""
        while span is not None:
            context: SpanContext = span.get_span_context()
            if context.span_id in self._exported or span.is_recording():
                return context
            span = getattr(span, "parent_span", None)
        return self._root
