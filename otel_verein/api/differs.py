"""What the slow part of an operation has that its normal part has not."""

from __future__ import annotations

from typing import Final

from otel_verein.analysis.differs import P95, PARTS, Differences, differences
from otel_verein.config.schema import Config
from otel_verein.sources.base import Ask, Source

LOOKED_AT: Final = 5000
"""Kept operations that are compared: a fair sample, if there are more."""

SHOWN: Final = 25
"""Differences that are shown, the strongest ones."""


def differs(source: Source, config: Config, ask: Ask, by: str = P95, limit: int = SHOWN) -> Differences:
    """The differences between the slow and the normal operations of one name, which *ask* gives.

    Slow is what is above the 95th percentile, or with *by* ``budget`` what broke its budget of time. Raises what
    ``source.roots`` raises, and ValueError without an operation or for another *by*.
    """
    if ask.operation is None:
        raise ValueError("no operation: which one has a slow part to explain?")
    if by not in PARTS:
        raise ValueError(f"by {by!r}: it has to be one of {', '.join(PARTS)}")
    return differences(source.roots(ask, most=LOOKED_AT), config, by, max(0, limit))
