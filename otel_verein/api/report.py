"""What happened: operations, findings, health and loss, as one record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timezone
from typing import Any

from otel_verein import semconv
from otel_verein.analysis.advice import with_advice
from otel_verein.analysis.bottlenecks import Judgement
from otel_verein.analysis.findings import Finding
from otel_verein.analysis.health import OperationHealth, TotalHealth, operation_health, total_health
from otel_verein.analysis.loss import Loss, by_detail, counted, is_measured, loss
from otel_verein.analysis.operations import OperationKey, OperationStats, by_impact
from otel_verein.analysis.roadmap import Step
from otel_verein.analysis.times import rfc3339_of, window_dict
from otel_verein.api.findings import found_in
from otel_verein.api.read import read
from otel_verein.config.schema import Config, IgnoreRule
from otel_verein.sources.base import ALL, Ask, Source, Tables
from otel_verein.sources.rows import Window

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Ignored:
    """Repeats that are no finding, by what ignores them; ``rule`` is None for code and for rules that are gone."""

    name: str
    findings: int
    rule: IgnoreRule | None
    expired: bool


@dataclass(frozen=True, slots=True)
class BaselineNote:
    """A baseline that there is to compare with: its name, version, and when it was taken."""

    name: str
    version: int
    taken: datetime


@dataclass(frozen=True, slots=True)
class Report:
    """The answer of :func:`report`; ``notes`` say what could not be read, ``internal_errors`` are our own.

    ``operations`` come with the most wall time first; ``judgements`` has a word and the bottlenecks of each.
    ``traces`` is how many kept traces the findings about single statements rest on.
    """

    window: Window | None
    operations: tuple[tuple[OperationStats, OperationHealth], ...]
    findings: tuple[Finding, ...]
    health: TotalHealth
    loss: Loss
    unattributed_queries: int | None
    internal_errors: Mapping[str, int]
    ignored: tuple[Ignored, ...]
    notes: tuple[str, ...]
    judgements: Mapping[OperationKey, Judgement]
    roadmap: tuple[Step, ...]
    traces: int
    baselines: tuple[BaselineNote, ...] = ()

    @property
    def start(self) -> datetime | None:
        """When what was measured begins."""
        return None if self.window is None else _moment(self.window.start_ns)

    @property
    def end(self) -> datetime | None:
        """When it ends."""
        return None if self.window is None else _moment(self.window.end_ns)

    @property
    def count(self) -> int:
        """How many operations it rests on."""
        return sum(stats.count for stats, _ in self.operations)

    @property
    def estimated(self) -> bool:
        """Whether any count of an operation is an estimate from sampled spans."""
        return any(stats.estimated for stats, _ in self.operations)

    def by_impact(self) -> tuple[OperationStats, ...]:
        """The operations by queries x frequency x time, the largest first."""
        return by_impact(stats for stats, _ in self.operations)

    def as_dict(self) -> dict[str, Any]:
        """The JSON object of schema version 1: every key always present, None for what is not known."""
        ranks = {stats.key: rank for rank, stats in enumerate(self.by_impact(), start=1) if stats.impact is not None}
        return {
            "schema": SCHEMA,
            "window": window_dict(self.window),
            "operations": [
                self._operation(stats, health) | {"impact_rank": ranks.get(stats.key)}
                for stats, health in self.operations
            ],
            "findings": [with_advice(finding) for finding in self.findings],
            "health": asdict(self.health),
            "loss": self.loss.as_dict(),
            "unattributed_queries": self.unattributed_queries,
            "estimated": self.estimated,
            "traces": self.traces,
            "bottlenecks": [each.as_dict() for judged in self.judgements.values() for each in judged.bottlenecks],
            "roadmap": [step.as_dict() for step in self.roadmap],
            "baselines": [
                {"name": each.name, "version": each.version, "taken": rfc3339_of(each.taken)} for each in self.baselines
            ],
            "internal_errors": dict(self.internal_errors),
            "notes": list(self.notes),
        }

    def _operation(self, stats: OperationStats, health: OperationHealth) -> dict[str, Any]:
        judged = self.judgements[stats.key]
        return {
            **stats.as_dict(),
            "health": asdict(health),
            "level": judged.level,
            "priority": judged.priority,
        }


def report(
    source: Source,
    config: Config,
    ask: Ask = ALL,
    today: date | None = None,
    baselines: Sequence[BaselineNote] = (),
) -> Report:
    """Read *source* and answer; the name of an operation in *ask* limits operations, findings and health to it.

    Loss and unattributed queries are those of all operations. *baselines* are shown as they are given. Raises what
    ``source.read`` and ``source.statements`` raise.
    """
    told = read(source, ask)
    tables = told.tables
    found = found_in(told, source, config, ask)
    return Report(
        window=tables.window,
        operations=tuple((each, operation_health(each, config.health, told.lossy)) for each in told.operations),
        findings=found.findings,
        health=total_health(told.operations, config.health, told.lossy),
        loss=loss(tables),
        unattributed_queries=counted(tables, semconv.METRIC_UNATTRIBUTED) if is_measured(tables) else None,
        internal_errors=by_detail(tables.counters, semconv.METRIC_INTERNAL_ERRORS),
        ignored=tuple(_ignored(tables, config.ignore.rules, today or date.today())),
        notes=found.notes,
        judgements={judged.key: judged for judged in found.judgements},
        roadmap=found.roadmap,
        traces=found.traces,
        baselines=tuple(baselines),
    )


def _ignored(tables: Tables, rules: Sequence[IgnoreRule], today: date) -> Iterator[Ignored]:
    """Every rule with what it ignored, also nothing; then what was ignored without one."""
    ignored = by_detail(tables.counters, semconv.METRIC_FINDINGS_IGNORED)
    for rule in rules:
        yield Ignored(rule.name, ignored.pop(rule.name, 0), rule, expired=rule.until < today)
    for name, number in ignored.items():
        yield Ignored(name, number, None, expired=False)


def _moment(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(nanoseconds / 1e9, tz=timezone.utc)
