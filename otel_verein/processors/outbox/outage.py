"""Tells the log when telemetry cannot leave, and when it can again: one line for each change, not for each failure."""

from __future__ import annotations

import logging
from collections.abc import Callable

from otel_verein.clock import Clock

_logger = logging.getLogger("otel_verein")

_QUIET_S = 60.0
"""An end point that comes and goes is told of at most so often."""


class Outage:
    """What is known of the ways out; spans and metrics share one, since they fail together. Any thread may call."""

    def __init__(self, clock: Callable[[], float] = Clock.seconds) -> None:
        self._clock = clock
        self._failing: set[str] = set()
        self._told_at: float | None = None
        self._telling = False
        self.lost = 0
        """Operations dropped since the outage began."""

    def begins(self, way: str, why: str) -> None:
        """*way* is closed."""
        first = not self._failing
        self._failing.add(way)
        if not first:
            return
        self.lost = 0
        now = self._clock()
        self._telling = self._told_at is None or now - self._told_at >= _QUIET_S
        if self._telling:
            self._told_at = now
            _logger.warning(
                "otel-verein: %s; telemetry waits in a bounded queue, what finds no room is dropped and counted, "
                "the application is not affected",
                why,
            )

    def ends(self, way: str) -> None:
        """*way* is open."""
        if way not in self._failing:
            return
        self._failing.discard(way)
        if not self._failing and self._telling:
            _logger.warning("otel-verein: telemetry leaves again; %d operations were dropped meanwhile", self.lost)

    def dropped(self, operations: int) -> None:
        """Operations were dropped; counts if there is an outage."""
        if self._failing:
            self.lost += operations
