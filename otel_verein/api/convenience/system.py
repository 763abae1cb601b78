"""All operations of a source together: their figures and their health, as answers show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from otel_verein.analysis.health import TotalHealth, total_health
from otel_verein.analysis.operations import OperationStats
from otel_verein.api.convenience.figures import Figures, of_all
from otel_verein.api.convenience.here import Asked
from otel_verein.api.findings import FindingsAnswer, findings
from otel_verein.api.read import read
from otel_verein.sources.rows import FindingRow, Window


@dataclass(frozen=True, slots=True)
class System:
    """Every operation, what they did together, and how healthy that is.

    ``events`` are the findings that were counted, ``lossy`` the services whose telemetry was lost in
    part; ``notes`` are what could not be read.
    """

    stats: tuple[OperationStats, ...]
    events: tuple[FindingRow, ...]
    figures: Figures
    health: TotalHealth
    lossy: frozenset[str]
    window: Window | None
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "score": self.health.score,
            "level": self.health.level,
            "low": self.health.low,
            "high": self.health.high,
            "n": self.health.n,
            "why": self.health.why,
            "worst_operation": self.health.worst_operation,
            "lost": dict(self.health.lost),
            "figures": self.figures.as_dict(),
        }


def system(at: Asked) -> System:
    """The operations that are asked for; raises SourceError where the source cannot be read."""
    return at.source.derived(("system", at.ask, at.config), lambda: _system(at))


def all_findings(at: Asked) -> FindingsAnswer:
    """Everything that costs more than it has to, of what is asked for; raises SourceError as :func:`system` does."""
    return at.source.derived(("findings", at.ask, at.config), lambda: findings(at.source, at.config, at.ask))


def _system(at: Asked) -> System:
    told = read(at.source, at.ask)
    return System(
        stats=told.operations,
        events=told.events,
        figures=of_all(told.tables, told.operations),
        health=total_health(told.operations, at.config.health, told.lossy),
        lossy=told.lossy,
        window=told.tables.window,
        notes=told.tables.notes,
    )


def on_what(figures: Figures) -> str:
    """How many operations something rests on, as the end of a sentence."""
    if figures.estimated:
        return f"estimated from {figures.samples} kept operations"
    return f"over {figures.operations:,.0f} operations"
