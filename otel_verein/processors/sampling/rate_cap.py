"""A cap on kept operations that is a threshold, so that what is kept under it has a weight."""

from __future__ import annotations

from collections.abc import Callable

from otel_verein.clock import Clock
from otel_verein.processors.sampling.tracestate import ALL


class RateCap:
    """The threshold under which about *per_second* operations a second are kept, as those before arrived.

    The keep probability is p = budget / max(arrivals of the last window, arrivals of this one so far), at most 1.
    p is fixed by arrivals before the randomness R of the operation is looked at, so E[1{R >= T} / p | past] = 1:
    each term kept - true is a martingale difference, and the weighted sum (Horvitz-Thompson) is unbiased for any p.

    A steady rate keeps the budget. n arrivals at once after a pause keep at most budget * (1 + ln(n / budget)),
    since the i-th is kept with budget / i. A window is a second, or as long as it takes the cap to allow one trace.
    It needs no lock: threads that race lose a count or a window's total, which makes p larger, never a weight wrong.
    """

    def __init__(self, per_second: float, clock: Callable[[], float] = Clock.seconds) -> None:
        self._clock = clock
        self._window_s = max(1.0, 1.0 / per_second)
        self._budget = per_second * self._window_s
        self._since = clock()
        self._before = 0.0
        self._arrivals = 0

    def threshold(self) -> int:
        """Count one arrival, and give the threshold it is judged by: 0 below the cap, never 2^56."""
        now = self._clock()
        if now - self._since >= self._window_s:
            self._turn(now)
        self._arrivals += 1
        expected = max(self._before, self._arrivals)
        if expected <= self._budget:
            return 0
        return ALL - max(1, round(self._budget / expected * ALL))

    def _turn(self, now: float) -> None:
        passed = now - self._since
        if passed >= self._window_s:  # looked at again, since another thread may just have turned it
            self._since = now
            self._before = self._arrivals * self._window_s / passed
            self._arrivals = 0
