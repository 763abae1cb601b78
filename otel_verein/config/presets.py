"""What the environments preset: lenient in development, moderate in staging, strict in production.

Presets stand between the defaults and the file. The strict budgets are those of requirement R4.1; the ratios speak of
whole traces, since counting is complete everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

DEVELOPMENT: Final = "development"
STAGING: Final = "staging"
PRODUCTION: Final = "production"

PRESETS: Final[Mapping[str, Mapping[str, float]]] = {
    DEVELOPMENT: {
        "thresholds.queries": 100,
        "thresholds.queries_critical": 200,
        "thresholds.duration_s": 5.0,
        "thresholds.duration_critical_s": 10.0,
        "thresholds.db_duration_s": 2.5,
        "thresholds.db_duration_critical_s": 5.0,
        "sampling.ratio": 0.1,
    },
    STAGING: {
        "thresholds.queries": 50,
        "thresholds.queries_critical": 100,
        "thresholds.duration_s": 3.0,
        "thresholds.duration_critical_s": 7.5,
        "thresholds.db_duration_s": 1.5,
        "thresholds.db_duration_critical_s": 4.0,
        "sampling.ratio": 0.5,
    },
    PRODUCTION: {
        "thresholds.queries": 20,
        "thresholds.queries_critical": 100,
        "thresholds.duration_s": 2.0,
        "thresholds.duration_critical_s": 5.0,
        "thresholds.db_duration_s": 1.0,
        "thresholds.db_duration_critical_s": 2.5,
        "sampling.ratio": 1.0,
    },
}
"""By environment: option -> value."""

ENVIRONMENTS: Final = tuple(PRESETS)

ALIASES: Final[Mapping[str, str]] = {
    "dev": DEVELOPMENT,
    "local": DEVELOPMENT,
    "stage": STAGING,
    "prod": PRODUCTION,
    "live": PRODUCTION,
}
"""Other words that ``deployment.environment.name`` has for them; elsewhere the names are written out."""
