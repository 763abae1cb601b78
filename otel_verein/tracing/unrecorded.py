"""The span of an operation that began while recording was off."""

from __future__ import annotations

from opentelemetry.trace import NonRecordingSpan, SpanContext


class Unrecorded(NonRecordingSpan):
    """Records nothing, nor does anything below it: recording may be switched on before it ends.

    It passes *context* on, which is of the calling service or none. A span below one takes its *root*.
    """

    def __init__(self, context: SpanContext, root: Unrecorded | None = None) -> None:
        super().__init__(context)
        self._root = root
        self._ended = False

    @property
    def unrecorded(self) -> Unrecorded | None:
        """The root, while it is open."""
        root = self._root or self
        return None if root._ended else root

    def end(self, end_time: int | None = None) -> None:
        """What begins under it from now on is an operation of its own."""
        self._ended = True
