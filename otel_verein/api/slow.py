"""The slowest operations, with their traces and what made them slow."""

from __future__ import annotations

from typing import Final

from otel_verein.analysis.slow import SlowAnswer, slow_operations
from otel_verein.api.read import read
from otel_verein.config.schema import Config
from otel_verein.sources.base import ALL, Ask, Source

SHOWN: Final = 25


def slowest(source: Source, config: Config, ask: Ask = ALL, limit: int = SHOWN) -> SlowAnswer:
    """The *limit* slowest kept operations. Raises what ``read`` and ``roots`` of the source raise.

    Only kept operations have a trace; what breaks its budget of time is always kept.
    """
    found = read(source, ask)
    return slow_operations(source.roots(ask, most=max(1, limit), slowest=True), found.operations, found.events, config)
