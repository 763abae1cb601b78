"""From raw measurements to medians, spreads and ratios; pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from workload import BY_NAME

# raw[variant][workload] = CPU microseconds per operation, one value per round
Raw = dict[str, dict[str, list[float]]]


@dataclass(frozen=True)
class Spread:
    """The median of *n* values and the quartiles around it."""

    n: int
    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} [{self.low:.2f}, {self.high:.2f}]"


def spread(values: Sequence[float]) -> Spread:
    """Median and quartiles; two values or more."""
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(len(values), median, low, high)


def per_query(raw: Raw, variant: str) -> list[float]:
    """Microseconds that one more query costs, by round: the slope between 5 and 50 queries."""
    more, fewer = len(BY_NAME["q50"].statements), len(BY_NAME["q5"].statements)
    pairs = zip(raw[variant]["q50"], raw[variant]["q5"], strict=True)
    return [(fifty - five) / (more - fewer) for fifty, five in pairs]


def over_bare(raw: Raw, variant: str) -> list[float]:
    """Microseconds per query on top of the driver, each round against the bare driver of the same round."""
    pairs = zip(per_query(raw, variant), per_query(raw, "bare"), strict=True)
    return [ours - bare for ours, bare in pairs]


def ratio(raw: Raw, variant: str, base: str, workload: str) -> float | None:
    """Median over median; None where the base does next to nothing, since the ratio would say nothing."""
    below = statistics.median(raw[base][workload])
    return statistics.median(raw[variant][workload]) / below if below >= 3.0 else None


@dataclass(frozen=True)
class Target:
    """What was asked for, what was measured and whether that meets it."""

    text: str
    measured: str
    met: bool

    def __str__(self) -> str:
        return f"{'met' if self.met else 'NOT MET'}: {self.text}: {self.measured}"


LIMITS = (
    ("verein", "q0", "always_off", 2.0),
    ("verein", "q5", "always_off", 0.8),
    ("verein", "q50", "always_off", 0.2),
    ("verein", "n50", "always_on", 0.15),
    ("verein_otlp", "n50", "always_on", 0.15),
)
"""Variant, workload, what it is held against, and the most that its median may be of that one's."""


def targets(raw: Raw, paired: Sequence[float]) -> list[Target]:
    """The targets of this version, judged by medians; *paired* are µs per query over the driver, side by side."""
    added = spread(paired)
    rows = [Target("at most 1.5 µs per query on top of the driver", f"{added} µs", added.median <= 1.5)]
    for variant, workload, base, limit in LIMITS:
        ours, theirs = (spread(raw[one][workload]) for one in (variant, base))
        share = ours.median / theirs.median
        where = " (to OTLP, too)" if variant == "verein_otlp" else ""
        text = f"operation with {BY_NAME[workload].label}{where}: at most {limit} x OTel {base}"
        rows.append(Target(text, f"{share:.2f} x ({ours} against {theirs} µs)", share <= limit))
    return rows
