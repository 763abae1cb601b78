"""Findings before and after: gone, new, stayed, and what each changed in queries."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from otel_verein.analysis.compare_sides import FindingKey, FindingSide, Side
from otel_verein.analysis.intervals import wilson
from otel_verein.analysis.intervals_of_differences import CONFIDENCE

GONE: Final = "gone"
NEW: Final = "new"
STAYED: Final = "stayed"
UNCLEAR: Final = "unclear"


@dataclass(frozen=True, slots=True)
class FindingChange:
    """One finding on both sides; None for a side that does not have it.

    ``status`` is gone, new, stayed, or unclear: it is on one side only, but the other has too few operations to have
    shown it. ``queries_removed`` is what its repeats cost less in the operations after, than they would have cost as
    before; negative when they cost more, None where the operation is not on both sides.
    """

    key: FindingKey
    status: str
    before: FindingSide | None
    after: FindingSide | None
    queries_removed: float | None
    why: str | None = None

    @property
    def shown(self) -> FindingSide:
        """The later of the two sides that have it."""
        found = self.after or self.before
        if found is None:
            raise ValueError(f"{self.key}: is on neither side")
        return found

    def as_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            **asdict(self.key),
            "status": self.status,
            "why": self.why,
            "summary": self.shown.summary,
            "statement": self.shown.statement,
            "call_site": self.shown.call_site,
            "before": _figures(self.before),
            "after": _figures(self.after),
            "queries_removed": self.queries_removed,
        }


def _figures(side: FindingSide | None) -> dict[str, Any] | None:
    names = ("operations", "queries_wasted", "time_wasted_s", "repeats_max")
    return None if side is None else {name: getattr(side, name) for name in names}


def finding_changes(before: Side, after: Side) -> tuple[FindingChange, ...]:
    """Every finding of either side, those that changed the most queries first."""
    first, second = ({each.key: each for each in side.findings} for side in (before, after))
    counts = _counts(before), _counts(after)
    changes = [_change(key, first.get(key), second.get(key), counts) for key in sorted(first.keys() | second.keys())]
    return tuple(sorted(changes, key=lambda change: -abs(change.queries_removed or 0.0)))


def _counts(side: Side) -> Mapping[tuple[str, str], int]:
    counts: dict[tuple[str, str], int] = {}
    for each in side.operations:
        name = each.key.service, each.key.operation
        counts[name] = counts.get(name, 0) + each.count
    return counts


def _change(
    key: FindingKey,
    before: FindingSide | None,
    after: FindingSide | None,
    counts: tuple[Mapping[tuple[str, str], int], Mapping[tuple[str, str], int]],
) -> FindingChange:
    name = key.service, key.operation
    first, second = (each.get(name, 0) for each in counts)
    removed = None
    if first and second:
        wasted = (0 if each is None else each.queries_wasted for each in (before, after))
        removed = next(wasted) * second / first - next(wasted)
    if before is not None and after is not None:
        return FindingChange(key, STAYED, before, after, removed)
    status, side = (GONE, before) if before is not None else (NEW, after)
    own, other = (first, second) if status == GONE else (second, first)
    why = None if side is None else _missed(side, own, other)
    return FindingChange(key, status if why is None else UNCLEAR, before, after, removed, why)


def _missed(side: FindingSide, own: int, other: int) -> str | None:
    """Why its absence on the other side says nothing; None when it does.

    As often as the lower bound of its share says, it would be missed by chance in more than 5 % of such sides.
    """
    if not other:
        return "the operation is on one side only"
    if not own:
        return "how many operations there were is not known"
    least = wilson(min(side.operations, own), own)[0]
    if least >= 1 or other * math.log1p(-least) <= math.log(1 - CONFIDENCE):
        return None
    return f"it was in {side.operations} of {own} operations, and {other} are too few to miss it in"
