"""Budgets as series, one for each operation, and alerts on operations that go past theirs.

That too many operations are over a budget is known exactly: each process counts its breaches. How far they are over it
is read from buckets, so it is only as exact as those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from otel_verein.collector.rules import text
from otel_verein.collector.rules.counting import BREACHES, OPERATIONS, total
from otel_verein.collector.rules.health import OPERATIONS_HOUR
from otel_verein.collector.rules.rule import CRITICAL, WARNING, Alert, Group, Recorded, number, of_option
from otel_verein.collector.rules.series import (
    BREACH,
    DB_DURATION,
    DURATION,
    OPERATION,
    OPERATION_LABELS,
    QUERIES,
    quoted,
)
from otel_verein.collector.rules.window import HOUR, SHORT
from otel_verein.config.schema import Config, ThresholdRule
from otel_verein.globs import regex_of

OPERATIONS_SHORT = "verein:operations:sum15m"
OVER_BUDGET = "verein:breaches:share1h"


@dataclass(frozen=True, slots=True)
class _Budget:
    """One kind of budget: its breach, its option among the thresholds, and where what it bounds is counted."""

    breach: str
    option: str
    critical: str
    histogram: str
    unit: str

    @property
    def limit(self) -> str:
        """The recorded series of the budget."""
        return f"verein:operation:{self.breach}_budget"

    @property
    def quantile(self) -> str:
        """The recorded series of what all but ``alerts.over_budget_share`` of the operations stay below."""
        return f"verein:operation:{self.breach}_quantile15m"


BUDGETS = (
    _Budget("duration", "duration_s", "duration_critical_s", DURATION, "s"),
    _Budget("db_duration", "db_duration_s", "db_duration_critical_s", DB_DURATION, "s of database time"),
    _Budget("queries", "queries", "queries_critical", QUERIES, "queries"),
)


def budgets(config: Config) -> Group:
    """The budgets in force, as series."""
    rules = [
        Recorded(budget.limit, budget_of_each(config, option, OPERATIONS, OPERATION), {"budget": level})
        for budget in BUDGETS
        for option, level in ((budget.option, WARNING), (budget.critical, CRITICAL))
    ]
    return Group(
        "verein-budgets",
        "The budget of each operation: of its first entry in thresholds.operations, else the one for all.",
        rules,
    )


def over_budget(config: Config) -> Group:
    """Percentiles, and alerts on operations that are over their budgets too often or too far."""
    minimum = of_option(config, "health.minimum_operations")
    rules: list[Recorded | Alert] = [
        Recorded(OPERATIONS_SHORT, total(OPERATIONS, SHORT)),
        Recorded(OVER_BUDGET, f"{total(BREACHES, HOUR)}\n/ ignoring ({BREACH}) group_left {OPERATIONS_HOUR}"),
    ]
    for budget in BUDGETS:
        buckets = f"sum by ({OPERATION_LABELS}, le) (rate({budget.histogram}_bucket[{SHORT}]))"
        rules.append(Recorded(budget.quantile, f"histogram_quantile({quantile(config)}, {buckets})"))
    rules.append(_often(config, minimum))
    rules += [_far(config, budget, minimum) for budget in BUDGETS]
    return Group("verein-over-budget", "Operations that are over a budget too often, or far too long.", rules)


def quantile(config: Config) -> str:
    """The quantile that is past a budget exactly when too many operations are over it."""
    return number(1 - config.alerts.over_budget_share)


def share_over(config: Config) -> str:
    """How many are too many."""
    return f"{100 * config.alerts.over_budget_share:g} %"


def budget_of_each(config: Config, option: str, series: str, name: str) -> str:
    """An expression that gives the budget *option* for each element of *series*, by its label *name*."""
    entries = config.thresholds.operations
    parts = []
    for place, entry in enumerate((*entries, None)):
        if entry is not None and option in entry.given:
            budget = f"{number(entry.given[option])}  # from entry {place + 1} of thresholds.operations"
        else:
            budget = of_option(config, f"thresholds.{option}")
        parts.append(f"0 * {series}{_selector(name, entry, entries[:place])} + {budget}")
    return "\nor ".join(parts)


def _selector(name: str, entry: ThresholdRule | None, before: Sequence[ThresholdRule]) -> str:
    """What has *entry* as the first that matches; with none, what no entry matches."""
    matchers = [f"{name}=~{quoted(regex_of(entry.operation))}"] if entry else []
    matchers += [f"{name}!~{quoted(regex_of(each.operation))}" for each in before]
    return f"{{{', '.join(matchers)}}}" if matchers else ""


def _often(config: Config, minimum: str) -> Alert:
    return Alert(
        "VereinOverBudget",
        f'{OVER_BUDGET}{{{BREACH}=~"{"|".join(budget.breach for budget in BUDGETS)}"}}\n'
        f"  > {of_option(config, 'alerts.over_budget_share')}\n"
        f"and ignoring ({BREACH}) {OPERATIONS_HOUR} >= {minimum}",
        WARNING,
        f"{text.OF_SERVICE}: {text.SHARE} of its operations are over the budget {{{{ $labels.{BREACH} }}}}",
        f"Of {text.asked(OPERATIONS_HOUR, text.OPERATION_SELECTOR)} operations within an hour, counted by the "
        "processes themselves.",
        text.REPORT,
        wait="5m",
    )


def _far(config: Config, budget: _Budget, minimum: str) -> Alert:
    limit = f'{budget.limit}{{budget="{CRITICAL}"}}'
    return Alert(
        "VereinFarOverBudget",
        f"{budget.quantile} > ignoring (budget) {limit}\nand {OPERATIONS_SHORT} >= {minimum}",
        CRITICAL,
        f"{text.OF_SERVICE}: {share_over(config)} of its operations take more than {text.VALUE} {budget.unit}",
        f"Of {text.asked(OPERATIONS_SHORT, text.OPERATION_SELECTOR)} operations within {SHORT}; the critical budget is "
        f"{text.asked(budget.limit, text.OPERATION_SELECTOR, fixed=f'budget={quoted(CRITICAL)}')}.",
        text.REPORT,
        wait="5m",
        labels={BREACH: budget.breach},
    )
