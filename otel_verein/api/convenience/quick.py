"""A quick look: how healthy is it all, and, if one is named, one entity."""

from __future__ import annotations

from itertools import islice
from typing import Final

from otel_verein.analysis.bottlenecks import bottlenecks
from otel_verein.analysis.findings import findings
from otel_verein.analysis.health import level
from otel_verein.analysis.roadmap import roadmap
from otel_verein.api.convenience.actions import sentence
from otel_verein.api.convenience.envelope import Told, enveloped, timestamp
from otel_verein.api.convenience.here import Asked, asked
from otel_verein.api.convenience.members import Member, member
from otel_verein.api.convenience.system import System, on_what, system
from otel_verein.config.schema import Config
from otel_verein.sources.base import Source

SYSTEM_WEIGHT: Final = 0.7
MEMBER_WEIGHT: Final = 0.3
_MOST_RECOMMENDATIONS: Final = 3


@enveloped("health_summary")
def quick_health_check(
    member_name: str | None = None,
    entity_type: str | None = None,
    hours: float | str | None = None,
    *,
    source: Source | None = None,
    config: Config | None = None,
) -> Told:
    """The health of all operations, and of the one entity that is named.

    The overall score is 0.7 x that of all + 0.3 x that of the entity; where a part of it is unknown, so is the whole.
    """
    at = asked(source, config, hours)
    whole = system(at)
    one = None if member_name is None or member_name == "" else member(at, member_name, entity_type)
    score = overall(whole.health.score, None if one is None else one.health.score, with_member=one is not None)
    word = level(score, at.config.health)
    payload = {
        "timestamp": timestamp(at.now),
        "check_type": "quick",
        "status": word,
        "system_health": whole.as_dict(),
        "member_health": None if one is None else one.health.as_dict() | {"figures": one.figures.as_dict()},
        "overall_score": score,
        "recommendations": _counted(at, whole),
    }
    return Told(payload, _sentence(word, score, whole, one))


def overall(system_score: float | None, member_score: float | None, *, with_member: bool) -> float | None:
    """The score of both together; unknown stays unknown."""
    if not with_member or system_score is None:
        return system_score
    return None if member_score is None else SYSTEM_WEIGHT * system_score + MEMBER_WEIGHT * member_score


def _counted(at: Asked, whole: System) -> list[str]:
    """What to mend first of what is counted, and therefore quick to tell: repeats of statements, and broken budgets."""
    found = roadmap(findings(whole.events, at.config.n_plus_one), whole.stats)
    told = [sentence(step.finding) for step in found[:_MOST_RECOMMENDATIONS]]
    broken = (
        f"{stats.key.operation}: {each.summary}" for stats in whole.stats for each in bottlenecks(stats, (), at.config)
    )
    return [*told, *islice(broken, _MOST_RECOMMENDATIONS - len(told))]


def _sentence(status: str, score: float | None, whole: System, one: Member | None) -> str:
    about = "All operations" if one is None else f"All operations and {one.label}"
    if score is None:
        why = whole.health.why if whole.health.score is None or one is None else one.health.why
        return f"{about}: unknown; {why}."
    return f"{about}: {status}, {score:.1f} of 100, {on_what(whole.figures)}."
