"""The problems of one document, bounded."""

from __future__ import annotations

from otel_verein.errors import Problem

MAX_PROBLEMS = 100  # more than anybody reads at once


class Problems:
    """What is wrong with one file: the first hundred, how many more, and what ended the reading."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._first: list[Problem] = []
        self._more = 0
        self._last: list[Problem] = []

    def add(self, line: int, what: str) -> None:
        """One more, at *line*."""
        if len(self._first) < MAX_PROBLEMS:
            self._first.append(Problem(f"{self._name}:{line}", what))
        else:
            self._more += 1

    def end(self, line: int | None, what: str) -> None:
        """The one that ends the reading: it is listed whatever there is besides."""
        self._last = [Problem(self._name if line is None else f"{self._name}:{line}", what)]

    @property
    def ended(self) -> bool:
        """Whether one of them ended the reading."""
        return bool(self._last)

    def listed(self) -> list[Problem]:
        """All of them in the order of the file; those past the hundredth are one that says how many they are."""
        more = [Problem(self._name, f"has {self._more:,} more problems like these")] if self._more else []
        return self._first + more + self._last
