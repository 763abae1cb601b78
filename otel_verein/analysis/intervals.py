"""Intervals of shares, for counts that may be effective sample sizes of weighted ones."""

from __future__ import annotations

import math

from otel_verein.analysis.histogram import Z95


def wilson(good: float, n: float, z: float = Z95) -> tuple[float, float]:
    """The interval of the share that *good* of *n* is a sample of (Wilson 1927, without continuity correction).

    It is the 95 % one, or reaches *z* standard errors to each side.
    """
    share = min(1.0, good / n)
    spread = z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    middle, width = share + z**2 / (2 * n), 1 + z**2 / n
    return max(0.0, (middle - spread) / width), min(1.0, (middle + spread) / width)
