"""How telemetry leaves a process, how long it is stored, and what watching may cost."""

from __future__ import annotations

from dataclasses import dataclass

from otel_verein.config.options import option


@dataclass(frozen=True, slots=True)
class Export:
    """How telemetry leaves the process."""

    directory: str = option(".verein/otlp", at_start=True, help="Where files are written when no OTLP endpoint is set.")
    interval_s: float = option(
        0.5,
        unit="s",
        above=0,
        at_most=60,
        at_start=True,
        help="Longest time a finished operation waits before it is written.",
    )
    metrics_interval_s: float = option(
        5.0,
        unit="s",
        at_least=0,
        at_most=3600,
        at_start=True,
        help="Time between two exports of metrics to an endpoint, also by `OTEL_METRIC_EXPORT_INTERVAL` (in ms). "
        "Files take metrics as often as traces.",
    )
    queue_operations: int = option(
        2048,
        unit="{operation}",
        at_least=1,
        at_start=True,
        safe_at_most=1_000_000,
        help="Kept operations that may wait; further ones are dropped, counted.",
    )
    queue_bytes: int = option(
        16_777_216,
        unit="By",
        at_least=65_536,
        at_start=True,
        safe_at_most=1_073_741_824,
        help="Estimated size of the kept operations that may wait; further ones are dropped, counted.",
    )
    request_bytes: int = option(
        3_500_000,
        unit="By",
        at_least=65_536,
        at_start=True,
        help="Encoded size of one request or line; more is split. A gRPC server takes 4 MiB unless told otherwise.",
    )
    segment_bytes: int = option(
        16_777_216, unit="By", at_least=1024, at_start=True, help="Size at which a file is closed and the next begun."
    )
    segment_age_s: float = option(
        60.0, unit="s", above=0, at_start=True, help="Age at which a file is closed and the next begun."
    )
    shutdown_s: float = option(
        5.0, unit="s", above=0, at_most=60, at_start=True, help="Longest time an exit waits for export."
    )
    retry_s: float = option(
        5.0,
        unit="s",
        above=0,
        at_start=True,
        help="Pause before a failed export is tried again; it doubles while an endpoint fails.",
    )
    retry_longest_s: float = option(
        60.0,
        unit="s",
        above=0,
        at_start=True,
        help="Longest such pause, also where the endpoint asks for a longer one.",
    )


@dataclass(frozen=True, slots=True)
class Retention:
    """How long the store keeps what; each tier is kept at least as long as the finer one."""

    aggregate_after_h: float = option(24.0, unit="h", above=0, help="Age of an hour at which its detail is added up.")
    detail_d: int = option(
        7,
        unit="d",
        at_least=1,
        help="Days that findings, points of metrics and spans without a tier are kept; those of a tier go by `tiers`.",
    )
    hourly_d: int = option(
        90, unit="d", at_least=1, help="Days that figures by the hour are kept, and those that a collector keeps."
    )
    daily_d: int = option(365, unit="d", at_least=1, help="Days that figures by the day are kept.")
    monthly_d: int = option(730, unit="d", at_least=1, help="Days that figures by the month are kept.")
    disk_mb: int = option(
        10_240,
        unit="MB",
        at_least=0,
        help="What the store may take on disk; beyond, detail goes before its time, the oldest and least severe first. "
        "0 is no bound.",
    )


@dataclass(frozen=True, slots=True)
class SelfMonitoring:
    """What otel-verein may cost, and how fast its own answers have to be."""

    api_response_s: float = option(0.010, unit="s", above=0, help="Answer time from which it warns.")
    api_response_critical_s: float = option(0.015, unit="s", above=0, help="Answer time that is critical.")
    memory_mb: float = option(
        75.0, unit="MB", above=0, planned=True, help="Memory it takes in a process, from which it warns."
    )
    memory_critical_mb: float = option(100.0, unit="MB", above=0, planned=True, help="Memory that is critical.")
    overhead: float = option(
        0.05, above=0, at_most=1, planned=True, help="Share of an operation's time that it may take."
    )
