"""Which operation names have series of their own on metrics: a bounded number, and not whoever came first for ever."""

from __future__ import annotations

from otel_verein import semconv

_LONGEST = 500
"""Characters of a name. What is longer is no route template and no job name."""

_FORGET_AFTER_NS = 3_600_000_000_000
_LOOK_EVERY_NS = 60_000_000_000


class OperationNames:
    """At most *most* names at a time; all others read ``other``.

    A crawler that asks for thousands of paths must not take every place. So one place in five is left for names that
    come a second time, and with *forgetting* a name that has not been seen for an hour makes room. Only deltas may
    forget: a cumulative series, once reported, has to go on. Used under the GIL by several threads at once, it may
    pass *most* by none, and send a name to ``other`` that would just have had a place.
    """

    def __init__(self, most: int, *, forgetting: bool) -> None:
        self._most = most
        self._forgetting = forgetting
        self._unreserved = most - most // 5
        self._seen: dict[str, int] = {}
        self._asked_once: set[str] = set()
        self._look_again_ns = 0

    def __len__(self) -> int:
        return len(self._seen)

    def admitted(self, name: str, now_ns: int) -> str:
        """*name* as it stands on metrics, or ``other``; *now_ns* is any clock that goes on."""
        if name not in self._seen and not self._has_place(name, now_ns):
            return semconv.OTHER
        self._seen[name] = now_ns
        if len(self._seen) > self._most:  # another thread took the last place
            self._seen.pop(name, None)
            return semconv.OTHER
        return name if name.isascii() else name.encode("utf-8", "replace").decode()

    def _has_place(self, name: str, now_ns: int) -> bool:
        if len(name) > _LONGEST:
            return False
        if len(self._seen) >= self._unreserved:
            self._make_room(now_ns)
        if len(self._seen) < self._unreserved:
            return True
        if name in self._asked_once:
            return len(self._seen) < self._most
        if len(self._asked_once) >= self._most:
            self._asked_once = set()
        self._asked_once.add(name)
        return False

    def _make_room(self, now_ns: int) -> None:
        """Forget names that were not seen for long; looks at all names once a minute at most."""
        if not self._forgetting or now_ns < self._look_again_ns:
            return
        self._look_again_ns = now_ns + _LOOK_EVERY_NS
        oldest = now_ns - _FORGET_AFTER_NS
        self._seen = {name: seen for name, seen in list(self._seen.items()) if seen > oldest}
