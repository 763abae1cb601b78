"""How long to wait after a failure before the next attempt."""

from __future__ import annotations

import random
from collections.abc import Callable

from otel_verein.clock import Clock

_JITTER = 0.2


class Pause:
    """Doubles from *first_s* to *longest_s* with each failure in a row, or is as long as the other side asks for.

    A fifth is left to chance, so that the workers of one server do not all come back in the same instant.
    """

    def __init__(
        self,
        first_s: float,
        longest_s: float,
        clock: Callable[[], float] = Clock.seconds,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._first_s = first_s
        self._longest_s = max(first_s, longest_s)
        self._clock = clock
        self._chance = chance
        self._last_s = 0.0
        self._until: float | None = None

    @property
    def left_s(self) -> float:
        """Seconds until the next attempt; 0 when it is due."""
        return 0.0 if self._until is None else max(0.0, self._until - self._clock())

    def failed(self, retry_after_s: float | None = None) -> None:
        """An attempt failed; the other side asked for a pause of *retry_after_s*, if it did."""
        if retry_after_s is not None:
            pause = min(max(0.0, retry_after_s), self._longest_s)
        else:
            self._last_s = min(self._last_s * 2 or self._first_s, self._longest_s)
            pause = self._last_s * (1 + _JITTER * (2 * self._chance() - 1))
        self._until = self._clock() + pause

    def succeeded(self) -> None:
        """An attempt succeeded: the next failure begins anew."""
        self._last_s = 0.0
        self._until = None
