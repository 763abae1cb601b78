"""One entity in depth: its figures beside those of everybody in the same operations, and what would mend them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from otel_verein.analysis.bottlenecks import judgements
from otel_verein.analysis.findings import Finding
from otel_verein.analysis.operations import OperationStats
from otel_verein.api.convenience.actions import action, sentence
from otel_verein.api.convenience.envelope import Told, enveloped, timestamp
from otel_verein.api.convenience.figures import Alike, alike, ratio
from otel_verein.api.convenience.here import asked
from otel_verein.api.convenience.members import Member, member
from otel_verein.api.convenience.system import all_findings, on_what, system
from otel_verein.config.schema import Config
from otel_verein.sources.base import Source

UNKNOWN = "unknown"


@enveloped("analysis")
def comprehensive_member_analysis(
    member_name: str,
    entity_type: str | None = None,
    hours: float | str | None = None,
    *,
    source: Source | None = None,
    config: Config | None = None,
) -> Told:
    """Everything about one entity: what its operations took, compared with its like, and what to do.

    ``relative_performance`` is its mean time by that of all in the same mix of operations: 2 is twice as slow.
    ``efficiency_ratio`` is the queries of all by its own: 0.5 is twice as many. ``optimization_potential`` is the share
    of its queries that the findings in its operations would save, as far as it takes part in them on the mean.
    """
    at = asked(source, config, hours)
    one, whole = member(at, member_name, entity_type), system(at)
    like = alike(one.rows, whole.stats)
    found = _of_member(all_findings(at).findings, one)
    names = {(row.service, row.operation) for row in one.rows}
    stats = [each for each in whole.stats if (each.key.service, each.key.operation) in names]
    relative = ratio(one.figures.time_s, like.time_s)
    payload = {
        "timestamp": timestamp(at.now),
        "member": one.name,
        "entity_type": one.entity_type,
        "analysis_type": "comprehensive",
        "status": one.health.level,
        "performance_data": {
            "member_performance": one.as_dict(),
            "system_baseline": whole.as_dict() | {"in_the_same_operations": like.as_dict()},
        },
        "combined_metrics": {
            "relative_performance": relative,
            "efficiency_ratio": ratio(like.queries, one.figures.queries),
            "optimization_potential": _potential(one, found, stats),
        },
        "insights": {
            "performance_level": one.health.level,
            "bottlenecks_identified": [
                reason.as_dict()
                for judgement in judgements(stats, found, at.config).values()
                for reason in judgement.bottlenecks
            ],
            "optimization_opportunities": [sentence(each) for each in found],
            "comparison_to_baseline": _comparison(one, like, at.config),
        },
        "action_items": [action(each) for each in found],
        "notes": [*whole.notes, *one.notes],
    }
    beside = "not comparable" if relative is None else f"{relative:.2f} times the time of all in the same operations"
    return Told(payload, f"{one.label}: {one.health.level}, {beside}, {on_what(one.figures)}.")


def _of_member(found: Iterable[Finding], one: Member) -> list[Finding]:
    """The findings in operations that the entity is the subject of."""
    names = {(row.service, row.operation) for row in one.rows}
    return [each for each in found if (each.service, each.operation) in names]


def _potential(one: Member, found: Sequence[Finding], stats: Iterable[OperationStats]) -> float | None:
    """The share of its queries that is saved when each operation of it has its mean part in the findings."""
    if not one.figures.queries:
        return None
    counts: dict[tuple[str, str], float] = {}
    for each in stats:
        name = (each.key.service, each.key.operation)
        counts[name] = counts.get(name, 0) + each.count
    mine: dict[tuple[str, str], float] = {}
    for row in one.rows:
        mine[row.service, row.operation] = mine.get((row.service, row.operation), 0.0) + row.count
    saved = []
    for finding in found:
        name = (finding.service, finding.operation)
        if finding.saving.queries is None:
            continue
        if not counts.get(name):
            return None
        saved.append(finding.saving.queries * mine[name] / counts[name])
    return min(1.0, math.fsum(saved) / (one.figures.queries * one.figures.operations))


def _comparison(one: Member, like: Alike, config: Config) -> dict[str, Any]:
    """How it stands to all in the same operations, in words with the ratios; within the margin it is the same."""
    time, queries = ratio(one.figures.time_s, like.time_s), ratio(one.figures.queries, like.queries)
    known = one.health.n >= config.health.minimum_operations
    return {
        "time": _word(time, config.analysis.margin, ("faster", "slower")) if known else UNKNOWN,
        "time_ratio": time,
        "queries": _word(queries, config.analysis.margin, ("fewer", "more")) if known else UNKNOWN,
        "queries_ratio": queries,
        "n": one.health.n,
    }


def _word(ratio_of: float | None, margin: float, words: tuple[str, str]) -> str:
    if ratio_of is None:
        return UNKNOWN
    if abs(ratio_of - 1) <= margin:
        return "same"
    return words[0] if ratio_of < 1 else words[1]
