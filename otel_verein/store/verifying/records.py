"""What a verification looks at and what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from otel_verein.store.records import EXPIRED, LIVE, REPLACED, StoredFile, Totals


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """One thing that is not as it has to be; ``check`` names the rule, ``cure`` what the user may do."""

    check: str
    where: str
    expected: str
    found: str
    cure: str

    def __str__(self) -> str:
        return f"{self.where}: {self.check}: expected {self.expected}, found {self.found}; {self.cure}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a verification: ``checked`` counts what was looked at, ``notes`` are no problems."""

    problems: tuple[Discrepancy, ...]
    notes: tuple[str, ...]
    checked: Mapping[str, int]

    @property
    def sound(self) -> bool:
        """Whether everything is as it has to be."""
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """The JSON object: every key always present."""
        return {
            "sound": self.sound,
            "problems": [asdict(problem) for problem in self.problems],
            "notes": list(self.notes),
            "checked": dict(self.checked),
        }


@dataclass(frozen=True, slots=True)
class Ledger:
    """The files of one instant of the journal, of every state, and which inputs each rollup was made from.

    ``brought`` and ``merged`` have the totals of files that have left the journal, by kind and by the batch that
    brought them, and the file that they were merged into.
    """

    files: Mapping[int, StoredFile]
    coverage: Mapping[int, frozenset[int]]
    brought: Mapping[tuple[int, str], Totals]
    merged: Mapping[tuple[int, str], Totals]

    @property
    def live(self) -> list[StoredFile]:
        """The files that count."""
        return [file for file in self.files.values() if file.state == LIVE]

    @property
    def expired(self) -> list[StoredFile]:
        """The files that retention has deleted."""
        return [file for file in self.files.values() if file.state == EXPIRED]

    def resolved(self, number: int) -> int | None:
        """The file that stands today for *number*: what replaced it, and so on; None where a row is missing."""
        seen: set[int] = set()
        while number not in seen:
            seen.add(number)
            file = self.files.get(number)
            if file is None:
                return None
            if file.replaced_by is None:
                return number
            number = file.replaced_by
        return None

    def roots(self) -> list[StoredFile]:
        """The files that a reader of everything adds up: no other stands for them, and each holds what there is.

        A rollup is stale while something that it was made from was replaced; then its inputs are read in its place.
        """
        stale: set[int] = set()
        covered: set[int] = set()
        for rollup in sorted(self.live, key=lambda each: each.level):
            inputs = self.coverage.get(rollup.id, frozenset())
            if any(each in stale or self._replaced(each) for each in inputs):
                stale.add(rollup.id)
            else:
                covered |= inputs
        return [file for file in self.live if file.id not in covered and file.id not in stale]

    def _replaced(self, number: int) -> bool:
        return number in self.files and self.files[number].state == REPLACED

    def names(self, numbers: Sequence[int]) -> str:
        """The paths of some files, for a message; of those without a row the number."""
        shown = [self.files[each].path if each in self.files else f"file {each}" for each in numbers[:3]]
        return ", ".join(shown) + (f" and {len(numbers) - 3} more" if len(numbers) > 3 else "")
