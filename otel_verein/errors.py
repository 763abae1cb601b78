"""Every exception of the package.

VereinError
├── ConfigError        verein.yaml or a VEREIN_* variable cannot be used as it stands
├── CollectorError     the collector's program is absent, or does not take its configuration
├── SourceError        telemetry to read is absent, unreadable or not OTLP
├── StoreError         the store cannot be read or written, or is not what its journal says
│   └── StoreBusyError another process is writing to it
└── MissingExtraError  a command needs an optional dependency that is not installed

None of them is ever raised into an application under test: the write side reports through
:mod:`otel_verein.faults`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "CollectorError",
    "ConfigError",
    "MissingExtraError",
    "Problem",
    "SourceError",
    "StoreBusyError",
    "StoreError",
    "VereinError",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a configuration: *where* is ``file:line`` or a variable, *what* says it."""

    where: str
    what: str

    @property
    def place(self) -> tuple[str, int]:
        """The file, or variable, and the line in it; 0 where there is none."""
        source, _, line = self.where.rpartition(":")
        return (source, int(line)) if source and line.isdecimal() else (self.where, 0)

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class VereinError(Exception):
    """The base of every error that otel-verein raises on purpose."""


class ConfigError(VereinError):
    """A configuration that cannot be used; *problems* holds all that is wrong with it, not just the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class CollectorError(VereinError):
    """A collector that cannot be run: the message says why, and the likely cure."""


class SourceError(VereinError):
    """Telemetry that cannot be read: the message names the place and the likely cure."""


class StoreError(VereinError):
    """A store that cannot be used: the message names the place, what is wrong, and the likely cure."""


class StoreBusyError(StoreError):
    """Another process is writing to the store; the message says which, and since when."""


class MissingExtraError(VereinError):
    """A command needs an optional dependency; the message holds the install command."""

    def __init__(self, purpose: str, package: str, extra: str) -> None:
        super().__init__(f"{purpose} needs {package}, which is not installed: pip install 'otel-verein[{extra}]'")
