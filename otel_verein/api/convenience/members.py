"""One entity, such as a member: what its operations did, and how healthy that is."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from otel_verein import semconv
from otel_verein.analysis.health import UNKNOWN, level, score_of
from otel_verein.analysis.intervals import wilson
from otel_verein.analysis.loss import lossy_services
from otel_verein.api.convenience.arguments import ArgumentError, optional_text, text
from otel_verein.api.convenience.figures import Figures, of_entity
from otel_verein.api.convenience.here import Asked
from otel_verein.errors import SourceError
from otel_verein.sources.rows import EntityRow


@dataclass(frozen=True, slots=True)
class Standing:
    """A score with its 95 % interval, from 0 to 100, and the word for it; unknown with the reason ``why``."""

    score: float | None
    level: str
    low: float | None
    high: float | None
    n: int
    why: str | None

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "score": self.score,
            "level": self.level,
            "low": self.low,
            "high": self.high,
            "n": self.n,
            "why": self.why,
        }


@dataclass(frozen=True, slots=True)
class Member:
    """An entity, the rows of its operations, and what follows from them.

    ``lossy`` are those of its services of which telemetry was lost.
    """

    entity_type: str
    name: str
    rows: tuple[EntityRow, ...]
    figures: Figures
    health: Standing
    lossy: frozenset[str]
    notes: tuple[str, ...]

    @property
    def label(self) -> str:
        """What to call it in a sentence."""
        return f"{self.entity_type} {self.name}"

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON, with what its operations are."""
        return {
            "entity_type": self.entity_type,
            "member": self.name,
            "figures": self.figures.as_dict(),
            "health": self.health.as_dict(),
            "operations": by_operation(self.rows),
            "notes": list(self.notes),
        }


def member(at: Asked, member_name: object, entity_type: object) -> Member:
    """The entity of that name.

    Raises SourceError where there are no operations of it, with what to check: that says nothing about its health.
    """
    name = text("member_name", member_name)
    kind = optional_text("entity_type", entity_type) or at.config.entities.default_type
    if name == semconv.OTHER:
        raise ArgumentError(f"member_name: {name!r} stands for all entities beyond those that are told apart; name one")
    found = at.source.entities(at.ask, kind, name)
    if not found.rows:
        raise SourceError(_not_there(at, kind, name))
    figures = of_entity(found.rows)
    lost = lossy_services(at.source.read(at.ask)) & {row.service for row in found.rows}
    return Member(kind, name, found.rows, figures, standing(figures, at, lost), lost, found.notes)


def _not_there(at: Asked, kind: str, name: str) -> str:
    """What to say of an entity of which nothing is known, and where it may be."""
    folded = at.source.entities(at.ask, kind, semconv.OTHER).rows
    told = f"{at.source.name}: no kept operation names {kind} {name!r}"
    if folded:
        return (
            f"{told}; {sum(row.samples for row in folded)} are of those that are not told apart, it may be among them"
        )
    return (
        f"{told}; operations name it by `otel_verein.entity({kind!r}, id)`, and its id is kept with "
        "`privacy.entity_ids: keep`"
    )


def standing(figures: Figures, at: Asked, lossy: Collection[str] = ()) -> Standing:
    """The health of an entity, as that of an operation: what is left of the budget of bad operations.

    What speaks for it are the operations that were kept and seen, not those that they stand for. It is unknown where
    telemetry of its services was lost, *lossy*: what is missing may be its own.
    """
    least, n = at.config.health.minimum_operations, figures.samples
    why = f"telemetry of {', '.join(sorted(lossy))} was lost" if lossy else None
    if why is None and n < least:
        why = f"{n} of its operations were kept; below {least} there is no score"
    if why is not None or not figures.operations:
        return Standing(None, UNKNOWN, None, None, n, why)
    objective = at.config.health.objective
    share = max(0.0, 1 - figures.bad / figures.operations)
    low, high = wilson(share * n, n)
    score = score_of(share, objective)
    return Standing(score, level(score, at.config.health), score_of(low, objective), score_of(high, objective), n, None)


def by_operation(rows: Iterable[EntityRow]) -> list[dict[str, Any]]:
    """The figures of each operation in *rows*, the one that takes the most time first, as plain data for JSON."""
    named: dict[tuple[str, str], list[EntityRow]] = {}
    for row in rows:
        named.setdefault((row.service, row.operation), []).append(row)
    by_time = sorted(named.items(), key=lambda each: -sum(row.duration_s for row in each[1]))
    return [
        {"service": service, "operation": operation, **of_entity(found).as_dict()}
        for (service, operation), found in by_time
    ]
