"""Many entities at once, up to a limit that hides nothing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

from otel_verein.analysis.health import UNKNOWN
from otel_verein.api.convenience.actions import sentence
from otel_verein.api.convenience.arguments import texts, whole
from otel_verein.api.convenience.envelope import Told, enveloped, timestamp
from otel_verein.api.convenience.here import Asked, asked
from otel_verein.api.convenience.members import Member, member
from otel_verein.api.convenience.system import all_findings
from otel_verein.config.schema import Config
from otel_verein.errors import VereinError
from otel_verein.sources.base import Source

_LARGEST_LIMIT: Final = 1000
_MOST_RECOMMENDATIONS: Final = 5


@enveloped("batch_report")
def batch_member_analysis(
    member_names: Sequence[str] | str,
    limit: int | str = 10,
    entity_type: str | None = None,
    hours: float | str | None = None,
    *,
    source: Source | None = None,
    config: Config | None = None,
) -> Told:
    """The health and figures of the first *limit* of these entities; one that fails does not stop the others.

    ``requested_count`` is how many were asked for, beyond the limit, too. Averages are over those whose score is known.
    """
    at, begun = asked(source, config, hours), time.perf_counter()
    names, most = texts("member_names", member_names), whole("limit", limit, 1, _LARGEST_LIMIT)
    at.source.read(at.ask)  # what cannot be read at all is one error, not one for each
    done: list[Member] = []
    results: list[dict[str, Any]] = []
    for name in names[:most]:
        try:
            one = member(at, name, entity_type)
        except VereinError as fault:
            results.append({"member": name, "success": False, "error": str(fault)})
        else:
            done.append(one)
            results.append({"member": name, "success": True, "status": one.health.level, **_result(one)})
    payload = {
        "timestamp": timestamp(at.now),
        "analysis_type": "batch",
        "requested_count": len(names),
        "processed_count": len(results),
        "failed_count": len(results) - len(done),
        "limit": most,
        "member_results": results,
        "batch_summary": _summary(at, done, len(results)),
        "processing_time": time.perf_counter() - begun,
    }
    left = f" {len(names) - most} more were asked for than the limit of {most}." if len(names) > most else ""
    return Told(payload, f"{len(done)} of {len(results)} answered.{left}")


def _result(one: Member) -> dict[str, Any]:
    return {"health": one.health.as_dict(), "figures": one.figures.as_dict()}


def _summary(at: Asked, done: Sequence[Member], processed: int) -> dict[str, Any]:
    scores = [one.health.score for one in done if one.health.score is not None]
    levels = Counter(one.health.level for one in done)
    names = {(row.service, row.operation) for one in done for row in one.rows}
    found = (each for each in all_findings(at).findings if (each.service, each.operation) in names)
    return {
        "success_rate": len(done) / processed,
        "average_health_score": sum(scores) / len(scores) if scores else None,
        "scored_count": len(scores),
        "performance_distribution": {
            word: levels[word] for word in ("excellent", "good", "fair", "poor", "critical", UNKNOWN)
        },
        "recommendations": [sentence(each) for each in islice(found, _MOST_RECOMMENDATIONS)],
    }
