"""Where telemetry is stored once it is in files, and what storing it may take."""

from __future__ import annotations

from dataclasses import dataclass

from otel_verein.config.options import option


@dataclass(frozen=True, slots=True)
class Store:
    """Where `otel-verein store` keeps what it takes from files, and what its work may take."""

    directory: str = option(".verein", at_start=True, help="Where the store is; one store for all services is enough.")
    interval_s: float = option(
        30.0, unit="s", above=0, at_most=3600, help="Pause between two rounds of `otel-verein store watch`."
    )
    memory_mb: int = option(
        200,
        unit="MB",
        at_least=100,
        help="Memory that a query over stored files may take, beside the process itself; what needs more goes to disk.",
    )
    threads: int = option(
        1, unit="{thread}", at_least=1, at_most=64, help="Threads that such a query may take beside applications."
    )
    keep_segments: bool = option(
        False, help="Keeping telemetry files that are in the store; without, each goes once it is there and verified."
    )
    future_s: float = option(
        3600.0, unit="s", at_least=0, help="What is stamped further ahead of the clock than this is set aside, counted."
    )
    entities_per_hour: int = option(
        1000,
        unit="{entity}",
        at_least=1,
        help="Entities that the figures of an hour, day or month tell apart, the most frequent first; the others of an "
        "operation are one.",
    )
    line_mb: int = option(
        32,
        unit="MB",
        at_least=8,
        at_most=256,
        help="Longest line of a telemetry file that is read; a longer one is set aside, counted.",
    )
