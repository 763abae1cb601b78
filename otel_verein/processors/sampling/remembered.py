"""A bounded memory of decisions, so that what comes late follows what was decided for its trace."""

from __future__ import annotations

import threading
from typing import NamedTuple


class Followed(NamedTuple):
    """What was decided earlier; ``threshold`` is None for what was sampled out or has no known weight."""

    kept: bool
    threshold: int | None


_OUT = Followed(False, None)


class Remembered:
    """The decisions on the last traces: at least half of *capacity*, at most all of it.

    Two generations: when the young one is half the capacity, it becomes the old one, and the old one goes at once.
    Safe for threads, none of which ever waits; :meth:`forget` makes it safe after a fork.
    """

    def __init__(self, capacity: int) -> None:
        self._half = max(1, (capacity + 1) // 2)
        self._turning = threading.Lock()  # held by the one thread that replaces the generations; never waited for
        self._young: dict[int, Followed] = {}
        self._old: dict[int, Followed] = {}

    def put(self, trace_id: int, kept: bool, threshold: int | None) -> None:
        """Remember the decision on a trace; a later one takes the place of an earlier one."""
        young = self._young
        young[trace_id] = Followed(True, threshold) if kept else _OUT
        if len(young) >= self._half:
            self._turn(young)

    def get(self, trace_id: int) -> Followed | None:
        """The last decision on a trace, or None if there was none or it is forgotten."""
        found = self._young.get(trace_id)
        return found if found is not None else self._old.get(trace_id)

    def forget(self) -> None:
        """Forget all, as a forked child does."""
        self._turning = threading.Lock()
        self._young = {}
        self._old = {}

    def _turn(self, young: dict[int, Followed]) -> None:
        if self._turning.acquire(blocking=False):
            try:
                self._replace(young)
            finally:
                self._turning.release()
        elif len(young) >= 2 * self._half:  # the thread that had the lock was killed, or was left behind by a fork
            self._replace(young)

    def _replace(self, young: dict[int, Followed]) -> None:
        if young is self._young:
            self._old = young  # before the young one goes, so that a reader finds it in one of the two
            self._young = {}

    def __len__(self) -> int:
        return len(self._young.keys() | self._old.keys())
