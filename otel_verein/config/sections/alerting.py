"""When alerts fire, beyond the budgets and the objective that operations are judged by."""

from __future__ import annotations

from dataclasses import dataclass

from otel_verein.config.options import option


@dataclass(frozen=True, slots=True)
class Alerts:
    """What `otel-verein collector rules` makes alerts from, beside thresholds and health."""

    fast_burn_rate: float = option(
        14.4,
        above=0,
        help="Times faster than `health.objective` allows that bad operations may come within an hour, before someone "
        "is called.",
    )
    slow_burn_rate: float = option(6.0, above=0, help="The same within six hours.")
    lasting_burn_rate: float = option(1.0, above=0, help="The same within three days, before a warning.")
    bad_share: float = option(
        0.9,
        above=0,
        at_most=1,
        help="Share of bad operations that always is too fast, also where the objective is so low that a rate above "
        "cannot be reached.",
    )
    over_budget_share: float = option(
        0.05,
        above=0,
        at_most=1,
        help="Share of operations over one budget that is too many; 0.05 is to say that the 95th percentile is over "
        "the budget.",
    )
    n_plus_one_share: float = option(
        0.5, above=0, at_most=1, help="Share of operations with an N+1 that is too many, however old the N+1 is."
    )
    n_plus_one_growth: float = option(
        2.0, above=1, help="Times more often than the day before that an operation may have an N+1."
    )
    queue_share: float = option(0.5, above=0, at_most=1, help="Fill of a collector's queue that warns.")
    queue_critical_share: float = option(0.8, above=0, at_most=1, help="Fill of a collector's queue that is critical.")
    restarts: int = option(3, unit="{restart}", at_least=1, help="Restarts of a collector within an hour that warn.")
    steady_min: int = option(
        55,
        unit="min",
        at_least=1,
        at_most=60,
        help="Minutes of an hour that a service has to be there, to be missed when it no longer is.",
    )
    away_min: int = option(
        30,
        unit="min",
        at_least=2,
        at_most=1440,
        help="Longest time that figures may be away, as while a collector restarts, and go on where they were.",
    )
