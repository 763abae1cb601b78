"""What costs more than it has to, what it makes slow, and what to mend first."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from otel_verein.analysis.advice import with_advice
from otel_verein.analysis.bottlenecks import Bottleneck, Judgement, judgements
from otel_verein.analysis.findings import Finding
from otel_verein.analysis.findings_gathered import all_findings
from otel_verein.analysis.roadmap import Step, roadmap
from otel_verein.analysis.times import window_dict
from otel_verein.api.read import Read, read
from otel_verein.config.schema import Config
from otel_verein.sources.base import ALL, Ask, Source
from otel_verein.sources.rows import Window

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class FindingsAnswer:
    """The answer of :func:`findings`, which rests on ``operations`` operations, and ``traces`` kept traces.

    ``operations`` is an estimate where ``estimated``. ``notes`` say what could not be read, or not in full.
    """

    window: Window | None
    operations: int
    estimated: bool
    traces: int
    findings: tuple[Finding, ...]
    judgements: tuple[Judgement, ...]
    roadmap: tuple[Step, ...]
    notes: tuple[str, ...]

    @property
    def bottlenecks(self) -> tuple[Bottleneck, ...]:
        """Those of all operations."""
        return tuple(reason for judged in self.judgements for reason in judged.bottlenecks)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON: every key always present, None for what is not known."""
        return {
            "schema": SCHEMA,
            "window": window_dict(self.window),
            "operations": self.operations,
            "estimated": self.estimated,
            "traces": self.traces,
            "findings": [with_advice(finding) for finding in self.findings],
            "bottlenecks": [bottleneck.as_dict() for bottleneck in self.bottlenecks],
            "judgements": [judged.as_dict() for judged in self.judgements],
            "roadmap": [step.as_dict() for step in self.roadmap],
            "notes": list(self.notes),
        }


def findings(source: Source, config: Config, ask: Ask = ALL, kinds: Collection[str] = ()) -> FindingsAnswer:
    """Read *source* and judge what was asked for; of *kinds*, if any, are the findings and the roadmap.

    Raises what its ``read`` and ``statements`` raise.
    """
    return found_in(read(source, ask), source, config, ask, kinds)


def found_in(told: Read, source: Source, config: Config, ask: Ask, kinds: Collection[str] = ()) -> FindingsAnswer:
    """The findings of what was *told* already, and of the statements that *source* still has to be asked for."""
    calls = source.statements(ask)
    found = all_findings(told.events, calls.rows, told.operations, config)
    shown = tuple(each for each in found if not kinds or each.kind in kinds)
    return FindingsAnswer(
        window=told.tables.window,
        operations=sum(stats.count for stats in told.operations),
        estimated=any(stats.estimated for stats in told.operations),
        traces=calls.traces,
        findings=shown,
        judgements=tuple(judgements(told.operations, found, config).values()),
        roadmap=roadmap(shown, told.operations),
        notes=tuple(dict.fromkeys((*told.tables.notes, *calls.notes))),
    )
