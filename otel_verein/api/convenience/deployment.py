"""Whether a deployment holds what it has to, as far as its telemetry tells; and how the figures stand now."""

from __future__ import annotations

from collections.abc import Iterator

from otel_verein.api.convenience.arguments import positive
from otel_verein.api.convenience.checks import (
    FAIL,
    PASS,
    UNKNOWN,
    WARNING,
    Check,
    at_least,
    at_most,
    not_run,
    of_operation,
    summed_up,
)
from otel_verein.api.convenience.envelope import Told, enveloped
from otel_verein.api.convenience.here import Asked, asked
from otel_verein.api.convenience.monitoring import self_monitoring_works
from otel_verein.api.convenience.system import System, system
from otel_verein.config.schema import Config
from otel_verein.sources.base import Source

_STATUS = {PASS: "passed", FAIL: "failed", UNKNOWN: "inconclusive", WARNING: "passed"}
_MOST_QUERIES = 1_000_000.0
_MOST_NAMES = 3


@enveloped("validation")
def validate_production_deployment(
    hours: float | str | None = None,
    queries_per_operation: float | str | None = None,
    *,
    source: Source | None = None,
    config: Config | None = None,
) -> Told:
    """Every requirement of a deployment with its verdict; ``status`` is passed, failed or inconclusive.

    *hours* should be those since the deployment. Health has to be excellent; each operation has to keep its budgets;
    queries of all on the mean are at most *queries_per_operation*, else ``thresholds.queries_excellent``. What cannot
    be told from telemetry is not run, and so the deployment has not passed.
    """
    at = asked(source, config, hours)
    limit = at.config.thresholds.queries_excellent
    most = float(limit) if queries_per_operation in (None, "") else _queries(queries_per_operation)
    whole = system(at)
    checks = [
        *_of_all(at, whole, most),
        *(check for stats in whole.stats for check in of_operation(stats, at.config)),
        *self_monitoring_works(at),
        not_run("memory", "no telemetry says how much memory processes take"),
        not_run("canary", "no trace with a known number of queries was sent, which would have to be found again"),
        not_run("stability", "this is one look; it takes several"),
    ]
    return _told(at, checks)


@enveloped("benchmark")
def benchmark_current_performance(
    hours: float | str | None = None, *, source: Source | None = None, config: Config | None = None
) -> Told:
    """The measured figures of every operation against its budgets; no load is made, and what is rare is unknown."""
    at = asked(source, config, hours)
    whole = system(at)
    limits = at.config.health
    score = at_least("health", whole.health.score, limits.warning, "points", whole.health.n, _why(whole))
    checks = [score, *(check for stats in whole.stats for check in of_operation(stats, at.config))]
    return _told(at, checks, figures=whole)


def _of_all(at: Asked, whole: System, most_queries: float) -> Iterator[Check]:
    yield at_least("health", whole.health.score, at.config.health.excellent, "points", whole.health.n, _why(whole))
    n = round(whole.figures.operations)
    few = whole.health.n < at.config.health.minimum_operations
    yield at_most(
        "queries per operation",
        None if few else whole.figures.queries,
        most_queries,
        "{query}",
        n,
        f"{n} operations; a figure takes {at.config.health.minimum_operations}" if few else "no driver was watched",
    )


def _told(at: Asked, checks: list[Check], figures: System | None = None) -> Told:
    payload, told = summed_up(checks, _STATUS, at.now)
    if figures is not None:
        payload["figures"] = figures.figures.as_dict()
    names = [check.name for check in checks if check.verdict == FAIL]
    failed = ", ".join(names[:_MOST_NAMES]) + (
        f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    )
    return Told(payload, f"{told}; failed: {failed}." if failed else f"{told}.")


def _why(whole: System) -> str:
    return whole.health.why or "there are no operations"


def _queries(value: object) -> float:
    return positive("queries_per_operation", value, _MOST_QUERIES)
