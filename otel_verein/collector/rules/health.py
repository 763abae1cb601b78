"""Alerts on the share of bad operations: how fast the error budget burns, and the score of single operations.

Rates, windows and severities are those of the SRE workbook (Google, "Alerting on SLOs", section 6: multiwindow,
multi-burn-rate alerts); the short window of each pair ends an alert soon after the cause has ended. A rate over fewer
operations than ``health.minimum_operations`` is unknown and fires nothing.
"""

from __future__ import annotations

from otel_verein.collector.rules import text
from otel_verein.collector.rules.counting import (
    BAD,
    OPERATIONS,
    SERVICE_BAD,
    SERVICE_OPERATIONS,
    burn_rate,
    service_total,
    total,
)
from otel_verein.collector.rules.rule import CRITICAL, WARNING, Alert, Group, Recorded, number, of_option
from otel_verein.collector.rules.window import HALF_HOUR, HOUR, MOMENT, SIX_HOURS, THREE_DAYS, Window
from otel_verein.config.schema import Config

OPERATIONS_HOUR = "verein:operations:sum1h"
BAD_HOUR = "verein:operations_bad:sum1h"
SCORE = "verein:operation:score1h"
SCORE_HIGH = "verein:operation:score_high1h"
_LEAST_BAD = "verein:operation:bad_share_low1h"

_Z95 = "1.959964"
"""The 95 % interval, as in the report's score."""


def burning(config: Config) -> Group:
    """Alerts on services whose operations go bad too fast."""
    return Group(
        "verein-burning",
        "Each fires when both its windows burn too fast; the short one ends it soon after the cause has ended.",
        [
            _burns("Fast", HOUR, MOMENT, CRITICAL, config),
            _burns("Slow", SIX_HOURS, HALF_HOUR, CRITICAL, config),
            _burns("Lasting", THREE_DAYS, SIX_HOURS, WARNING, config),
        ],
    )


def scores(config: Config) -> Group:
    """The score of each operation in the last hour, and alerts on it."""
    minimum = of_option(config, "health.minimum_operations")
    share = f"{BAD_HOUR} / {OPERATIONS_HOUR}"
    return Group(
        "verein-scores",
        "The score of the report for the last hour. Alerts look at the upper end of its 95 % interval (Wilson), so a "
        "few bad ones of few operations do not fire.",
        [
            Recorded(OPERATIONS_HOUR, total(OPERATIONS, HOUR)),
            Recorded(BAD_HOUR, total(BAD, HOUR)),
            Recorded(_LEAST_BAD, f"{wilson_low(BAD_HOUR, OPERATIONS_HOUR)}\nand {OPERATIONS_HOUR} >= {minimum}"),
            Recorded(SCORE, f"{_score(share, config)}\nand {OPERATIONS_HOUR} >= {minimum}"),
            Recorded(SCORE_HIGH, _score(_LEAST_BAD, config)),
            _unhealthy(
                f"{SCORE_HIGH} < {of_option(config, 'health.warning')}\n"
                f"unless {SCORE_HIGH} < {of_option(config, 'health.critical')}",
                WARNING,
            ),
            _unhealthy(f"{SCORE_HIGH} < {of_option(config, 'health.critical')}", CRITICAL),
        ],
    )


def wilson_low(part: str, whole: str) -> str:
    """The lower end of the 95 % interval of the share that *part* of *whole* is a sample of; none for none of none."""
    share = f"{part} / {whole}"
    return (
        f"clamp_min(\n"
        f"  ({share} + {_Z95}^2 / (2 * {whole})\n"
        f"    - {_Z95} * sqrt({share} * (1 - {share}) / {whole} + {_Z95}^2 / (4 * {whole}^2))\n"
        f"  ) / (1 + {_Z95}^2 / {whole}),\n"
        f"  0\n)"
    )


def _score(bad_share: str, config: Config) -> str:
    """100 with the whole error budget left, 0 with none; where there is no budget, 0 as soon as one is bad."""
    if config.health.objective >= 1:
        return f"100 * (1 - (({bad_share}) > bool 0))"
    return f"100 * clamp_min(\n  1 - ({bad_share}) / (1 - {of_option(config, 'health.objective')}\n  ),\n  0\n)"


def _burns(name: str, window: Window, short: Window, severity: str, config: Config) -> Alert:
    limit = _limit(f"alerts.{name.lower()}_burn_rate", config)
    operations = service_total(SERVICE_OPERATIONS, window)
    return Alert(
        f"VereinBurns{name}",
        f"{burn_rate(window)} >= {limit}\n"
        f"and {burn_rate(short)} >= {limit}\n"
        f"and {operations} >= {of_option(config, 'health.minimum_operations')}",
        severity,
        f"{text.SERVICE}: {text.VALUE} times as many operations go bad as the objective allows",
        f"Within {window}, of {text.asked(operations, text.SERVICE_SELECTOR)} operations "
        f"{text.asked(service_total(SERVICE_BAD, window), text.SERVICE_SELECTOR)} "
        "failed or broke a budget.",
        "Run `otel-verein report` to see which operations lose the most points, and by what: error, time or queries.",
    )


def _limit(key: str, config: Config) -> str:
    """The burn rate of an option, or the one at which as good as all is bad, if that comes first."""
    budget = 1 - config.health.objective
    rate = getattr(config.alerts, key.removeprefix("alerts."))
    if rate * budget <= config.alerts.bad_share:
        return of_option(config, key)
    return f"{number(config.alerts.bad_share / budget)}  # alerts.bad_share of all, before {key}"


def _unhealthy(expression: str, severity: str) -> Alert:
    return Alert(
        "VereinOperationUnhealthy",
        expression,
        severity,
        f"{text.OF_SERVICE}: health is at most {text.VALUE}",
        f"Within an hour, of {text.asked(OPERATIONS_HOUR, text.OPERATION_SELECTOR)} operations "
        f"{text.asked(BAD_HOUR, text.OPERATION_SELECTOR)} failed or broke a budget; the score is "
        f"{text.asked(SCORE, text.OPERATION_SELECTOR)}, and with 95 % certainty not above {text.VALUE}.",
        text.REPORT,
        wait="5m",
    )
