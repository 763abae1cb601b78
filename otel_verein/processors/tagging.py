"""Totals and breaches of an ended operation: which budgets it broke, how badly, and the attributes that say so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from otel_verein import semconv
from otel_verein.config.schema import Thresholds
from otel_verein.ledger.operation import Totals
from otel_verein.ledger.verdict import Finding


class Tags(NamedTuple):
    """What the root span of one operation says about it."""

    totals: Totals
    breaches: tuple[str, ...] = ()
    severity: str = "ok"
    findings: tuple[Finding, ...] = ()
    ignored: tuple[str, ...] = ()
    """For each repeat that is no finding, the rule that says so; ``code`` for the application itself."""

    @property
    def over_budget(self) -> bool:
        """Whether it failed or broke a budget of queries, time or database time (an N+1 alone is none)."""
        return any(breach != "n_plus_one" for breach in self.breaches)

    def attributes(self) -> dict[str, str | int | float | tuple[str, ...]]:
        """The ``verein.*`` attributes of the root span, decision apart."""
        totals = self.totals
        found: dict[str, str | int | float | tuple[str, ...]] = {semconv.SEVERITY: self.severity}
        if totals.counted:
            found[semconv.DB_QUERY_COUNT] = totals.queries
            found[semconv.DB_ERROR_COUNT] = totals.errors
            found[semconv.DB_DURATION_MS] = totals.db_duration_ns / 1e6
            found[semconv.N_PLUS_ONE_COUNT] = len(self.findings)
            found[semconv.N_PLUS_ONE_MAX_REPEATS] = max((finding.repeats for finding in self.findings), default=0)
        if totals.distinct is not None:
            found[semconv.DB_DISTINCT_COUNT] = totals.distinct
        if self.breaches:
            found[semconv.BREACH] = self.breaches
        return found


def failed(root: ReadableSpan) -> bool:
    """Whether an operation failed: its span has status ERROR, but no answer that blames the client.

    The HTTP semantic conventions leave the status of a server span unset for 4xx; instrumentations that record the
    exception behind such an answer (Django's Http404) set it all the same.
    """
    if root.status.status_code is not StatusCode.ERROR:
        return False
    attributes = root.attributes or {}
    answered = attributes.get("http.response.status_code", attributes.get("http.status_code"))
    return not (root.kind is SpanKind.SERVER and isinstance(answered, int) and 400 <= answered < 500)


def tag(totals: Totals, duration_s: float, error: bool, findings: Sequence[Finding], thresholds: Thresholds) -> Tags:
    """Hold the figures of one operation against its budgets; past a budget is above it, not at it."""
    db_duration_s = totals.db_duration_ns / 1e9
    within = (
        duration_s <= thresholds.duration_s
        and totals.queries <= thresholds.queries
        and db_duration_s <= thresholds.db_duration_s
    )
    if within and not error and not findings:  # nearly all of them
        return Tags(totals)
    measured = (
        ("duration", duration_s, thresholds.duration_s, thresholds.duration_critical_s),
        ("queries", totals.queries, thresholds.queries, thresholds.queries_critical),
        ("db_duration", db_duration_s, thresholds.db_duration_s, thresholds.db_duration_critical_s),
    )
    breaches = ["error"] if error else []
    breaches += [name for name, value, budget, _ in measured if value > budget]
    if findings:
        breaches.append("n_plus_one")
    critical = error or any(value > limit for _, value, _, limit in measured)
    severity = "critical" if critical else "warning" if breaches else "ok"
    return Tags(totals, tuple(breaches), severity, tuple(findings))
