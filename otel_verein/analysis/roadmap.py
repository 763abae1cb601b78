"""What to mend first: the findings by measured waste, each with what it saves, and what all up to it save."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from otel_verein.analysis.findings import Finding, by_waste
from otel_verein.analysis.operations import OperationStats


@dataclass(frozen=True, slots=True)
class Step:
    """One finding in its place.

    ``share_of_operation`` and ``share_of_all`` are what ``saving.time_s`` is of the wall time of its operation, and of
    all operations; None where either is not known, or where queries ran side by side so that they add up to more than
    passed. The ``cumulative_*`` figures are those of this step and all before it, as far as they are known.
    """

    rank: int
    finding: Finding
    share_of_operation: float | None
    share_of_all: float | None
    cumulative_queries: int
    cumulative_time_s: float
    cumulative_share: float | None

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON, with what tells the finding from others."""
        finding = self.finding
        return {
            "rank": self.rank,
            "kind": finding.kind,
            "severity": finding.severity,
            "service": finding.service,
            "operation": finding.operation,
            "summary": finding.summary,
            "fingerprint": finding.fingerprint,
            "call_site": None if finding.call_site is None else asdict(finding.call_site),
            "basis": finding.basis,
            "time_wasted_s": finding.time_wasted_s,
            "saving": asdict(finding.saving),
            "share_of_operation": self.share_of_operation,
            "share_of_all": self.share_of_all,
            "cumulative_queries": self.cumulative_queries,
            "cumulative_time_s": self.cumulative_time_s,
            "cumulative_share": self.cumulative_share,
        }


def roadmap(found: Iterable[Finding], all_stats: Sequence[OperationStats]) -> tuple[Step, ...]:
    """The *found* in the order in which mending them pays: by the time they waste, times how often they do.

    Savings do not overlap: a slow statement does not count the calls that a finding of its repeats saves.
    """
    spent, all_s = _spent(all_stats)
    steps: list[Step] = []
    queries, time_s = 0, 0.0
    for rank, finding in enumerate(by_waste(found), start=1):
        saving = finding.saving
        queries += saving.queries or 0
        time_s += saving.time_s or 0.0
        own_s = spent.get((finding.service, finding.operation))
        steps.append(
            Step(
                rank=rank,
                finding=finding,
                share_of_operation=_share(saving.time_s, own_s),
                share_of_all=_share(saving.time_s, all_s),
                cumulative_queries=queries,
                cumulative_time_s=time_s,
                cumulative_share=_share(time_s, all_s),
            )
        )
    return tuple(steps)


def _spent(all_stats: Iterable[OperationStats]) -> tuple[dict[tuple[str, str], float | None], float | None]:
    """The wall time by service and name, and of all; None for a sum of which a part is not known."""
    spent: defaultdict[tuple[str, str], float | None] = defaultdict(float)
    for stats in all_stats:
        name = (stats.key.service, stats.key.operation)
        spent[name] = _added(spent[name], stats.duration.total)
    total: float | None = 0.0
    for part in spent.values():
        total = _added(total, part)
    return dict(spent), total


def _added(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


def _share(time_s: float | None, of_s: float | None) -> float | None:
    if time_s is None or not of_s or time_s > of_s:
        return None
    return time_s / of_s
