"""Alerts on N+1 findings: where there were none the day before, where there are more, and where they are common."""

from __future__ import annotations

from otel_verein.collector.rules import text
from otel_verein.collector.rules.counting import BREACHES, OPERATIONS, total
from otel_verein.collector.rules.health import OPERATIONS_HOUR, wilson_low
from otel_verein.collector.rules.rule import WARNING, Alert, Group, Recorded, of_option
from otel_verein.collector.rules.series import BREACH
from otel_verein.collector.rules.window import DAY, HOUR
from otel_verein.config.schema import Config

FOUND_HOUR = "verein:n_plus_one:sum1h"
FOUND_BEFORE = "verein:n_plus_one:sum1d_before"
OPERATIONS_BEFORE = "verein:operations:sum1d_before"
SHARE = "verein:n_plus_one:share1h"
_SHARE_LOW = "verein:n_plus_one:share_low1h"


def n_plus_one(config: Config) -> Group:
    """Operations with an N+1: how many, how many the day before, and alerts."""
    minimum = of_option(config, "health.minimum_operations")
    found = f'{BREACHES}{{{BREACH}="n_plus_one"}}'
    counted = f"sum without ({BREACH}) ({total(found, HOUR)})"
    before = f"sum without ({BREACH}) (sum_over_time({found}[{DAY}] offset {DAY}))"
    share = f"{FOUND_HOUR} / {OPERATIONS_HOUR}"
    return Group(
        "verein-n-plus-one",
        "The day before is the one that ended a day ago, so an alert on what is new stays for a day.",
        [
            Recorded(FOUND_HOUR, f"{counted}\nor 0 * {OPERATIONS_HOUR}"),
            Recorded(OPERATIONS_BEFORE, f"sum_over_time({OPERATIONS}[{DAY}] offset {DAY})"),
            Recorded(FOUND_BEFORE, f"{before}\nor 0 * {OPERATIONS_BEFORE}"),
            Recorded(SHARE, f"{share}\nand {OPERATIONS_HOUR} >= {minimum}"),
            Recorded(_SHARE_LOW, f"{wilson_low(FOUND_HOUR, OPERATIONS_HOUR)}\nand {OPERATIONS_HOUR} >= {minimum}"),
            _new(minimum),
            _growing(config, minimum),
            _common(config),
        ],
    )


def _new(minimum: str) -> Alert:
    return Alert(
        "VereinNPlusOneNew",
        f"{FOUND_HOUR} > 0\nand {OPERATIONS_BEFORE} >= {minimum}\nunless {FOUND_BEFORE} > 0",
        WARNING,
        f"{text.OF_SERVICE}: an N+1 that was not there the day before",
        f"{text.VALUE} of {text.asked(OPERATIONS_HOUR, text.OPERATION_SELECTOR)} operations within an hour have one; "
        f"of {text.asked(OPERATIONS_BEFORE, text.OPERATION_SELECTOR)} the day before none had.",
        f"{text.REPORT} It names the statement and the line of code.",
    )


def _growing(config: Config, minimum: str) -> Alert:
    growth = of_option(config, "alerts.n_plus_one_growth")
    return Alert(
        "VereinNPlusOneGrows",
        f"{_SHARE_LOW} / ({FOUND_BEFORE} / {OPERATIONS_BEFORE} > 0)\n"
        f"  > {growth}\n"
        f"and {OPERATIONS_BEFORE} >= {minimum}",
        WARNING,
        f"{text.OF_SERVICE}: an N+1 comes at least {text.VALUE} times as often as the day before",
        f"{text.asked(FOUND_HOUR, text.OPERATION_SELECTOR)} of "
        f"{text.asked(OPERATIONS_HOUR, text.OPERATION_SELECTOR)} operations within an hour have one; the day before "
        f"{text.asked(FOUND_BEFORE, text.OPERATION_SELECTOR)} of "
        f"{text.asked(OPERATIONS_BEFORE, text.OPERATION_SELECTOR)} had.",
        f"{text.REPORT} It names the statement and the line of code.",
        wait="5m",
    )


def _common(config: Config) -> Alert:
    return Alert(
        "VereinNPlusOneCommon",
        f"{SHARE} >= {of_option(config, 'alerts.n_plus_one_share')}",
        WARNING,
        f"{text.OF_SERVICE}: {text.SHARE} of its operations have an N+1",
        f"Of {text.asked(OPERATIONS_HOUR, text.OPERATION_SELECTOR)} operations within an hour.",
        f"{text.REPORT} It names the statement and the line of code; what is meant to be goes to ignore.rules.",
        wait="1h",
    )
