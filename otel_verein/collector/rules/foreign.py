"""Alerts on services without our SDK, from what the collector counts in their spans.

There is no N+1 here and no share of bad operations: a span says whether it failed and how long it took, and no more.
"""

from __future__ import annotations

from collections.abc import Iterator

from otel_verein.collector.rules import text
from otel_verein.collector.rules.budgets import budget_of_each, quantile, share_over
from otel_verein.collector.rules.rule import CRITICAL, WARNING, Alert, Group, Recorded, of_option
from otel_verein.collector.rules.series import (
    ENVIRONMENT,
    FOREIGN_CALLS,
    FOREIGN_DURATION,
    FOREIGN_LABELS,
    FOREIGN_NAME,
    FOREIGN_OPERATIONS,
    FOREIGN_QUERIES,
    SERVICE_LABELS,
    increase,
)
from otel_verein.collector.rules.window import HOUR, SHORT, Window
from otel_verein.config.schema import Config

CALLS = "verein:foreign_calls:increase1m"
CALLS_HOUR = "verein:foreign_calls:sum1h"
ERRORS_HOUR = "verein:foreign_errors:sum1h"
CALLS_SHORT = "verein:foreign_calls:sum15m"
QUANTILE = "verein:foreign:duration_quantile15m"
LIMIT = "verein:foreign:duration_budget"
PER_CALL = "verein:foreign:queries_per_call15m"

_NAME = f"{{{{ $labels.{FOREIGN_NAME} }}}} of {text.SERVICE}"
_SELECTOR = ("job", ENVIRONMENT, FOREIGN_NAME, "span_kind")
_ACTION = "Look at its traces in the backend; with otel-verein in it, queries and N+1 would be known, too."


def foreign(config: Config) -> Group:
    """Calls, failures, times and queries of services without our SDK, and alerts on them."""
    return Group(
        "verein-foreign",
        "Services without our SDK: only what their spans say, weighted by how they were sampled.",
        [*_recorded(config), *_alerts(config)],
    )


def _recorded(config: Config) -> Iterator[Recorded]:
    away = Window(config.alerts.away_min)
    labels = f"{FOREIGN_LABELS}, status_code"
    buckets = f"sum by ({FOREIGN_LABELS}, le) (rate({FOREIGN_DURATION}_bucket{FOREIGN_OPERATIONS}[{SHORT}]))"
    failed = f'sum without (status_code) (sum_over_time({CALLS}{{status_code="STATUS_CODE_ERROR"}}[{HOUR}]))'
    queries = "verein:foreign_queries:increase1m"
    yield Recorded(CALLS, f"sum by ({labels}) {increase(FOREIGN_CALLS + FOREIGN_OPERATIONS, away)}")
    yield Recorded(queries, f"sum by ({SERVICE_LABELS}) {increase(FOREIGN_QUERIES, away)}")
    yield Recorded(CALLS_HOUR, f"sum without (status_code) (sum_over_time({CALLS}[{HOUR}]))")
    yield Recorded(CALLS_SHORT, f"sum without (status_code) (sum_over_time({CALLS}[{SHORT}]))")
    yield Recorded(ERRORS_HOUR, f"{failed}\nor 0 * {CALLS_HOUR}")
    yield Recorded(QUANTILE, f"histogram_quantile({quantile(config)}, {buckets})")
    yield Recorded(PER_CALL, f"sum_over_time({queries}[{SHORT}])\n/ (sum by ({SERVICE_LABELS}) ({CALLS_SHORT}) > 0)")
    for option, level in (("duration_s", WARNING), ("duration_critical_s", CRITICAL)):
        yield Recorded(LIMIT, budget_of_each(config, option, CALLS_SHORT, FOREIGN_NAME), {"budget": level})


def _alerts(config: Config) -> Iterator[Alert]:
    minimum = of_option(config, "health.minimum_operations")
    yield Alert(
        "VereinForeignErrors",
        f"{ERRORS_HOUR} / {CALLS_HOUR}\n"
        f"  > (1 - {of_option(config, 'health.objective')}\n  )\n"
        f"and {CALLS_HOUR} >= {minimum}",
        WARNING,
        f"{_NAME}: {text.SHARE} of its calls fail",
        f"Of {text.asked(CALLS_HOUR, _SELECTOR)} calls within {HOUR}, weighted by how they were sampled.",
        _ACTION,
        wait="5m",
    )
    critical = f'{QUANTILE} > ignoring (budget) {LIMIT}{{budget="{CRITICAL}"}}'
    late = f'{QUANTILE} > ignoring (budget) {LIMIT}{{budget="{WARNING}"}}'
    yield _slow(config, f"{late}\nand {CALLS_SHORT} >= {minimum}\nunless {critical}", WARNING)
    yield _slow(config, f"{critical}\nand {CALLS_SHORT} >= {minimum}", CRITICAL)
    yield Alert(
        "VereinForeignQueries",
        f"{PER_CALL} > {of_option(config, 'thresholds.queries')}\n"
        f"and sum by ({SERVICE_LABELS}) ({CALLS_SHORT}) >= {minimum}",
        WARNING,
        f"{text.SERVICE}: {text.VALUE} queries for each of its calls",
        f"On average within {SHORT}, from its database spans.",
        _ACTION,
        wait="5m",
    )


def _slow(config: Config, expression: str, severity: str) -> Alert:
    return Alert(
        "VereinForeignSlow",
        expression,
        severity,
        f"{_NAME}: {share_over(config)} of its calls take more than {text.VALUE} s",
        f"Of {text.asked(CALLS_SHORT, _SELECTOR)} calls within {SHORT}, weighted by how they were sampled.",
        _ACTION,
        wait="5m",
    )
