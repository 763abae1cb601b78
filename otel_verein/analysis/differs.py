"""What tells the slow operations from the normal ones: attributes and figures, ranked by how much they tell.

One scale for all of them: Somers' D (Am. Sociol. Rev. 27 (1962) 799), which is 2 AUC - 1. It is the probability that a
slow operation has more of something than a normal one, less that of the contrary; for an attribute that is there or
not, it is the difference of the two shares. 0 tells nothing, 1 everything.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from otel_verein.analysis.differs_attributes import ABSENT, Values, attribute_values
from otel_verein.analysis.histogram import Z95
from otel_verein.analysis.intervals_of_differences import (
    Interval,
    above,
    chance_of,
    difference_of_shares,
    discoveries,
)
from otel_verein.config.schema import Config
from otel_verein.sources.base import Roots
from otel_verein.sources.rows import RootRow

SCHEMA: Final = 1
P95: Final = "p95"
BUDGET: Final = "budget"
PARTS: Final = (P95, BUDGET)
"""What makes an operation slow: it is above the 95th percentile, or it broke its budget of time."""

_TAIL: Final = 0.95
_LEAST: Final = 6
"""Operations that each part, and each value of an attribute, has to have."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that tells slow from normal: ``strength`` from -1 to 1 with its 95 % interval.

    Of an attribute ``value`` is its text; ``slow`` and ``normal`` are the shares that have it; of a figure it
    is None, and they are its medians. ``lift`` is how many times as probable slowness is with it. ``samples`` is how
    many operations it rests on; ``chance`` the probability of the like where it tells nothing.
    """

    name: str
    value: str | None
    slow: float
    normal: float
    strength: float
    interval: Interval
    lift: float | None
    samples: int
    chance: float
    method: str

    def as_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return asdict(self) | {"interval": self.interval.as_dict()}


@dataclass(frozen=True, slots=True)
class Differences:
    """What tells the slow part, above ``bound_s``, from the normal one; the strongest first.

    ``slow`` and ``normal`` count the operations looked at, of ``kept``. ``looked_at`` is how many differences were
    tried, which chance was held back over; ``skipped`` are attributes with too many values to explain anything.
    """

    by: str
    bound_s: float | None
    slow: int
    normal: int
    kept: int
    looked_at: int
    differences: tuple[Difference, ...]
    skipped: tuple[str, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The JSON object: every key always present, None for what is not known."""
        return {
            "schema": SCHEMA,
            **{name: getattr(self, name) for name in ("by", "bound_s", "slow", "normal", "kept", "looked_at")},
            "differences": [each.as_dict() for each in self.differences],
            "skipped": list(self.skipped),
            "notes": list(self.notes),
        }


FIGURES: Final[dict[str, Callable[[RootRow], float | None]]] = {
    "queries": lambda row: row.queries,
    "items": lambda row: row.items,
    "db_share": lambda row: row.db_share,
}


def differences(roots: Roots, config: Config, by: str, limit: int) -> Differences:
    """The at most *limit* differences that chance does not explain; none, with a note, where there is too little."""
    slow, normal, bound = _parted(roots.rows, by)
    notes = list(roots.notes)
    if roots.kept > len(roots.rows):
        notes.append(f"a sample of {len(roots.rows)} of {roots.kept} kept operations")
    found: list[Difference] = []
    skipped: tuple[str, ...] = ()
    few = len(slow) + len(normal) < config.health.minimum_operations or min(len(slow), len(normal)) < _LEAST
    if few:
        notes.append(f"{len(slow)} slow and {len(normal)} normal operations are too few to tell them apart")
    else:
        values, skipped = attribute_values(slow, normal, _LEAST)
        found = [*(_attribute(each, slow, normal) for each in values), *_figures(slow, normal)]
    holds = discoveries([each.chance for each in found])
    told = [each for each, is_told in zip(found, holds, strict=True) if is_told]
    told.sort(key=lambda each: (-_least(each), each.strength < 0, each.name, each.value or ""))
    return Differences(
        by=by,
        bound_s=bound,
        slow=len(slow),
        normal=len(normal),
        kept=roots.kept,
        looked_at=len(found),
        differences=tuple(told[:limit]),
        skipped=skipped,
        notes=tuple(notes),
    )


def _parted(rows: Sequence[RootRow], by: str) -> tuple[list[RootRow], list[RootRow], float | None]:
    if by == BUDGET:
        over = [row for row in rows if "duration" in row.breaches]
        return over, [row for row in rows if "duration" not in row.breaches], None
    if not rows:
        return [], [], None
    bound = _percentile([(row, row.duration_s) for row in rows], _TAIL)
    return [row for row in rows if row.duration_s > bound], [row for row in rows if row.duration_s <= bound], bound


