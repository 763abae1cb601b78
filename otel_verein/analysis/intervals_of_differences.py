"""Intervals and tests of differences: how far apart two figures can be, given how many operations they rest on.

Every function says its source. All are for large samples: callers hold them back below the minimum of operations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

from otel_verein.analysis.histogram import Z95
from otel_verein.analysis.intervals import wilson

CONFIDENCE: Final = 0.95
"""The confidence of every interval that is shown, two-sided."""

ALPHA: Final = (1 - CONFIDENCE) / 2
"""How often chance alone may be taken for a change in one direction, over all figures of one comparison."""

_NORMAL: Final = NormalDist()
_MOST_Z: Final = 9.0
"""Standard errors past which chance is no explanation any more."""
_HALVINGS: Final = 40


@dataclass(frozen=True, slots=True)
class Interval:
    """The 95 % interval of a figure, both ends within it; an end that nothing bounds is infinite."""

    low: float
    high: float

    def as_dict(self) -> dict[str, float | None]:
        """The JSON object; None for an end that nothing bounds."""
        return {"low": _finite(self.low), "high": _finite(self.high)}


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean and variance of *n* values; *n* is not whole where values were sampled with weights."""

    n: float
    mean: float
    variance: float

    @property
    def of_mean(self) -> float:
        """The variance of the mean."""
        return self.variance / self.n


def above(z: float) -> float:
    """The probability that chance alone goes beyond *z* standard errors, to one side."""
    return math.erfc(z / math.sqrt(2)) / 2


def chance_of(still: Callable[[float], bool]) -> float:
    """The probability, to one side, at which an interval ends at the bound that is asked about.

    *still* says whether the interval of so many standard errors is beyond that bound; found by halving.
    """
    least, most = 0.0, _MOST_Z
    for _ in range(_HALVINGS):
        z = (least + most) / 2
        least, most = (z, most) if still(z) else (least, z)
    return above(least)


def student(p: float, freedom: float) -> float:
    """The quantile *p* of Student's t; Abramowitz and Stegun 26.7.5, within 0.001 from 8 degrees of freedom on."""
    x = _NORMAL.inv_cdf(p)
    parts = (
        x,
        (x**3 + x) / 4,
        (5 * x**5 + 16 * x**3 + 3 * x) / 96,
        (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384,
        (79 * x**9 + 776 * x**7 + 1482 * x**5 - 1920 * x**3 - 945 * x) / 92160,
    )
    return math.fsum(part / freedom**power for power, part in enumerate(parts))


def difference_of_means(before: Moments, after: Moments) -> Interval:
    """The interval of after - before; Welch, Biometrika 34 (1947) 28: unequal variances and numbers."""
    middle, spread = after.mean - before.mean, math.sqrt(before.of_mean + after.of_mean)
    reach = student(1 - ALPHA, _freedom(before, after)) * spread
    return Interval(middle - reach, middle + reach)


def ratio_of_means(before: Moments, after: Moments) -> Interval | None:
    """The interval of after / before; Fieller, J. R. Stat. Soc. B 16 (1954) 175, with Welch's degrees of freedom.

    None where *before* cannot be told from 0, so that any ratio would be possible.
    """
    if before.mean <= 0:
        return None
    t = student(1 - ALPHA, _freedom(before, after))
    g = (t * math.sqrt(before.of_mean) / before.mean) ** 2
    if g >= 1:
        return None
    ratio = after.mean / before.mean
    reach = t / before.mean * math.sqrt((1 - g) * after.of_mean + ratio**2 * before.of_mean)
    return Interval(max(0.0, (ratio - reach) / (1 - g)), (ratio + reach) / (1 - g))


def beyond_ratio(before: Moments, after: Moments, ratio: float) -> float:
    """The standard errors that *after* is above *before* times *ratio*: the test that Fieller's interval inverts.

    Negative when it is below; infinite when nothing varies.
    """
    distance = after.mean - ratio * before.mean
    spread = math.sqrt(after.of_mean + ratio**2 * before.of_mean)
    if spread == 0:
        return math.copysign(math.inf, distance) if distance else 0.0
    return distance / spread


def difference_of_shares(before: tuple[float, float], after: tuple[float, float], z: float = Z95) -> Interval:
    """The interval of after - before, each a part and its n; Newcombe, Stat. Med. 17 (1998) 873, method 10."""
    (low_before, high_before), (low_after, high_after) = wilson(*before, z), wilson(*after, z)
    p, q = before[0] / before[1], after[0] / after[1]
    low = q - p - math.hypot(q - low_after, high_before - p)
    high = q - p + math.hypot(high_after - q, p - low_before)
    return Interval(max(-1.0, low), min(1.0, high))


def discoveries(probabilities: Sequence[float], alpha: float = ALPHA) -> tuple[bool, ...]:
    """Which of several tests hold when all are looked at; Benjamini and Hochberg, J. R. Stat. Soc. B 57 (1995) 289.

    Where nothing changed at all, any of them holds with probability *alpha* at most; of those that hold, that share is
    expected to be false.
    """
    number = len(probabilities)
    order = sorted(range(number), key=lambda place: probabilities[place])
    held = [rank for rank, place in enumerate(order, 1) if probabilities[place] <= alpha * rank / number]
    winners = set(order[: max(held)]) if held else set()
    return tuple(place in winners for place in range(number))


def _freedom(before: Moments, after: Moments) -> float:
    """Degrees of freedom by Welch and Satterthwaite, infinite when nothing varies."""
    first, second = before.of_mean, after.of_mean
    below = first**2 / max(1.0, before.n - 1) + second**2 / max(1.0, after.n - 1)
    return max(1.0, (first + second) ** 2 / below) if below else math.inf


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
