"""What was written into segments: counts and sums that a store must give again, each known when it was made."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from dataclasses import dataclass, field, fields

HOUR_S = 3600
_HOUR_NS = HOUR_S * 1_000_000_000

Series = tuple[str, str, str, str]
"""Service, operation, kind and status."""


def hour_of(time_ns: int) -> int:
    """The hour (UTC) that a time lies in, as the second it begins."""
    return time_ns // _HOUR_NS * HOUR_S


@dataclass(slots=True)
class Finding:
    """The finding events of one key."""

    events: int = 0
    repeats_sum: int = 0
    repeats_max: int = 0
    wasted: int = 0
    """Queries that one in place of each repetition would have saved."""

    def merge(self, other: Finding) -> None:
        """Add all that *other* counted."""
        self.events += other.events
        self.repeats_sum += other.repeats_sum
        self.repeats_max = max(self.repeats_max, other.repeats_max)
        self.wasted += other.wasted


@dataclass
class Truth:
    """Counts and sums of what was written; hours are seconds since the epoch.

    Operations are those on metrics, in the hour in which they ended; roots, spans and findings are those of kept
    operations, each in the hour in which it began (a finding: its root). A service without metrics is in the latter
    alone.
    """

    operations: Counter[tuple[Series, int]] = field(default_factory=Counter)
    queries: Counter[tuple[Series, int]] = field(default_factory=Counter)
    seconds: dict[tuple[Series, int], float] = field(default_factory=dict)
    counters: Counter[tuple[str, Series, str, int]] = field(default_factory=Counter)
    """By metric, series, detail and hour."""
    durations: dict[Series, array[float]] = field(default_factory=dict)
    """Every duration in seconds, with ``exact``: of all operations, also of services without metrics."""
    spans: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    """By service, tier and hour; a span that was written twice counts once."""
    resent: int = 0
    """Further copies of spans."""
    resent_events: int = 0
    """Finding events in them."""
    roots: Counter[tuple[Series, int]] = field(default_factory=Counter)
    weights: dict[tuple[Series, int], float] = field(default_factory=dict)
    """What the roots stand for: sums of 1/p."""
    findings: dict[tuple[str, str, str, str, int], Finding] = field(default_factory=dict)
    """By service, operation, kind, fingerprint and hour."""
    entities: Counter[tuple[str, str, str, str, int]] = field(default_factory=Counter)
    """Roots by service, operation, type, id and hour."""
    traces: list[tuple[str, int]] = field(default_factory=list)
    """Some trace ids, the first of each span line, each with its number of spans."""
    points: int = 0
    span_lines: int = 0
    metric_lines: int = 0
    span_bytes: int = 0
    metric_bytes: int = 0

    @property
    def totals(self) -> dict[str, float]:
        """The sums that no step of a store may change, by the names they have in its journal."""
        operations = sum(self.operations.values())
        return {
            "spans": sum(self.spans.values()),
            "events": sum(finding.events for finding in self.findings.values()),
            "repeats": sum(finding.repeats_sum for finding in self.findings.values()),
            "operations": operations,
            "observations": 3 * operations,
            "queries": sum(self.queries.values()),
            "values": sum(self.counters.values()),
            "seconds": math.fsum(self.seconds.values()),
        }

    def merge(self, other: Truth) -> None:
        """Add all that *other* knows."""
        for each in fields(self):
            mine, theirs = getattr(self, each.name), getattr(other, each.name)
            if isinstance(mine, Counter):
                mine.update(theirs)
            elif isinstance(mine, list):
                mine.extend(theirs)
            elif isinstance(mine, int):
                setattr(self, each.name, mine + theirs)
        for key, seconds in other.seconds.items():
            self.seconds[key] = self.seconds.get(key, 0.0) + seconds
        for key, weight in other.weights.items():
            self.weights[key] = self.weights.get(key, 0.0) + weight
        for series, values in other.durations.items():
            self.durations.setdefault(series, array("d")).extend(values)
        for where, finding in other.findings.items():
            self.findings.setdefault(where, Finding()).merge(finding)

    def percentile(self, series: Series, share: float) -> float:
        """The exact duration in seconds at nearest rank; needs ``exact``."""
        ordered = sorted(self.durations[series])
        return ordered[max(1, math.ceil(share * len(ordered))) - 1]
