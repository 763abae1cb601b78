"""The figures of one operation before and after, each with an interval and a verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from otel_verein.analysis.compare_sides import OperationSide
from otel_verein.analysis.histogram import Distribution
from otel_verein.analysis.intervals_of_differences import (
    Interval,
    Moments,
    above,
    beyond_ratio,
    chance_of,
    difference_of_means,
    difference_of_shares,
    discoveries,
    ratio_of_means,
)
from otel_verein.analysis.intervals_of_histograms import (
    Ranks,
    chance_of_percentiles,
    moments,
    ratio_of_percentiles,
)
from otel_verein.config.schema import Config

WORSE: Final = "worse"
BETTER: Final = "better"
SAME: Final = "same"
INCONCLUSIVE: Final = "inconclusive"
UNKNOWN: Final = "unknown"

QUERIES: Final = "queries_mean"
DURATION: Final = "duration_mean_s"
TAIL: Final = "duration_p95_s"
DATABASE: Final = "db_duration_mean_s"
ERRORS: Final = "error_share"
BREACHES: Final = "breach_share"

DECISIVE: Final = (QUERIES, DURATION, ERRORS)
"""The figures without which an operation is not judged; of the others it is said what is known."""

_TAIL: Final = 0.95
_REACH: Final = 3.09
"""Standard errors from which something is more than nothing (a chance of 1 in 1000): there is no ratio to nothing."""

_ALIKE: Final = "exact: every operation has the same"
_MEANS: Final = "ratio of means: Fieller 1954; difference: Welch 1947"
_RANKS: Final = "order statistics of histograms, joined as by Zou and Donner 2008"
_ACROSS: Final = "the interval reaches across the margin"
_SHARES: Final = "difference of shares: Newcombe 1998, method 10"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure on both sides; None for what is not known.

    ``difference`` and ``relative`` (0.1: 10 % more) have the 95 % interval ``interval`` and ``relative_interval``, None
    for what the figure has none of. ``why`` says why a verdict is no clear one. ``chance`` is the probability, to one
    side, that chance alone takes it beyond the margin: only where that had to be told.
    """

    name: str
    before: float | None
    after: float | None
    verdict: str
    why: str | None = None
    method: str | None = None
    difference: float | None = None
    interval: Interval | None = None
    relative: float | None = None
    relative_interval: Interval | None = None
    chance: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """The JSON object."""
        spans = {name: getattr(self, name) for name in ("interval", "relative_interval")}
        return asdict(self) | {name: None if span is None else span.as_dict() for name, span in spans.items()}


def figures(before: OperationSide, after: OperationSide, config: Config, unknown: str | None) -> tuple[Figure, ...]:
    """Every figure of an operation that both sides have; *unknown* is the reason why none can be judged, if so.

    A figure is worse when its whole interval is beyond the margin, better when it is below it, the same when it is
    within. A number of queries that never varies is compared exactly, without a margin.
    """
    margin = config.analysis.margin
    made = [
        _queries(before, after, margin),
        _mean(DURATION, before.duration, after.duration, margin),
        _percentile(before, after, margin),
        _mean(DATABASE, before.db_duration, after.db_duration, margin),
        _share(ERRORS, before, after, lambda side: side.errors, config.analysis.error_share),
        _share(BREACHES, before, after, lambda side: side.bad, margin),
    ]
    if unknown is None:
        return tuple(made)
    return tuple(each if each.verdict == UNKNOWN else _unjudged(each, unknown) for each in made)


def _unjudged(figure: Figure, why: str) -> Figure:
    return replace(figure, verdict=UNKNOWN, why=why, chance=None, interval=None, relative_interval=None)


def held_back(all_figures: Sequence[Sequence[Figure]]) -> tuple[tuple[Figure, ...], ...]:
    """The same figures, without what chance may well have brought about among so many (Benjamini and Hochberg 1995)."""
    kept = [list(each) for each in all_figures]
    for verdict in (WORSE, BETTER):
        places = [
            (row, column)
            for row, each in enumerate(kept)
            for column, figure in enumerate(each)
            if figure.chance is not None and figure.verdict in (verdict, INCONCLUSIVE, SAME)
        ]
        chances = [_chance(kept[row][column], verdict) for row, column in places]
        for (row, column), holds in zip(places, discoveries(chances), strict=True):
            if not holds and kept[row][column].verdict == verdict:
                why = f"beyond the margin, but among {len(places)} figures one like it may be chance"
                kept[row][column] = replace(kept[row][column], verdict=INCONCLUSIVE, why=why)
    return tuple(tuple(each) for each in kept)


def _chance(figure: Figure, verdict: str) -> float:
    return 1.0 if figure.verdict != verdict or figure.chance is None else figure.chance