def _percentile(part: Sequence[tuple[RootRow, float]], share: float) -> float:
    """The weighted percentile, at nearest rank."""
    total, passed = math.fsum(row.weight for row, _ in part), 0.0
    for row, number in sorted(part, key=lambda each: each[1]):
        passed += row.weight
        if passed >= share * total:
            return number
    raise ValueError("a part without operations has no percentile")


def _weight(rows: Sequence[RootRow]) -> tuple[float, float]:
    """The sum of weights, and how many operations they are worth (Kish, Survey Sampling, 1965)."""
    total = math.fsum(row.weight for row in rows)
    return total, total**2 / math.fsum(row.weight**2 for row in rows)


def _attribute(values: Values, slow: Sequence[RootRow], normal: Sequence[RootRow]) -> Difference:
    (all_slow, n_slow), (all_normal, n_normal) = _weight(slow), _weight(normal)
    with_slow, with_normal = (math.fsum(row.weight for row in rows) for rows in (values.slow, values.normal))
    p, q = min(1.0, with_slow / all_slow), min(1.0, with_normal / all_normal)
    parts = (q * n_normal, n_normal), (p * n_slow, n_slow)
    both, part = with_slow + with_normal, all_slow / (all_slow + all_normal)
    return Difference(
        name=values.name,
        value=values.value,
        slow=p,
        normal=q,
        strength=p - q,
        interval=difference_of_shares(*parts),
        lift=with_slow / both / part if both else None,
        samples=len(values.slow) + len(values.normal),
        chance=2 * chance_of(lambda z: _excludes_nothing(difference_of_shares(*parts, z))),
        method="difference of shares: Newcombe 1998, method 10",
    )


def _excludes_nothing(span: Interval) -> bool:
    return span.low > 0 or span.high < 0


def _figures(slow: Sequence[RootRow], normal: Sequence[RootRow]) -> Iterator[Difference]:
    for name, value in FIGURES.items():
        first = [(row, number) for row in slow if (number := value(row)) is not None]
        second = [(row, number) for row in normal if (number := value(row)) is not None]
        if min(len(first), len(second)) >= _LEAST:
            yield _ranked(name, first, second)


def _ranked(name: str, slow: Sequence[tuple[RootRow, float]], normal: Sequence[tuple[RootRow, float]]) -> Difference:
    """A figure, by ranks: the area under its curve, with the variance of Hanley and McNeil, Radiology 143 (1982) 29."""
    (all_slow, n), (all_normal, m) = (_weight([row for row, _ in part]) for part in (slow, normal))
    area = _area(slow, normal) / (all_slow * all_normal)
    variance = _variance(area, n, m)
    by_chance = math.sqrt((n + m + 1) / (12 * n * m))  # of Mann and Whitney, where it tells nothing
    reach = Z95 * math.sqrt(max(0.0, variance))
    middles = [_percentile(part, 1 / 2) for part in (slow, normal)]
    return Difference(
        name=name,
        value=None,
        slow=middles[0],
        normal=middles[1],
        strength=2 * area - 1,
        interval=Interval(max(-1.0, 2 * (area - reach) - 1), min(1.0, 2 * (area + reach) - 1)),
        lift=None,
        samples=len(slow) + len(normal),
        chance=2 * above(abs(area - 1 / 2) / by_chance),
        method="ranks: Mann and Whitney 1947; interval: Hanley and McNeil 1982",
    )


def _variance(area: float, n: float, m: float) -> float:
    """That of Hanley and McNeil; of an area that is half an operation nearer the middle, so that none is certain."""
    fewer = min(n, m)
    area = (area * fewer + 1 / 2) / (fewer + 1)
    one, two = area / (2 - area), 2 * area**2 / (1 + area)
    return (area * (1 - area) + (n - 1) * (one - area**2) + (m - 1) * (two - area**2)) / (n * m)


def _area(slow: Sequence[tuple[RootRow, float]], normal: Sequence[tuple[RootRow, float]]) -> float:
    """The weight of pairs in which the slow one has more; equal ones count by half."""
    entries = sorted(
        [(number, row.weight, 0.0) for row, number in slow] + [(number, 0.0, row.weight) for row, number in normal]
    )
    less = area = 0.0
    place = 0
    while place < len(entries):
        number, of_slow, of_normal = entries[place][0], 0.0, 0.0
        while place < len(entries) and entries[place][0] == number:
            of_slow, of_normal = of_slow + entries[place][1], of_normal + entries[place][2]
            place += 1
        area += of_slow * (less + of_normal / 2)
        less += of_normal
    return area


def _least(difference: Difference) -> float:
    """How much it tells at least."""
    return max(difference.interval.low, -difference.interval.high, 0.0)


__all__ = ["ABSENT", "BUDGET", "FIGURES", "P95", "PARTS", "Difference", "Differences", "differences"]
