"""What waits for export: whole operations, bounded by their number and by their estimated size."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

_SPANS_PER_REQUEST = 512
_SPAN_BYTES = 150  # ids, times, kind, name and its own framing
_PAIR_BYTES = 14  # the framing of a key and a value; a number
_EVENT_BYTES = 30


def estimated_bytes(span: ReadableSpan) -> int:
    """About how many bytes *span* is in an OTLP request: within a factor of two for text in ASCII.

    Text counts by characters, so one in other scripts is up to four times as large as estimated.
    """
    size = _SPAN_BYTES + len(span.name) + _pairs(span.attributes)
    for event in span.events:
        size += _EVENT_BYTES + len(event.name) + _pairs(event.attributes)
    for link in span.links:
        size += _EVENT_BYTES + _pairs(link.attributes)
    return size


def _pairs(attributes: Mapping[str, Any] | None) -> int:
    size = 0
    for key, value in (attributes or {}).items():
        size += len(key) + _PAIR_BYTES
        kind = type(value)
        if kind is str or kind is bytes:
            size += len(value)
        elif kind is tuple or kind is list:
            size += 9 * len(value) + sum([len(item) for item in value if type(item) is str])
        elif kind is not int and kind is not float and kind is not bool and isinstance(value, Mapping):
            size += _pairs(value)
    return size


class Waiting:
    """One kept operation on its way out; what becomes of it is booked once.

    *operations* is 0 for spans that come after their operation and do not count as one.
    """

    __slots__ = ("_open", "bytes", "operations", "parts", "reason", "spans", "spans_lost")

    def __init__(self, spans: Sequence[ReadableSpan], operations: int, bytes: int) -> None:
        self.spans = spans
        self.operations = operations
        self.bytes = bytes
        self.parts = 1
        self.spans_lost = 0
        self.reason: str | None = None
        self._open = [True]

    def settle(self) -> bool:
        """True for the first who asks, on any thread: who gets it books the operation."""
        try:
            return self._open.pop()
        except IndexError:
            return False


class Queue:
    """Operations in the order they ended; appended to by any thread, taken from by one.

    No lock: a thread that ends an operation must not wait for one that exports, and a signal handler may interrupt
    both. Each change of the size is one step under the GIL; without one it may drift until the queue is empty.
    """

    def __init__(self, operations: int, bytes: int) -> None:
        self._most_operations = operations
        self._most_bytes = bytes
        self._waiting: deque[Waiting] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def bytes(self) -> int:
        """The estimated size of all that waits."""
        return self._bytes

    def put(self, item: Waiting) -> bool:
        """Append *item*, if there is room for it."""
        if len(self._waiting) >= self._most_operations:
            return False
        # One that is larger than the bound has to fit into an empty queue, or it never could.
        if self._bytes + item.bytes > self._most_bytes and self._waiting:
            return False
        self._bytes += item.bytes
        self._waiting.append(item)
        return True

    @property
    def half_full(self) -> bool:
        """Whether it is time to export before the interval is over."""
        return len(self._waiting) * 2 >= self._most_operations or self._bytes * 2 >= self._most_bytes

    def take(self) -> Waiting | None:
        """The operation that has waited longest; None when there is none."""
        try:
            item = self._waiting.popleft()
        except IndexError:
            return None
        self._bytes = max(0, self._bytes - item.bytes) if self._waiting else 0
        return item

    def next_request(self, most_bytes: int) -> list[Waiting]:
        """The next operations that make one request of about *most_bytes*; at least one if any waits.

        They stay in the queue until :meth:`remove`, so that at no instant one is nowhere.
        """
        chosen: list[Waiting] = []
        bytes = spans = 0
        while (item := self._at(len(chosen))) is not None:
            if chosen and (bytes + item.bytes > most_bytes or spans + len(item.spans) > _SPANS_PER_REQUEST):
                break
            chosen.append(item)
            bytes += item.bytes
            spans += len(item.spans)
        return chosen

    def _at(self, place: int) -> Waiting | None:
        # Not by iteration, which fails when a thread appends meanwhile.
        try:
            return self._waiting[place]
        except IndexError:
            return None

    def remove(self, chosen: Sequence[Waiting]) -> None:
        """Take out what :meth:`next_request` gave, as far as it is still there."""
        for item in chosen:
            if self._waiting and self._waiting[0] is item:
                self.take()