def _queries(before: OperationSide, after: OperationSide, margin: float) -> Figure:
    first, second = before.queries, after.queries
    if first is None or second is None or before.estimated or after.estimated or not (first.alike and second.alike):
        return _mean(QUERIES, first, second, margin)
    one, two = first.mean, second.mean
    if one is None or two is None:
        return Figure(QUERIES, one, two, UNKNOWN, "a sum is not known")
    verdict = SAME if one == two else WORSE if two > one else BETTER
    ratio = two / one - 1 if one else None
    exact = Interval(two - one, two - one)
    rate = None if ratio is None else Interval(ratio, ratio)
    return Figure(QUERIES, one, two, verdict, None, _ALIKE, two - one, exact, ratio, rate)


def _mean(name: str, first: Distribution | None, second: Distribution | None, margin: float) -> Figure:
    if first is None or second is None:
        return Figure(name, _mean_of(first), _mean_of(second), UNKNOWN, "no driver was watched")
    one, two = moments(first), moments(second)
    if one is None or two is None:
        return Figure(name, first.mean, second.mean, UNKNOWN, "a sum or its buckets are not known well enough")
    verdict, chance = _judged_means(one, two, margin)
    ratio = ratio_of_means(one, two)
    return Figure(
        name=name,
        before=one.mean,
        after=two.mean,
        verdict=verdict,
        why=_ACROSS if verdict == INCONCLUSIVE else None,
        method=_MEANS,
        difference=two.mean - one.mean,
        interval=difference_of_means(one, two),
        relative=two.mean / one.mean - 1 if one.mean else None,
        relative_interval=None if ratio is None else Interval(ratio.low - 1, ratio.high - 1),
        chance=chance,
    )


def _mean_of(values: Distribution | None) -> float | None:
    return None if values is None else values.mean


def _judged_means(before: Moments, after: Moments, margin: float) -> tuple[str, float]:
    """The verdict, and the chance of the nearer side of the margin."""
    if before.mean == after.mean == 0:
        return SAME, 1.0
    more = above(beyond_ratio(before, after, 1 + margin))
    less = above(-beyond_ratio(before, after, 1 - margin))
    ratio = ratio_of_means(before, after)
    if ratio is None:
        return (WORSE if before.mean == 0 and more <= above(_REACH) else INCONCLUSIVE), more
    verdict = _verdict(ratio, 1 - margin, 1 + margin)
    return verdict, {WORSE: more, BETTER: less}.get(verdict, min(more, less))


def _verdict(span: Interval, least: float, most: float) -> str:
    """Worse when the whole interval is above *most*, better when below *least*, the same when within."""
    if span.low > most:
        return WORSE
    if span.high < least:
        return BETTER
    return SAME if least <= span.low and span.high <= most else INCONCLUSIVE


def _percentile(before: OperationSide, after: OperationSide, margin: float) -> Figure:
    one, two = before.duration.percentile(_TAIL), after.duration.percentile(_TAIL)
    first, second = Ranks.of(before.duration), Ranks.of(after.duration)
    if first is None or second is None or not one or not two:
        return Figure(TAIL, one, two, UNKNOWN, "the buckets are too coarse, or nothing took any time")
    ratio = ratio_of_percentiles(first, second, _TAIL)
    if ratio is None:
        return Figure(TAIL, one, two, UNKNOWN, "the buckets are too coarse")
    verdict, chance = _verdict(ratio, 1 - margin, 1 + margin), 1.0
    if verdict in (WORSE, BETTER):
        bound = 1 + margin if verdict == WORSE else 1 - margin
        chance = chance_of_percentiles(first, second, _TAIL, bound)
    return Figure(
        name=TAIL,
        before=one,
        after=two,
        verdict=verdict,
        why=_ACROSS if verdict == INCONCLUSIVE else None,
        method=_RANKS,
        difference=two - one,
        relative=two / one - 1,
        relative_interval=Interval(ratio.low - 1, ratio.high - 1),
        chance=chance,
    )


def _share(
    name: str, before: OperationSide, after: OperationSide, part: Callable[[OperationSide], int | None], margin: float
) -> Figure:
    first, second = part(before), part(after)
    one = None if first is None else first / before.count
    two = None if second is None else second / after.count
    if one is None or two is None:
        return Figure(name, one, two, UNKNOWN, "the source does not count them")
    if first == second == 0 and not (before.estimated or after.estimated):
        return Figure(name, one, two, SAME, None, "exact: none on either side", 0.0, chance=1.0)
    parts = (one * before.n, before.n), (two * after.n, after.n)
    span = difference_of_shares(*parts)
    verdict, chance = _verdict(span, -margin, margin), 1.0
    if verdict == WORSE:
        chance = chance_of(lambda z: difference_of_shares(*parts, z).low > margin)
    elif verdict == BETTER:
        chance = chance_of(lambda z: difference_of_shares(*parts, z).high < -margin)
    return Figure(
        name=name,
        before=one,
        after=two,
        verdict=verdict,
        why=_ACROSS if verdict == INCONCLUSIVE else None,
        method=_SHARES,
        difference=two - one,
        interval=span,
        relative=two / one - 1 if one else None,
        chance=chance,
    )
