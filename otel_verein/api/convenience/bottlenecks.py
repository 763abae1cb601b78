"""What slows all operations down, what each costs, and what to mend first."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from otel_verein.analysis.findings import SEVERITIES
from otel_verein.api.convenience.actions import action
from otel_verein.api.convenience.arguments import whole
from otel_verein.api.convenience.envelope import Told, enveloped, timestamp
from otel_verein.api.convenience.here import asked
from otel_verein.api.convenience.system import all_findings
from otel_verein.config.schema import Config
from otel_verein.sources.base import Source

_LARGEST_LIMIT = 10_000


@enveloped("bottlenecks")
def analyze_system_bottlenecks(
    operation: str | None = None,
    limit: int | str = 50,
    hours: float | str | None = None,
    *,
    source: Source | None = None,
    config: Config | None = None,
) -> Told:
    """The bottlenecks of every operation, its priority, and recommendations by what they save, computed from the data.

    *operation* is a name or a glob. The *limit* shortens each list; the totals count everything.
    """
    at, most = asked(source, config, hours), whole("limit", limit, 1, _LARGEST_LIMIT)
    answer = all_findings(replace(at, ask=at.of(operation)))
    severities = Counter(each.severity for each in answer.bottlenecks)
    kinds = Counter(each.kind for each in answer.bottlenecks)
    payload = {
        "timestamp": timestamp(at.now),
        "total": len(answer.bottlenecks),
        "by_severity": {word: severities[word] for word in SEVERITIES},
        "by_kind": dict(sorted(kinds.items())),
        "bottlenecks": [each.as_dict() for each in answer.bottlenecks[:most]],
        "priorities": [judged.as_dict() for judged in answer.judgements[:most]],
        "findings_total": len(answer.findings),
        "findings": [each.as_dict() for each in answer.findings[:most]],
        "roadmap": [step.as_dict() for step in answer.roadmap[:most]],
        "recommendations": [action(step.finding) for step in answer.roadmap[:most]],
        "operations": answer.operations,
        "estimated": answer.estimated,
        "notes": list(answer.notes),
    }
    numbers = f"{len(answer.bottlenecks)} bottlenecks and {len(answer.findings)} findings"
    return Told(payload, f"{numbers} in {answer.operations:,} operations.")
