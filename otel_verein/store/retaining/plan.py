"""Which files of a store may go, and why; which would have to, and may not. Nothing is deleted here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from otel_verein.config.schema import Config
from otel_verein.store.layout import Level, period_end
from otel_verein.store.records import Contents, StoredFile
from otel_verein.store.retaining.standing import Standing, Unit, above, unit_of

DAY_S: Final = 86_400
_MB: Final = 1_000_000
_TIERS_FROM_LEAST: Final = ("short", "", "medium", "long")


@dataclass(frozen=True, slots=True)
class AsideFile:
    """A file of items that were set aside: its name, size, and when it was last written to, in epoch seconds."""

    name: str
    bytes: int
    modified_s: float


@dataclass(frozen=True, slots=True)
class View:
    """All that a plan is made from; ``other_bytes`` is what the journal and everything but the files below takes."""

    contents: Contents
    asides: tuple[AsideFile, ...] = ()
    other_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Action:
    """A file that may go, and why; ``holders`` are the numbers of the rollups that hold what it does."""

    file: StoredFile
    why: str
    holders: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """A file that is to go but may not, and why."""

    file: StoredFile
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be deleted, finest first; ``budget_bytes`` is 0 where there is no bound."""

    actions: tuple[Action, ...] = ()
    asides: tuple[AsideFile, ...] = ()
    held: tuple[Held, ...] = ()
    used_bytes: int = 0
    budget_bytes: int = 0

    @property
    def freed_bytes(self) -> int:
        """What the deletions free."""
        return sum(action.file.bytes for action in self.actions) + sum(each.bytes for each in self.asides)

    @property
    def over_bytes(self) -> int:
        """By how much the store stays over its budget, since the rest may not go."""
        return max(0, self.used_bytes - self.freed_bytes - self.budget_bytes) if self.budget_bytes else 0

    def figures(self) -> dict[str, Any]:
        """The numbers of the plan by name."""
        return {
            "files": len(self.actions),
            "asides": len(self.asides),
            "held": len(self.held),
            "used_bytes": self.used_bytes,
            "freed_bytes": self.freed_bytes,
            "budget_bytes": self.budget_bytes,
            "over_bytes": self.over_bytes,
        }


def plan(view: View, config: Config, now: float) -> Plan:
    """What of *view* is past its age at *now*, in epoch seconds, or has to go for the disk budget.

    With ``capabilities.retention`` off nothing is.
    """
    used = sum(file.bytes for file in view.contents.files) + sum(each.bytes for each in view.asides) + view.other_bytes
    budget = config.retention.disk_mb * _MB
    if not config.capabilities.retention:
        return Plan(used_bytes=used, budget_bytes=budget)
    standing = Standing(view.contents)
    actions, held = _past_their_age(standing, config, now)
    asides = tuple(each for each in view.asides if now - each.modified_s > config.retention.detail_d * DAY_S)
    left = used - sum(each.file.bytes for each in actions) - sum(each.bytes for each in asides)
    if budget and left > budget:
        done = {each.file.id for each in actions} | {each.file.id for each in held}
        more, stuck = _over_budget(
            standing, [each for each in view.contents.files if each.id not in done], left, config
        )
        actions, held = [*actions, *more], [*held, *stuck]
    return Plan(tuple(actions), asides, tuple(held), used, budget)


def _past_their_age(standing: Standing, config: Config, now: float) -> tuple[list[Action], list[Held]]:
    actions: list[Action] = []
    held: list[Held] = []
    for unit in units(standing.live.values()):
        option, days = _age(unit[0], config)
        if now - _end(unit[0]) > days * DAY_S:
            _decide(standing, unit, f"older than {days} days ({option})", actions, held)
    return actions, held


def _over_budget(
    standing: Standing, files: Iterable[StoredFile], used: int, config: Config
) -> tuple[list[Action], list[Held]]:
    actions: list[Action] = []
    held: list[Held] = []
    why = f"the store takes more than {config.retention.disk_mb} MB (retention.disk_mb)"
    for unit in sorted(units(file for file in files if file.level < Level.MONTH), key=_severity):
        if used <= config.retention.disk_mb * _MB:
            break
        if _decide(standing, unit, why, actions, held):
            used -= sum(file.bytes for file in unit)
    return actions, held


def _decide(standing: Standing, unit: list[StoredFile], why: str, actions: list[Action], held: list[Held]) -> bool:
    """Enter *unit* into one of the lists; whether it goes."""
    obstacle = standing.obstacle(unit)
    if obstacle is not None:
        held.extend(Held(file, f"{why}, but {obstacle}") for file in unit)
        return False
    for file in unit:
        actions.append(Action(file, why, tuple(each.id for each in standing.holders(file))))
    standing.gone(unit)
    return True


def units(files: Iterable[StoredFile]) -> list[list[StoredFile]]:
    """The files that go together, finest and oldest first."""
    ordered = sorted(files, key=lambda file: (_order(unit_of(file)), file.id))
    return [list(unit) for _, unit in groupby(ordered, key=unit_of)]


def ends_s(file: StoredFile, config: Config) -> int:
    """When *file* is as old as it gets, in epoch seconds."""
    return _end(file) + _age(file, config)[1] * DAY_S


def _order(unit: Unit) -> tuple[int, int, str, int]:
    kind, level, period, number = unit
    return (level, period, kind, number)


def _age(file: StoredFile, config: Config) -> tuple[str, int]:
    """The option that says how long *file* is kept, and its days."""
    if file.level == Level.DETAIL:
        option = f"tiers.{file.tier}_d" if file.kind == "spans" and file.tier else "retention.detail_d"
    else:
        option = ("retention.hourly_d", "retention.daily_d", "retention.monthly_d")[file.level - 1]
    section, name = option.split(".")
    return option, getattr(getattr(config, section), name)


def _end(file: StoredFile) -> int:
    """From when a file ages: the end of what it goes together with."""
    return period_end(above(file), min(file.level + 1, Level.MONTH))


def _severity(unit: list[StoredFile]) -> tuple[int, int, int, int]:
    """What goes first where there is no room: sampled traces, those that matter, other detail, hours, days."""
    file = unit[0]
    rank = _TIERS_FROM_LEAST.index(file.tier) if file.kind == "spans" else len(_TIERS_FROM_LEAST)
    return (file.level, rank, file.period, file.id)
