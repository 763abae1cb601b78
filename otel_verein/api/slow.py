"""The slowest operations, with their traces and what made them slow."""

from __future__ import annotations

from typing import Final

from otel_verein.analysis.slow import SlowAnswer, slow_operations
from otel_verein.api.read import read
from otel_verein.config.schema import Config
from otel_verein.sources.base import ALL, Ask, Source

SHOWN: Final = 25


def slowest(source: Source, config: Config, ask: Ask = ALL, limit: int = SHOWN, failed: bool = False) -> SlowAnswer:
    """The *limit* slowest kept operations, or of those that *failed*.

    Only kept operations have a trace; what breaks its budget of time is always kept, and so is what fails.
    Raises what ``read`` and ``roots`` of the source raise.
    """
    found = read(source, ask)
    roots = source.roots(ask, most=max(1, limit), slowest=True, failed=failed)
    return slow_operations(roots, found.operations, found.events, config, failed)
