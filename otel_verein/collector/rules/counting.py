"""What operations did, minute by minute: the recorded series that the alerts are made from."""

from __future__ import annotations

from otel_verein import semconv
from otel_verein.collector.rules.rule import Group, Recorded, of_option
from otel_verein.collector.rules.series import (
    BREACH,
    DURATION,
    FINDING,
    OPERATION_LABELS,
    QUERIES,
    SERVICE_LABELS,
    counter,
    increase,
)
from otel_verein.collector.rules.window import HALF_HOUR, HOUR, MOMENT, SHORT, SIX_HOURS, THREE_DAYS, Window
from otel_verein.config.schema import Config

OPERATIONS = "verein:operations:increase1m"
BAD = "verein:operations_bad:increase1m"
BREACHES = "verein:breaches:increase1m"
FINDINGS = "verein:findings:increase1m"
QUERY_SUM = "verein:queries:increase1m"
SERVICE_OPERATIONS = "verein:service_operations:increase1m"
SERVICE_BAD = "verein:service_operations_bad:increase1m"

_BURN_WINDOWS = (MOMENT, HALF_HOUR, HOUR, SIX_HOURS, THREE_DAYS)


def total(series: str, window: Window) -> str:
    """What *series*, an increase by the minute, adds up to over *window*."""
    return f"sum_over_time({series}[{window}])"


def service_total(series: str, window: Window) -> str:
    """The name of the recorded sum over *window* of one of the series of services."""
    return f"{series.removesuffix(':increase1m')}:sum{window}"


def burn_rate(window: Window) -> str:
    """The name of the recorded burn rate of a service."""
    return f"verein:service:burn_rate{window}"


def counts(config: Config) -> Group:
    """Counts of operations."""
    away = Window(config.alerts.away_min)
    bad = f'{counter(semconv.METRIC_BREACHES)}{{{BREACH}="any"}}'
    single = f'{counter(semconv.METRIC_BREACHES)}{{{BREACH}!="any"}}'

    def summed(series: str, labels: str = OPERATION_LABELS) -> str:
        return f"sum by ({labels}) {increase(series, away)}"

    return Group(
        "verein-counts",
        "Whole numbers for each minute: sum_over_time() of them over any window is exactly what was counted in it.",
        [
            Recorded(OPERATIONS, summed(f"{DURATION}_count")),
            Recorded(BAD, f"{summed(bad)}\nor 0 * {OPERATIONS}"),
            Recorded(BREACHES, summed(single, f"{OPERATION_LABELS}, {BREACH}")),
            Recorded(FINDINGS, summed(counter(semconv.METRIC_FINDINGS), f"{OPERATION_LABELS}, {FINDING}")),
            Recorded(QUERY_SUM, summed(f"{QUERIES}_sum")),
            Recorded(SERVICE_OPERATIONS, f"sum by ({SERVICE_LABELS}) ({OPERATIONS})"),
            Recorded(SERVICE_BAD, f"sum by ({SERVICE_LABELS}) ({BAD})"),
        ],
    )


def services(config: Config) -> Group:
    """Sums over the windows of burn-rate alerts, and the burn rates."""
    rules = [Recorded(service_total(SERVICE_OPERATIONS, SHORT), total(SERVICE_OPERATIONS, SHORT))]
    for window in _BURN_WINDOWS:
        operations = service_total(SERVICE_OPERATIONS, window)
        bad = service_total(SERVICE_BAD, window)
        rules += [
            Recorded(operations, total(SERVICE_OPERATIONS, window)),
            Recorded(bad, total(SERVICE_BAD, window)),
            Recorded(burn_rate(window), _burn(bad, operations, config)),
        ]
    return Group(
        "verein-services",
        "A burn rate of 1 is as many bad operations as the objective allows; 2 is twice as many.",
        rules,
    )


def _burn(bad: str, operations: str, config: Config) -> str:
    return f"{bad} / {operations}\n/ (1 - {of_option(config, 'health.objective')}\n)"
