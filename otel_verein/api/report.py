"""What happened: operations, findings, health and loss, as one record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timezone
from fnmatch import fnmatchcase
from typing import Any

from otel_verein import semconv
from otel_verein.analysis.findings import Finding, findings
from otel_verein.analysis.health import OperationHealth, TotalHealth, operation_health, total_health
from otel_verein.analysis.histogram import Distribution
from otel_verein.analysis.operations import OperationStats, operations
from otel_verein.config.schema import Config, IgnoreRule
from otel_verein.sources.base import CounterRow, Source, Tables

SCHEMA = 1

_HIDDEN = ("service", "stack")
"""Fields of a finding that version 1 of the schema does not have."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Where operations went: started = kept + sampled_out, kept = exported + dropped. None: not measured."""

    started: int | None
    kept: int | None
    sampled_out: int | None
    exported: int | None
    dropped: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Ignored:
    """Repeats that are no finding, by what ignores them; ``rule`` is None for code and for rules that are gone."""

    name: str
    findings: int
    rule: IgnoreRule | None
    expired: bool


@dataclass(frozen=True, slots=True)
class Report:
    """The answer of :func:`report`; ``notes`` say what could not be read, ``internal_errors`` are our own."""

    start: datetime | None
    end: datetime | None
    operations: tuple[tuple[OperationStats, OperationHealth], ...]
    findings: tuple[Finding, ...]
    health: TotalHealth
    loss: Loss
    unattributed_queries: int | None
    internal_errors: Mapping[str, int]
    ignored: tuple[Ignored, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The JSON object of schema version 1: every key always present, None for what is not known."""
        return {
            "schema": SCHEMA,
            "window": {"start": _rfc3339(self.start), "end": _rfc3339(self.end)},
            "operations": [_operation(stats, health) for stats, health in self.operations],
            "findings": [_finding(finding) for finding in self.findings],
            "health": asdict(self.health),
            "loss": asdict(self.loss),
            "unattributed_queries": self.unattributed_queries,
        }


def report(source: Source, config: Config, operation: str | None = None, today: date | None = None) -> Report:
    """Read *source* and answer; *operation*, a name or glob, limits operations, findings and health to it.

    Loss and unattributed queries are those of the whole source. Raises what ``source.read`` raises.
    """
    tables = source.read()
    loss = _loss(tables)
    lossy = _lossy_services(tables)
    stats = [each for each in operations(tables) if _matches(each.key.operation, operation)]
    found = [row for row in tables.findings if _matches(row.operation, operation)]
    window = tables.window
    return Report(
        start=None if window is None else _moment(window.start_ns),
        end=None if window is None else _moment(window.end_ns),
        operations=tuple((each, operation_health(each, config.health, lossy)) for each in stats),
        findings=findings(found, config.n_plus_one),
        health=total_health(stats, config.health, lossy),
        loss=loss,
        unattributed_queries=_sum(tables, semconv.METRIC_UNATTRIBUTED) if _measured(tables) else None,
        internal_errors=_by_detail(tables.counters, semconv.METRIC_INTERNAL_ERRORS),
        ignored=tuple(_ignored(tables, config.ignore.rules, today or date.today())),
        notes=tables.notes,
    )


def _ignored(tables: Tables, rules: Sequence[IgnoreRule], today: date) -> Iterator[Ignored]:
    """Every rule with what it ignored, also nothing; then what was ignored without one."""
    counted = _by_detail(tables.counters, semconv.METRIC_FINDINGS_IGNORED)
    for rule in rules:
        yield Ignored(rule.name, counted.pop(rule.name, 0), rule, expired=rule.until < today)
    for name, number in counted.items():
        yield Ignored(name, number, None, expired=False)


def _matches(name: str, pattern: str | None) -> bool:
    return pattern is None or name == pattern or fnmatchcase(name, pattern)


def _measured(tables: Tables) -> bool:
    return bool(tables.counters or any(not row.estimated for row in tables.histograms))


def _loss(tables: Tables) -> Loss:
    dropped = _by_detail(tables.counters, semconv.METRIC_EXPORT_DROPPED)
    if not _measured(tables):
        return Loss(None, None, None, None, dropped)
    kept = _sum(tables, semconv.METRIC_KEPT)
    return Loss(
        started=sum(
            row.count for row in tables.histograms if row.metric == semconv.METRIC_DURATION and not row.estimated
        ),
        kept=kept,
        sampled_out=_sum(tables, semconv.METRIC_SAMPLED_OUT),
        exported=kept - sum(dropped.values()),
        dropped=dropped,
    )


def _lossy_services(tables: Tables) -> frozenset[str]:
    """The services whose figures are incomplete; all of them when a line with metrics could not be read."""
    if tables.metrics_lost:
        return frozenset(row.service for row in tables.histograms)
    dropped = (row for row in tables.counters if row.metric == semconv.METRIC_EXPORT_DROPPED)
    return frozenset(row.service for row in dropped if row.value > 0)


def _sum(tables: Tables, metric: str) -> int:
    return sum(row.value for row in tables.counters if row.metric == metric)


def _by_detail(counters: Sequence[CounterRow], metric: str) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for row in counters:
        if row.metric == metric:
            sums[row.detail or semconv.OTHER] += row.value
    return dict(sorted(sums.items()))


def _moment(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(nanoseconds / 1e9, tz=timezone.utc)


def _rfc3339(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _operation(stats: OperationStats, health: OperationHealth) -> dict[str, Any]:
    return {
        "operation": stats.key.operation,
        "kind": stats.key.kind,
        "service": stats.key.service,
        "count": stats.count,
        "errors": stats.errors,
        "queries": _queries(stats.queries),
        "duration_s": _times(stats.duration, 0.50, 0.95, 0.99) | {"max": stats.duration.maximum},
        "db_duration_s": _times(stats.db_duration, 0.50, 0.95) | {"share": stats.db_share},
        "breaches": dict(stats.breaches),
        "kept": stats.kept,
        "sampled_out": stats.sampled_out,
        "health": asdict(health),
    }


def _queries(queries: Distribution | None) -> dict[str, Any]:
    if queries is None:
        return dict.fromkeys(("total", "mean", "p50", "p95", "p99", "max"))
    return {
        "total": None if queries.total is None else round(queries.total),
        "mean": queries.mean,
        "p50": queries.whole_percentile(0.50),
        "p95": queries.whole_percentile(0.95),
        "p99": queries.whole_percentile(0.99),
        "max": None if queries.maximum is None else round(queries.maximum),
    }


def _times(durations: Distribution | None, *shares: float) -> dict[str, float | None]:
    values: dict[str, float | None] = {"mean": None if durations is None else durations.mean}
    for share in shares:
        values[f"p{share * 100:.0f}"] = None if durations is None else durations.percentile(share)
    return values


def _finding(finding: Finding) -> dict[str, Any]:
    return {name: value for name, value in asdict(finding).items() if name not in _HIDDEN}
