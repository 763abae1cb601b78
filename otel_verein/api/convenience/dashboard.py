"""What a dashboard shows of all operations: how it stands, what is wrong now, and where it goes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone

from otel_verein.analysis.bottlenecks import bottlenecks
from otel_verein.analysis.findings import findings
from otel_verein.api.convenience.envelope import Told, enveloped, timestamp
from otel_verein.api.convenience.here import Asked, asked
from otel_verein.api.convenience.system import System, on_what, system
from otel_verein.api.convenience.trends import trends
from otel_verein.config.schema import Config
from otel_verein.sources.base import Source

CRITICAL = "critical"
WARNING = "warning"
_URGENT = {"critical": CRITICAL, "high": WARNING}


@enveloped("dashboard")
def performance_dashboard_data(
    hours: float | str | None = None, *, source: Source | None = None, config: Config | None = None
) -> Told:
    """Everything that a dashboard shows; ``refresh_interval`` is in seconds.

    ``memory_usage`` is None: no telemetry of the product says it. ``last_updated`` is when the newest data are from.
    """
    at = asked(source, config, hours)
    whole = system(at)
    alerts = list(_alerts(at, whole))
    payload = {
        "timestamp": timestamp(at.now),
        "refresh_interval": at.config.serve.fresh_s,
        "system_status": {
            "health_score": whole.health.score,
            "health_level": whole.health.level,
            "health_why": whole.health.why,
            "query_count": whole.figures.queries,
            "execution_time": whole.figures.time_s,
            "memory_usage": None,
            "last_updated": _newest(whole),
        },
        "key_metrics": {
            "response_time_ms": _ms(whole.figures.time_s),
            "response_time_p95_ms": _ms(whole.figures.time_p95_s),
            "queries_per_operation": whole.figures.queries,
            "memory_usage_mb": None,
            "performance_level": whole.health.level,
            "operations": whole.figures.operations,
            "error_share": whole.figures.error_share,
        },
        "alerts": alerts,
        "trends": trends(at, whole.window),
        "notes": list(whole.notes),
    }
    number = f"{len(alerts)} alert{'' if len(alerts) == 1 else 's'}"
    return Told(payload, f"{whole.health.level}, {number}, {on_what(whole.figures)}.")


def _alerts(at: Asked, whole: System) -> Iterator[dict[str, str]]:
    """What is beyond a limit of the configuration, the health of all first."""
    limits, score = at.config.health, whole.health.score
    if score is not None and score < limits.warning:
        bound = limits.critical if score < limits.critical else limits.warning
        worst = whole.health.worst_operation
        yield {
            "level": CRITICAL if score < limits.critical else WARNING,
            "message": f"health is {score:.1f}, below {bound:g}",
            "action": f"Look at {worst} first." if worst else "Look at the points lost by cause.",
        }
    if whole.lossy:
        yield {
            "level": CRITICAL,
            "message": f"telemetry of {', '.join(sorted(whole.lossy))} was lost",
            "action": "Look in the report at what was dropped, and why.",
        }
    found = findings(whole.events, at.config.n_plus_one)
    for stats in whole.stats:
        name = (stats.key.service, stats.key.operation)
        own = [each for each in found if (each.service, each.operation) == name]
        for reason in bottlenecks(stats, own, at.config):
            yield {
                "level": _URGENT.get(reason.severity, WARNING),
                "message": f"{reason.operation}: {reason.summary}",
                "action": f"Look at its findings: operation {reason.operation!r}, {reason.kind}.",
            }


def _newest(whole: System) -> str | None:
    if whole.window is None:
        return None
    return timestamp(datetime.fromtimestamp(whole.window.end_ns / 1e9, timezone.utc))


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else 1000 * seconds
