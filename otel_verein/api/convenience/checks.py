"""One thing that was looked at, with its limit: the building stone of every verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from otel_verein.analysis.operations import OperationStats, resting_on
from otel_verein.api.convenience.envelope import timestamp
from otel_verein.api.convenience.figures import TAIL
from otel_verein.config.schema import Config

PASS: Final = "pass"
WARNING: Final = "warning"
FAIL: Final = "fail"
UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """What was measured, in ``unit``, over ``n`` operations, its ``limit``, the verdict, and in words ``why``.

    ``value`` is None where it could not be told; the verdict then is unknown, which never counts as a pass.
    """

    name: str
    verdict: str
    value: float | None
    limit: float | None
    unit: str
    n: int | None
    why: str

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def at_most(name: str, value: float | None, limit: float, unit: str, n: int | None, unknown: str) -> Check:
    """Whether *value* is within its *limit*; *unknown* says why it is None."""
    if value is None:
        return Check(name, UNKNOWN, None, limit, unit, n, unknown)
    verdict = PASS if value <= limit else FAIL
    return Check(name, verdict, value, limit, unit, n, f"{value:.4g} {_word(unit)}, at most {limit:g}")


def at_least(name: str, value: float | None, limit: float, unit: str, n: int | None, unknown: str) -> Check:
    """Whether *value* reaches its *limit*; *unknown* says why it is None."""
    if value is None:
        return Check(name, UNKNOWN, None, limit, unit, n, unknown)
    verdict = PASS if value >= limit else FAIL
    return Check(name, verdict, value, limit, unit, n, f"{value:.4g} {_word(unit)}, at least {limit:g}")


def not_run(name: str, why: str) -> Check:
    """A check that cannot be made from here; it is no pass."""
    return Check(name, UNKNOWN, None, None, "", None, why)


def worst(checks: Iterable[Check]) -> str:
    """Fail if any fails, else unknown if any is, else warning if any warns, else pass."""
    verdicts = {check.verdict for check in checks}
    return next((each for each in (FAIL, UNKNOWN, WARNING) if each in verdicts), PASS)


def by_verdict(checks: Iterable[Check]) -> dict[str, int]:
    """How many checks had each verdict."""
    found = [check.verdict for check in checks]
    return {verdict: found.count(verdict) for verdict in (PASS, WARNING, FAIL, UNKNOWN)}


def summed_up(checks: Sequence[Check], words: Mapping[str, str], now: datetime) -> tuple[dict[str, Any], str]:
    """The payload of *checks*, whose status is the word for the worst verdict, and a sentence without its full stop."""
    word, counts = words[worst(checks)], by_verdict(checks)
    payload = {
        "timestamp": timestamp(now),
        "status": word,
        "checks": [check.as_dict() for check in checks],
        "counts": counts,
    }
    return payload, f"{word}: {counts[PASS]} of {len(checks)} checks passed, {counts[UNKNOWN]} could not be made"


def of_operation(stats: OperationStats, config: Config) -> tuple[Check, Check]:
    """Wall time and queries of one operation, at the 95th percentile, against its budgets."""
    budget, n, least = config.thresholds.of(stats.key.operation), resting_on(stats), config.health.minimum_operations
    few = f"{n:.0f} operations; a figure takes {least}" if n < least else ""
    times = None if few else stats.duration.percentile(TAIL)
    queries = None if few or stats.queries is None else stats.queries.whole_percentile(TAIL)
    name, count = f"{stats.key.service}: {stats.key.operation}", round(n)
    return (
        at_most(
            f"{name}: time", times, budget.duration_s, "s", count, few or "the buckets of its times are too coarse"
        ),
        at_most(
            f"{name}: queries", queries, budget.queries, "{query}", count, few or "no driver was watched in its process"
        ),
    )


def _word(unit: str) -> str:
    return {"{query}": "queries", "": ""}.get(unit, unit)
