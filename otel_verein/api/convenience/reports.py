"""The whole report, and how it was on the days and hours before."""

from __future__ import annotations

from typing import Any, Final

from otel_verein.analysis.findings import SEVERITIES, findings
from otel_verein.api.convenience.arguments import ArgumentError, whole
from otel_verein.api.convenience.envelope import Told, enveloped, timestamp
from otel_verein.api.convenience.here import asked
from otel_verein.api.convenience.stretches import Stretch, stretches
from otel_verein.api.convenience.system import on_what, system
from otel_verein.api.report import report
from otel_verein.config.schema import Config
from otel_verein.sources.base import Source

_DAY_S: Final = 24 * 3600
_LARGEST_LIMIT: Final = 10_000
_MOST_OPERATIONS: Final = 10
STEPS_S: Final = {"minute": 60, "hour": 3600, "day": _DAY_S}


@enveloped("report")
def generate_comprehensive_performance_report(
    operation: str | None = None,
    hours: float | str | None = None,
    *,
    source: Source | None = None,
    config: Config | None = None,
) -> Told:
    """The report on everything: operations, findings, bottlenecks, roadmap, health and loss; *operation* is a glob."""
    at = asked(source, config, hours)
    answer = report(at.source, at.config, at.of(operation), today=at.now.date())
    payload = {"metadata": {"timestamp": timestamp(at.now), "source": at.source.name}, **answer.as_dict()}
    return Told(payload, f"{len(answer.operations)} operations, {len(answer.findings)} findings.")


@enveloped("reports")
def get_recent_performance_reports(
    limit: int | str = 10, *, source: Source | None = None, config: Config | None = None
) -> Told:
    """The figures and the score of each day, the newest first, at most *limit* days; a day without data has no entry.

    Days are those of UTC. Counts of days without metrics are estimates, and say so.
    """
    at, most = asked(source, config), whole("limit", limit, 1, _LARGEST_LIMIT)
    steps = at.source.steps(_DAY_S, at.ask)
    found = stretches(steps, at.config)
    shown = [{"date": each.as_dict()["start"].partition("T")[0], **each.as_dict()} for each in reversed(found[-most:])]
    return Told({"reports": shown, "total": len(found), "notes": list(steps.notes)}, _days(found, len(shown)))


@enveloped("history")
def get_performance_measurement_history(
    operation: str | None = None,
    step: str = "hour",
    limit: int | str = 100,
    hours: float | str | None = None,
    *,
    source: Source | None = None,
    config: Config | None = None,
) -> Told:
    """The last *limit* steps of one operation, a name or a glob, or of all; *step* is minute, hour or day."""
    at, most = asked(source, config, hours), whole("limit", limit, 1, _LARGEST_LIMIT)
    ask = at.of(operation)
    if step not in STEPS_S:
        raise ArgumentError(f"step: {step!r} is none of {', '.join(STEPS_S)}")
    steps = at.source.steps(STEPS_S[step], ask)
    found = stretches(steps, at.config)
    payload = {
        "operation": ask.operation,
        "step_s": STEPS_S[step],
        "total": len(found),
        "measurements": [each.as_dict() for each in reversed(found[-most:])],
        "notes": list(steps.notes),
    }
    return Told(payload, f"{len(found)} steps of one {step} have data, {min(most, len(found))} are shown.")


@enveloped("summary")
def get_performance_summary(
    hours: float | str | None = None, *, source: Source | None = None, config: Config | None = None
) -> Told:
    """Health, figures, the operations that take the most time, and how many findings were counted of each severity."""
    at = asked(source, config, hours)
    found = system(at)
    counted = findings(found.events, at.config.n_plus_one)
    payload: dict[str, Any] = {
        "timestamp": timestamp(at.now),
        "health": found.as_dict(),
        "operations": [
            {
                "service": stats.key.service,
                "operation": stats.key.operation,
                "count": stats.count,
                "errors": stats.errors,
                "time_s": stats.duration.mean,
                "total_s": stats.duration.total,
                "queries": None if stats.queries is None else stats.queries.mean,
                "estimated": stats.estimated,
            }
            for stats in found.stats[:_MOST_OPERATIONS]
        ],
        "operations_total": len(found.stats),
        "findings": {word: sum(each.severity == word for each in counted) for word in SEVERITIES},
        "notes": list(found.notes),
    }
    score = "unknown" if found.health.score is None else f"{found.health.score:.1f}"
    return Told(payload, f"Health {score} ({found.health.level}), {on_what(found.figures)}.")


def _days(found: tuple[Stretch, ...], shown: int) -> str:
    if not found:
        return "No day has data."
    return f"{len(found)} day{'s have' if len(found) > 1 else ' has'} data, {shown} shown."
